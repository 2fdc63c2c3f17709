"""Faults that are put into written messages: each kind in a stated share, at places that are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from headgate.simulation.draws import Draws

_ID = re.compile(r'"id":( ?)"\d+"')
_TIMESTAMP = re.compile(r'"timestamp":( ?)"[^"]*"')
_CONTENT = re.compile(r'"content": ?"')
_PINNED = re.compile(r'"isPinned":( ?)(?:true|false)')
_CALL = re.compile(r'"callEndedTimestamp": ?null,')
_TOO_LONG = 20_001  # code points; Discord takes at most 4,000, whatever rendering makes of them


@dataclass(frozen=True)
class Kind:
    """One kind of fault. ``put`` makes a message's text, and the one before it, a faulty text.

    ``readable``: what comes of it is still JSON in UTF-8, so that what is inside counts.
    """

    name: str
    meaning: str
    put: Callable[[str, str], str]
    readable: bool = True


def _spoiled(pattern: re.Pattern[str], replacement: str) -> Callable[[str, str], str]:
    return lambda text, _: pattern.sub(replacement, text, count=1)


def _in_content(what: str) -> Callable[[str, str], str]:
    """``what`` (JSON text) at the start of the message's content."""
    return lambda text, _: _CONTENT.sub(lambda found: found[0] + what, text, count=1)


def _same_id(text: str, before: str) -> str:
    found = _ID.search(before)
    assert found is not None
    return _ID.sub(found[0], text, count=1)


KINDS = (
    Kind("bad_type", "isPinned is a text", _spoiled(_PINNED, r'"isPinned":\1"no"')),
    Kind(
        "missing_field",
        "timestamp is missing",
        _spoiled(re.compile(r'"timestamp": ?"[^"]*",\s*'), ""),
    ),
    Kind(
        "malformed",
        "the colon after type is missing",
        _spoiled(re.compile('"type":'), '"type"'),
        readable=False,
    ),
    Kind("conflict", "has the id of the message before it, and other content", _same_id),
    Kind("repeat", "is the message before it once more", lambda _, before: before),
    Kind(
        "unknown_field",
        "has a field that exports did not have so far",
        _spoiled(_CALL, r'\g<0>"poll": {"question": "which one?", "votes": 3},'),
    ),
    Kind(
        "bad_timestamp",
        "timestamp is no time",
        _spoiled(_TIMESTAMP, r'"timestamp":\1"2024-02-30T25:61:00+00:00"'),
    ),
    Kind("lone_surrogate", "content has half a surrogate pair", _in_content("\\uD83D")),
    Kind("nul", "content has the character NUL", _in_content("\\u0000")),
    # Written as the one byte 0xFF, see :func:`encoded`.
    Kind("invalid_utf8", "content has a byte that is not UTF-8", _in_content("\udcff"), False),
    Kind("too_long", f"content has {_TOO_LONG:,} characters more", _in_content("x" * _TOO_LONG)),
)
#: Faults of a whole file, each in an export of its own, in a delivery of that name.
OF_FILES = {
    "cut_tail": "the file ends inside this message",
    "wrong_count": "messageCount is not the number of messages",
}


def chosen(count: int, per_million: int, draws: Draws) -> Iterator[tuple[int, Kind]]:
    """Which of ``count`` messages get which fault, in order.

    Never two neighbours, the first or the last: each fault stays one fault.
    """
    drawn = draws.below(count, 1_000_000)
    before = -1
    for at in np.flatnonzero(drawn < per_million * len(KINDS)).tolist():
        if 0 < at < count - 1 and at > before + 1:
            yield at, KINDS[int(drawn[at]) // per_million]
            before = at


def encoded(text: str) -> bytes:
    """The bytes of written messages; what :data:`KINDS` marked so is no UTF-8."""
    return text.encode("utf-8", "surrogateescape")
