"""Every kind of rule over every type of column that takes it, and the values that are told apart least.

Nothing here lists which kind fits which type: all are tried, and what a kind refuses is left out.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from headgate.contracts import types
from headgate.contracts.formats import FORMATS
from headgate.contracts.model import Contract, Rule
from headgate.core.errors import ContractError
from headgate.lake.engines.spark.carrying import CannotCarryError, carried
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import compile_table_rules
from tests.unit.quality.judging import NASTY, contract, rule

Row = dict[str, Any]
_NINES = "9" * 38
_MOMENTS = tuple(
    dt.datetime.fromisoformat(t + "+00:00")
    for t in ("0001-01-01T00:00:00.000001", "1582-10-10T00:00:00", "1900-01-01T00:00:00",
              "1969-12-31T23:59:59.999999", "2262-04-11T23:47:16.854775", "2262-04-11T23:47:16.854776",
              "2016-12-31T23:59:59", "2024-03-31T01:30:00", "9999-12-31T23:59:59.999999")
)  # fmt: skip
_EDGES: Mapping[str, Sequence[Any]] = {
    **NASTY,
    "string": (*NASTY["string"], "x" * 100_000, "\U0001f600" * 30_000, "a\0b", "\0", "\ud7ff\ue000", "ǅ"),
    "timestamp": (*NASTY["timestamp"], *_MOMENTS),
    "decimal(38,0)": tuple(map(Decimal, ("0", "1", "-1", _NINES, f"-{_NINES}", "9007199254740993"))),
    "decimal(38,38)": tuple(map(Decimal, ("0", "1E-38", "-1E-38", f"0.{_NINES}", f"-0.{_NINES}"))),
    "decimal(1,0)": tuple(map(Decimal, ("0", "1", "-1", "9", "-9", "5"))),
    "json": (
        "{}", '{"a":1}', '{"a":null,"b":2}', "[]", "[1,2]", "[1,1]", '["1",1]', "[null,null]", "null", "5",
        '"text"', '[{"a":1},{"a":1}]', "not json", "", "[1,", '{"a":{"b":[1]}}', '["é","e\u0301"]',
    ),
}  # fmt: skip
#: What is within arrays; NULL among them.
_ELEMENTS = (
    "long",
    "integer",
    "string",
    "double",
    "boolean",
    "date",
    "timestamp",
    "decimal(38,10)",
)
TYPES = (*_EDGES, *(f"array<{e}>" for e in _ELEMENTS), "array<array<long>>")
#: A column of each type.
COLUMNS = {f"c{at}": kind for at, kind in enumerate(TYPES)}
#: What queries ask of a column, where it can be asked of the type.
_ASKED = (
    "sum({property})", "count(DISTINCT {property})", "avg({property})", "max(length({property}))",
    "date_diff('day', min({property}), max({property}))", "sum({property} * 2) FILTER (WHERE {property} > 0)",
    "epoch(max({property})) - epoch(min({property}))", "sum(len({property}))",
)  # fmt: skip


def values(kind: str, rng: random.Random) -> Sequence[Any]:
    """The edge values of a type, in no order."""
    inner = types.element(kind)
    if inner is None:
        return rng.sample(_EDGES[kind], len(_EDGES[kind]))
    some = values(inner, rng)
    if inner == "string":
        some = [v for v in some if len(v) < 300]
    made: list[Any] = [[], [None], [None, None], [some[0]], [some[0], some[0]], [some[0], None]]
    return made + [rng.choices([*some, None], k=rng.randint(1, 4)) for _ in range(12)]


def rows(seed: int, count: int = 90) -> list[Row]:
    """Rows in which each column has all its edge values, one in eight or more absent."""
    rng = random.Random(seed)
    columns: dict[str, list[Any]] = {}
    for name, kind in COLUMNS.items():
        given = [*values(kind, rng), *[None] * (count // 8)]
        given += rng.choices(given, k=max(count - len(given), 0))
        rng.shuffle(given)
        columns[name] = given[:count]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def told(value: Any) -> Any:
    """A value as a contract writes it."""
    return value.isoformat() if isinstance(value, dt.date) else value


def row_rules() -> Contract:
    """A contract of every rule that judges a row."""
    return _of([r for name, kind in COLUMNS.items() for r in _row_rules(name, kind)])


def table_rules() -> Contract:
    """A contract of every rule that judges the table."""
    given = [r for name, kind in COLUMNS.items() for r in _table_rules(name, kind)]
    more = {"operator": "mustBeLessThan", "value": 20, "unit": "percent"}
    for pair in list(itertools.pairwise(COLUMNS))[::2]:
        given.append(rule("duplicate_count", None, "table", columns=list(pair), **more))
    return _of(given)


def _of(tried: Sequence[Rule]) -> Contract:
    fitting: list[Rule] = []
    for given in tried:
        named = dataclasses.replace(given, id=f"{len(fitting)}.{given.id}")
        try:
            made = contract(COLUMNS, named)
            compile_row_rules(made, parents={named.id: "kinds"})
            compile_table_rules(made)
        except ContractError:
            continue
        fitting.append(named)
    return contract(COLUMNS, *fitting)


def _row_rules(name: str, kind: str) -> Iterator[Rule]:
    edges = _EDGES.get(kind, ())
    finite = [v for v in edges if not (isinstance(v, float) and not math.isfinite(v))]
    yield rule("required", name)
    for bound in finite[::3]:
        yield rule("minimum", name, value=told(bound))
        yield rule("maximum", name, value=told(bound), exclusive=True)
    short = [told(v) for v in finite if not (isinstance(v, str) and len(v) > 300)]
    yield rule("accepted_values", name, values=short[1::2])
    for step in (1, 3, Decimal("0.1"), Decimal("1E-10"), Decimal("1E-38"), 10**37, 2**53 + 1):
        yield rule("multiple_of", name, value=step)
    for number in (0, 1, 255, 29_999):
        yield rule("min_length", name, value=number)
        yield rule("max_length", name, value=number)
    for at_most in ("min_items", "max_items", "max_properties"):
        yield rule(at_most, name, value=1)
    yield rule("unique_items", name)
    yield rule("required_properties", name, values=["a"])
    yield rule("earliest", name, value="09:00:00")
    yield from (rule("format", name, value=f) for f in FORMATS)
    yield from (
        rule("pattern", name, value=p) for p in ("^.$", r"\x00", "^[^a]*$", "(?i)k", "(?s)a.b")
    )
    yield rule("foreign_key", name, columns=[name], parent=name, parent_columns=[name])
    if kind in ("string", "double", "timestamp", "array<string>"):
        both = [name, "c2"]
        yield rule("foreign_key", name, columns=both, parent=name, parent_columns=both)


def _table_rules(name: str, kind: str) -> Iterator[Rule]:
    listed = [told(v) for v in _EDGES.get(kind, ()) if not isinstance(v, str) or len(v) < 300]
    more = {"operator": "mustBeLessThan", "value": 20, "unit": "percent"}
    yield rule("unique", name, "table", columns=[name])
    yield rule("null_share", name, "table", **more)
    for value in listed[:3]:
        yield rule("missing_share", name, "table", missingValues=[None, value], **more)
        yield rule("invalid_share", name, "table", validValues=[value, listed[-1]], **more)
    for asked in _ASKED:
        query = f"SELECT {asked} FROM {{table}}"
        with suppress(CannotCarryError):
            carried(query.format(property=name, table="rows"), schema={"rows": COLUMNS})
            yield rule("sql", name, "table", query=query, operator="mustBeGreaterThan", value=0)
