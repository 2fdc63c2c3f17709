"""Known faults, put into the demo's logs at known lines: what the gate must find is known beforehand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headgate.core import json as hjson

Record = dict[str, Any]


@dataclass
class Expected:
    """What the gate must say of one file. ``reasons`` counts rows set aside by reason code."""

    read: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    rescued: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def published(self) -> int:
        """Rows that must come through."""
        return self.read - self.quarantined - self.deduplicated

    def add(self, other: Expected) -> None:
        """Add another file's figures."""
        self.read += other.read
        self.quarantined += other.quarantined
        self.deduplicated += other.deduplicated
        self.rescued += other.rescued
        self.reasons.update(other.reasons)


def written(record: Record) -> bytes:
    """The record as the corpus writes it: in its own key order, with a space after : and ,."""
    parts = (f"{hjson.dumps(k)}: {_value(v)}" for k, v in record.items())
    return ("{" + ", ".join(parts) + "}").encode()


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return hjson.dumps(value)


def _with(**changes: Any) -> Callable[[Record], bytes]:
    return lambda record: written({**record, **changes})


#: Reason code, how many lines of a log get the fault, and what the fault does to a line.
FAULTS: tuple[tuple[str, int, Callable[[Record], bytes]], ...] = (
    ("malformed_json", 3, lambda r: written(r).replace(b'"channel": ', b'"channel" ', 1)),
    ("empty_line", 2, lambda r: b""),
    ("not_an_object", 1, lambda r: b'["a", "line", "that", "is", "a", "list"]'),
    ("duplicate_field", 1, lambda r: written(r)[:-1] + b', "type": "system"}'),
    ("invalid_utf8", 2, lambda r: written({**r, "text": "caf?"}).replace(b"caf?", b"caf\xe9")),
    ("type_mismatch", 3, lambda r: written({**r, "line": str(r["line"])})),
    ("lossy_number", 2, lambda r: written({**r, "line": r["line"] + 0.5})),
    ("invalid_date", 1, lambda r: written({**r, "date": "2019-05-32"})),
    ("text.max_length", 4, lambda r: written({**r, "text": (r["text"] + " ") * 40})),
    ("type.accepted", 1, _with(type="notice")),
    ("reply_to.points_back", 1, lambda r: written({**r, "reply_to": [r["line"] + 5]})),
    ("chat_has_time_and_author", 2, _with(author=None)),
)
_RESCUED, _REPEATED, _CONFLICTING = 3, 5, 2


def damaged(records: list[Record], *, cut_tail: bool) -> tuple[bytes, Expected]:
    """The log with every fault in it, as bytes, and what the gate must say of it.

    Besides :data:`FAULTS`: lines with a field that the contract does not know (published; the
    field is kept), exact repeats (deduplicated), and lines that come again with another text (all
    of them set aside). ``cut_tail`` breaks off the last line, as a lost connection does.
    """
    source = random.Random(records[0]["file"])  # noqa: S311 (a demo, not cryptography)
    plain = [r["line"] for r in records if r["type"] == "message" and len(r["text"]) > 12]
    wanted = sum(n for _, n, _ in FAULTS) + _RESCUED + _REPEATED + _CONFLICTING
    chosen = source.sample(plain[:-1], wanted)
    lines: list[bytes] = [written(r) for r in records]
    expected = Expected()
    for code, count, fault in FAULTS:
        for _ in range(count):
            at = chosen.pop()
            lines[at] = fault(records[at])
            expected.reasons[code] += 1
            expected.quarantined += 1
    for _ in range(_RESCUED):
        at = chosen.pop()
        lines[at] = written({**records[at], "client": "webchat"})
        expected.rescued += 1
    for _ in range(_REPEATED):
        at = chosen.pop()
        lines[at] += b"\n" + lines[at]
        expected.deduplicated += 1
    for _ in range(_CONFLICTING):
        at = chosen.pop()
        lines[at] += b"\n" + written({**records[at], "text": "no, I meant something else"})
        expected.reasons["conflicting_key"] += 2
        expected.quarantined += 2
    content = b"\n".join(lines) + b"\n"
    if cut_tail:
        content = content[: -len(lines[-1]) // 2]
        expected.reasons["truncated"] += 1
        expected.quarantined += 1
    expected.read = content.count(b"\n") + cut_tail
    return content, expected


def hopeless(records: list[Record]) -> bytes:
    """A log of which every third line lost its channel: too much to be set aside row by row."""
    return b"".join(
        written({**r, "channel": None} if r["line"] % 3 == 0 else r) + b"\n" for r in records
    )
