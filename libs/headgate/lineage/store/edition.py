"""Which edition of the store's tables this is, for those who only look whether a store is of it."""

#: The newest step of ``migrations/versions``.
EDITION = "0002"

#: A store that is built anew counts its revisions from so far below those of before.
EPOCH = 10**12
