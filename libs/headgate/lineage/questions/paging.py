"""Pages by key: where the next one begins, as a text that a caller gives back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from headgate.core import json as hjson
from headgate.core.errors import NotFoundError

#: The most that one page may have.
MOST = 500
_WIDEST = 2**63


def key(values: Sequence[str | int]) -> str:
    """The text of the place right behind a row with these values of the order."""
    return base64.urlsafe_b64encode(hjson.dumps(list(values)).encode()).decode().rstrip("=")


def values(text: str, *kinds: type) -> list[str | int]:
    """The values of which :func:`key` made the text, one of each kind.

    Raises:
        NotFoundError: it made no such text.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        found = hjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    right = (
        isinstance(found, list)
        and [type(v) for v in found] == list(kinds)
        and all(-_WIDEST <= v < _WIDEST for v in found if isinstance(v, int))
        and not any("\0" in v for v in found if isinstance(v, str))
    )
    if not right:
        raise NotFoundError(
            "there is no such page.", remedy="Begin without `after`, then give `next` of a page."
        )
    assert isinstance(found, list)
    return found
