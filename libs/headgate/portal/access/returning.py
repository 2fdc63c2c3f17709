"""Where somebody goes on after they signed in: an address of this portal, whatever a link says."""

from __future__ import annotations

_LONGEST = 2_000


def checked(address: str | None) -> str:
    """The address, if it is a path of this portal and nothing that a browser takes for another's
    (``//host``, ``/\\\\host``); else the first page."""
    found = address or "/"
    own = found.startswith("/") and not found.startswith(("//", "/sign-in", "/sign-out"))
    plain = found.isascii() and found.isprintable() and "\\" not in found and " " not in found
    return found if own and plain and len(found) <= _LONGEST else "/"
