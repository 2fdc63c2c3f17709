"""Random nested records with faults, and what plain Python reads from them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from headgate.contracts.mapping import Location, Mapping, mapping
from headgate.contracts.model import Contract, SourceSpec
from headgate.core import json as hjson
from headgate.ingest import jsontext, values
from headgate.ingest.lines import proof
from headgate.ingest.shapes.nested import Nested
from tests.unit.ingest import reading, writing

COLUMNS = {
    "id": "string",
    "n<-@.count": "long",
    "small<-@.deep.er.small": "integer",
    "name<-@.author.name": "string",
    "seen<-@.author.seen": "timestamp",
    "born<-@.author['born on']": "date",
    "score<-@.deep.score": "double",
    "price<-@.deep.er.price": "decimal(10,2)",
    "flag<-@.deep.flag": "boolean",
    "tags<-@.deep.tags": "array<string>",
    "refs<-@.deep.refs": "array<long>",
    "weights<-@.deep.weights": "array<double>",
    "prices<-@.deep.prices": "array<decimal(10,2)>",
    "times<-@.deep.times": "array<timestamp>",
    "roles<-@.author.roles": "json",
    "text": "string",
}
#: A JSON value and its text.
Element = tuple[Any, str]
TEXTS = [*writing.WORDS, *writing.ESCAPED, '"', "\\", "\\u0041", "é\u2028", ":", '":', '": 1', "0"]


def contract(columns: dict[str, str] = COLUMNS, **options: Any) -> Contract:
    """A contract of nested columns; what is below ``ignored`` is left out."""
    options = {"ignore": ["@.ignored"], **options}
    return replace(reading.contract(columns), source=SourceSpec("jsonl", options=options))


def record(rng: random.Random, number: int) -> dict[str, Any]:
    """A good record."""
    text = " ".join(rng.choices(TEXTS, k=rng.randrange(4)))
    found: dict[str, Any] = {
        "id": str(number),
        "count": rng.choice([number, 0, -5, rng.randrange(-(2**63), 2**63)]),
        "author": {
            "name": text,
            "seen": rng.choice(writing.INSTANTS),
            "born on": f"20{rng.randrange(10, 30)}-0{rng.randrange(1, 10)}-11",
            "roles": rng.choice([[], {}, [{"id": "1", "n": [1, 2.50]}], "x y", 1.5, True]),
        },
        "deep": {
            "er": {"small": rng.randrange(-9, 9), "price": Decimal(rng.randrange(10**6)) / 100},
            "score": rng.choice([rng.random(), 0.5, -3.25, 17, 1e-7, 1e22]),
            "flag": rng.random() < 0.5,
            "tags": rng.choices(TEXTS, k=rng.randrange(3)),
            "refs": [rng.randrange(-5, 1000) for _ in range(rng.randrange(3))],
            "weights": [rng.random() for _ in range(rng.randrange(3))],
            "prices": [Decimal("1.50"), Decimal("12")][: rng.randrange(3)],
            "times": rng.choices(writing.INSTANTS, k=rng.randrange(3)),
        },
        "ignored": rng.choice([{"a1": [text, 0.1]}, None, [], "0", 12]),
        "text": text,
    }
    if rng.random() < 0.1:
        found["author"] = rng.choice([None, {}])
    if rng.random() < 0.1:
        del found[rng.choice(["author", "deep", "text", "ignored"])]
    return found


def odd(rng: random.Random, good: dict[str, Any]) -> dict[str, Any]:
    """The record with something about it that the contract may not want."""
    pool = [*writing.ODD_NUMBERS, *writing.ODD_INSTANTS, *TEXTS, [1, None], ["x", None], [[1]]]
    at: dict[str, Any] = good
    while True:
        name = rng.choice(list(at) or ["x"])
        if isinstance(at.get(name), dict) and rng.random() < 0.8:
            at = at[name]
            continue
        at[name if rng.random() < 0.8 else "unknown"] = rng.choice(pool)
        return good


def written(rng: random.Random, found: dict[str, Any], how: writing.Style, indent: bool) -> bytes:
    """The record as some producer writes it."""
    if not indent:
        return how.line(found).rstrip(b"\r\n")
    plain = json.loads(how.line(found), parse_float=float)
    return json.dumps(plain, indent=2, ensure_ascii=how.ascii_only).encode("utf-8", "replace")


def oracle(raw: bytes, of: Contract) -> list[dict[str, Any]] | None:
    """The rows that plain Python reads from a unit of the mapping, None if anything is wrong."""
    try:
        text = raw.decode("utf-8")
        unit = hjson.loads_strict(text)
        json.dumps(unit, default=str, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    if type(unit) is not dict:
        return None
    where = mapping(of)
    rows: list[dict[str, Any]] = []
    try:
        for chain in _chains([(unit, text)], where.arrays[1:]):
            # One record of a unit may be refused, and the next one taken.
            with suppress(values.Unfit):
                rows.append(_row(chain, of, where))
    except TypeError:
        return None
    return rows


def _row(chain: list[Element], of: Contract, where: Mapping) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in of.columns:
        place = where.columns[column.name]
        value, own = _at(chain[place.level - min(1, len(where.arrays))], place)
        if value is not None and column.type == "json":
            value = jsontext.compact(own)
        elif value is not None and column.type == "array<json>":
            if set(value) - {None}:  # other elements are left to the exact look
                raise TypeError
        elif value is not None:
            value = values.converter(column.type)(value)
        row[column.name] = value
    return row


def _chains(chain: list[Element], arrays: Sequence[Any]) -> Iterator[list[Element]]:
    if not arrays:
        yield chain
        return
    value, text = _at(chain[-1], Location(0, arrays[0]))
    if value is None:
        return
    if type(value) is not list or not all(type(v) is dict for v in value):
        raise TypeError
    for element in zip(value, jsontext.elements(text), strict=True):
        yield from _chains([*chain, element], arrays[1:])


def _at(element: Element, place: Location) -> Element:
    value, text = element
    for step in place.steps:
        if value is None:
            return None, ""
        if type(value) is not dict:
            raise TypeError
        texts = {f.name: text[f.start : f.end] for f in jsontext.fields(text)}
        value, text = value.get(step), texts.get(step, "")
    return value, text


def rows(nested: Nested, units: list[bytes], gap: bytes) -> dict[int, list[dict[str, Any]]]:
    """The proven rows of units that stand ``gap`` apart, by unit."""
    data = gap.join(units)
    starts = np.cumsum([0, *(len(u) + len(gap) for u in units[:-1])])
    ends = starts + np.array([len(u) for u in units])
    proven, inner = nested.judge(data, starts, ends)
    assert (inner[proven] >= 0).all()
    # A unit's rows get positions of their own.
    batch = nested.batch_of(starts, ends, np.arange(len(units)) * 1000)
    con = reading._connection()
    for name, value in proof.SETTINGS.items():
        con.execute(f"SET {name} = '{value}'")
    con.register("_texts", pa.Table.from_batches([batch]))
    cursor = con.execute(f"SELECT * FROM {nested.relation('_texts')} ORDER BY _position")
    names = [d[0] for d in cursor.description]
    found: dict[int, list[dict[str, Any]]] = {}
    for values_ in cursor.fetchall():
        row = dict(zip(names, values_, strict=True))
        assert row.pop("_rescued") is None
        found.setdefault(row.pop("_position") // 1000, []).append(row)
    return found


def check(
    units: list[bytes], of: Contract, gap: bytes = b"\n", nested: Nested | None = None
) -> int:
    """Compare what is proven of the units with the oracle; the number of proven rows."""
    found = rows(nested or Nested(of, reading.SETTINGS), units, gap)
    for unit, got in found.items():
        expected = oracle(units[unit], of)
        assert expected is not None, f"proven {got}, but it is not to be read: {units[unit]!r}"
        for row in got:
            assert any(all(reading.same(row[k], other[k]) for k in other) for other in expected), (
                f"{row} is not among {expected}: {units[unit]!r}"
            )
    return sum(map(len, found.values()))
