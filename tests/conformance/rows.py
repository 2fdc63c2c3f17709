"""Rows that are hard to judge alike: every nasty value of each type, drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

from tests.unit.quality.judging import NASTY

#: The judged table: names that are no SQL keywords, and one column of each type and use.
COLUMNS = {
    "name": "string",
    "line": "string",
    "kind": "string",
    "clock": "string",
    "whole": "long",
    "small": "integer",
    "real": "double",
    "price": "decimal(5,2)",
    "exact": "decimal(38,10)",
    "day": "date",
    "moment": "timestamp",
    "flag": "boolean",
    "items": "array<long>",
    "tags": "array<string>",
    "doc": "json",
}
KINDS = ("message", "action", "system")
_CLOCKS = ("09:00:00", "08:59:59", "17:00", "17:00:00", "23:59:59", "00:00", "24:00:00", "noon", "")
_DOCS = (
    "{}", '{"a":1}', '{"a":null,"b":2}', '{"b":[],"c":{},"a":"é"}', "[]", "[1,2]", '[1,1]',
    '["1",1]', "[null,null]", "null", "5", '"text"', '[{"a":1},{"a":1}]',
)  # fmt: skip
_NUMBERS = (0, 1, -1, 2, 5, 7, 2**53, 2**53 + 1, 2**63 - 1)


def rows(seed: int, count: int = 120) -> list[dict[str, Any]]:
    """``count`` rows; a value in eight is absent, and every nasty value has its chance."""
    rng = random.Random(seed)
    near = {
        "whole": [*NASTY["long"], 3, 4, 5, 6, 7, 15, 2**53 + 2],
        "small": [*NASTY["integer"], 3, 5, 15],
        "real": [*NASTY["double"], 0.25, 0.5, 3.0, 2.5, 1e15],
        "price": NASTY["decimal(5,2)"],
        "exact": NASTY["decimal(38,10)"],
        "day": NASTY["date"],
        "moment": NASTY["timestamp"],
        "flag": NASTY["boolean"],
        "line": NASTY["string"],
        "name": [*NASTY["string"][:8], *map(str, range(60))],
        "kind": [*KINDS, "Message", "message ", ""],
        "clock": _CLOCKS,
        "doc": _DOCS,
    }
    found = []
    for _ in range(count):
        row: dict[str, Any] = {
            name: None if rng.random() < 1 / 8 else rng.choice(near[name])
            for name in COLUMNS
            if name in near
        }
        row["items"] = _array(rng, _NUMBERS)
        row["tags"] = _array(rng, NASTY["string"][:12])
        found.append({name: row[name] for name in COLUMNS})
    return found


def _array(rng: random.Random, values: Any) -> list[Any] | None:
    if rng.random() < 1 / 8:
        return None
    return [None if rng.random() < 0.1 else rng.choice(values) for _ in range(rng.randrange(5))]
