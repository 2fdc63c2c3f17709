"""Damages a copy of the IRC corpus in known ways, and says what must become of every line."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: What a damaged line must end as: a quarantine reason, or one of these.
PUBLISHED, DEDUPLICATED = "published", "deduplicated"


def _edit(**values: object) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        return json.dumps({**json.loads(line), **values}).encode()

    return apply


def _raw(text: bytes, instead: bytes) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        assert text in line
        return line.replace(text, instead, 1)

    return apply


def _without(name: str) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        return json.dumps({k: v for k, v in json.loads(line).items() if k != name}).encode()

    return apply


def _number(text: str) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        number = json.loads(line)["line"]
        return line.replace(f'"line": {number},'.encode(), f'"line": {text},'.encode(), 1)

    return apply


#: name: (what is done to a line, the reason code or end that it must have)
KINDS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "malformed": (lambda line: line[:-9], "malformed_json"),
    "two_on_a_line": (lambda line: line + line, "malformed_json"),
    "single_quotes": (lambda line: line.replace(b'"', b"'"), "malformed_json"),
    "not_a_number": (_number("NaN"), "malformed_json"),
    "mistyped": (_number('"12"'), "type_mismatch"),
    "text_as_number": (_edit(text=17), "type_mismatch"),
    "object_as_text": (_edit(text={"a": 1}), "type_mismatch"),
    "mixed_list": (_edit(reply_to=[1, "x"]), "type_mismatch"),
    "fraction": (_number("1.5"), "lossy_number"),
    "beyond_64_bits": (_number("92233720368547758070"), "lossy_number"),
    "bad_utf8": (_raw(b'"text": "', b'"text": "\xff\xfe'), "invalid_utf8"),
    "lone_surrogate": (_raw(b'"text": "', b'"text": "\\ud800'), "lone_surrogate"),
    "empty": (lambda line: b"", "empty_line"),
    "blank": (lambda line: b"  \t ", "empty_line"),
    "null": (lambda line: b"null", "not_an_object"),
    "list": (lambda line: b"[" + line + b"]", "not_an_object"),
    "field_twice": (_raw(b"{", b'{"channel": "#other", '), "duplicate_field"),
    "too_deep": (_raw(b"{", b'{"x": ' + b"[" * 2000 + b"]" * 2000 + b", "), "nesting_too_deep"),
    "too_long": (_edit(text="x" * 200_000), "line_too_long"),
    "no_such_date": (_edit(date="2004-02-30"), "invalid_date"),
    "missing_field": (_without("channel"), "channel.required"),
    "unknown_kind": (_edit(type="mesage"), "type.accepted"),
    "answers_the_future": (_edit(reply_to=[10**9]), "reply_to.points_back"),
    "bad_time": (_edit(time="25:61"), "time.pattern"),
    "unknown_field": (_edit(mood="merry"), PUBLISHED),
    "repeated": (lambda line: line + b"\n" + line, DEDUPLICATED),
    "conflicting": (
        lambda line: line + b"\n" + _edit(text="something else")(line),
        "conflicting_key",
    ),
}
#: Settings under which the damage ends as said.
ENVIRONMENT = {"HEADGATE_MAX_RECORD_BYTES": "100000"}


@dataclass
class Damaged:
    """What was done. Counts are of records, as a reader must count them."""

    path: Path
    records: int = 0
    expected: dict[str, int] = field(default_factory=dict)
    #: position (1-based) of every damaged record: reason or end
    ends: dict[int, str] = field(default_factory=dict)

    def of(self, end: str) -> int:
        """How many records end so."""
        return sum(e == end for e in self.ends.values())

    @property
    def quarantined(self) -> int:
        """Records that must be in quarantine."""
        return sum(e not in (PUBLISHED, DEDUPLICATED) for e in self.ends.values())


def damage(
    lines: list[bytes], target: Path, *, each: int, seed: int, cut_tail: bool = True
) -> Damaged:
    """Write ``lines`` (without ends) to ``target``, ``each`` of them damaged in each way."""
    chance = random.Random(seed)
    chosen = chance.sample(range(len(lines) - 1), each * len(KINDS))
    plan = {at: kind for i, kind in enumerate(KINDS) for at in chosen[i * each : (i + 1) * each]}
    result = Damaged(target)
    with target.open("wb") as out:
        for at, line in enumerate(lines):
            if at not in plan:
                result.records += 1
                if cut_tail and at == len(lines) - 1:
                    result.ends[result.records] = "truncated"
                    out.write(line[: len(line) // 2])
                else:
                    out.write(line + b"\n")
                continue
            how, end = KINDS[plan[at]]
            written = how(line)
            out.write(written + b"\n")
            for part in range(written.count(b"\n") + 1):
                result.records += 1
                if end == DEDUPLICATED and part == 0:
                    continue  # the first of the two is the one that stays
                result.ends[result.records] = end
    return result
