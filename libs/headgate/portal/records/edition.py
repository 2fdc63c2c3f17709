"""Which edition of the portal's tables this is."""

#: The newest step of ``migrations/versions``.
EDITION = "0001"
