"""Stored values in another type: cast where nothing is lost, and told of where something would be."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from headgate.contracts import types
from headgate.ingest.stored import rows as stored
from headgate.ingest.stored.recast import between
from tests.unit.quality.judging import NASTY, contract, rule, table

UNFIT = "unfit"
DAY, NOON = dt.date(2004, 1, 31), dt.datetime(2004, 1, 31, 12, tzinfo=dt.UTC)
MIDNIGHT = dt.datetime(2004, 1, 31, tzinfo=dt.UTC)
CASES: list[tuple[str, str, list[tuple[Any, Any]]]] = [
    ("string", "long", [("7", 7), ("-007", -7), ("+1", 1), ("1.0", UNFIT), ("1e3", UNFIT), (" 1", UNFIT),
                        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", UNFIT), ("", UNFIT)]),
    ("string", "integer", [("2147483647", 2**31 - 1), ("2147483648", UNFIT), ("x", UNFIT)]),
    ("string", "double", [("0.10", 0.1), ("1e3", 1000.0), ("0.1000000000000000055", UNFIT), ("nan", UNFIT),
                          ("inf", UNFIT), ("1e999", UNFIT), ("0.30000000000000004", 0.30000000000000004)]),
    ("string", "decimal(5,2)", [("1.5", Decimal("1.50")), ("1.500", Decimal("1.50")), ("1.505", UNFIT),
                                ("1000", UNFIT), ("-0.01", Decimal("-0.01")), ("1e1", UNFIT)]),
    ("string", "boolean", [("true", True), ("false", False), ("yes", UNFIT), ("TRUE", UNFIT)]),
    ("string", "date", [("2004-01-31", DAY), ("2004-02-30", UNFIT), ("2004-1-31", UNFIT)]),
    ("string", "timestamp", [("2004-01-31T12:00:00-08:90", UNFIT), ("2004-01-31T12:00:00+99:00", UNFIT)]),
    ("string", "timestamp", [("2004-01-31T12:00:00Z", NOON), ("2004-01-31 14:00:00+02:00", NOON),
                             ("2004-01-31T12:00", NOON), ("2004-01-31T12:00:00.0000001Z", UNFIT),
                             ("yesterday", UNFIT), ("2004-01-31", UNFIT)]),
    ("string", "json", [('{"a": 1}', '{"a": 1}'), ("7", "7"), ("{", UNFIT), ("text", UNFIT)]),
    ("string", "array<long>", [("[1]", UNFIT)]),
    ("json", "string", [('{"a": 1}', '{"a": 1}')]),
    ("long", "integer", [(2**31 - 1, 2**31 - 1), (2**31, UNFIT)]),
    ("integer", "long", [(7, 7)]),
    ("long", "double", [(2**53, 2.0**53), (2**53 + 2, UNFIT)]),
    ("double", "long", [(7.0, 7), (7.5, UNFIT), (math.nan, UNFIT), (math.inf, UNFIT), (1e19, UNFIT)]),
    ("double", "decimal(5,2)", [(1.5, Decimal("1.50")), (1.505, UNFIT), (math.nan, UNFIT)]),
    ("decimal(5,2)", "decimal(10,4)", [(Decimal("1.25"), Decimal("1.2500"))]),
    ("decimal(5,2)", "decimal(4,1)", [(Decimal("1.50"), Decimal("1.5")), (Decimal("1.25"), UNFIT)]),
    ("decimal(5,2)", "long", [(Decimal("3.00"), 3), (Decimal("3.10"), UNFIT)]),
    ("boolean", "string", [(True, "true")]),
    ("boolean", "long", [(True, 1)]),
    ("date", "timestamp", [(DAY, MIDNIGHT)]),
    ("timestamp", "date", [(MIDNIGHT, DAY), (NOON, UNFIT)]),
    ("timestamp", "string", [(NOON, "2004-01-31T12:00:00.000000Z")]),
    ("long", "string", [(-7, "-7")]),
    ("double", "string", [(0.1, "0.1")]),
    ("array<long>", "array<integer>", [([1, None], [1, None]), ([2**31], UNFIT)]),
    ("array<long>", "string", [([1, None], "[1,null]")]),
    ("array<long>", "json", [([1], "[1]")]),
    ("long", "json", [(1, "1")]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "pairs"), CASES, ids=lambda v: str(v)[:20])
def test_values_become_what_they_say_or_are_told_of(
    old: str, new: str, pairs: list[tuple[Any, Any]]
) -> None:
    con = table({"c": old}, [{"c": v} for v in [None, *(v for v, _ in pairs)]])
    assert recast(con, old, new) == [None, *(expected for _, expected in pairs)]


def recast(con: duckdb.DuckDBPyConnection, old: str, new: str) -> list[Any]:
    cast = between(old, new)
    value = cast.value.format(x="c")
    holds = cast.guard.format(x="c", v=f"({value})") if cast.guard else "TRUE"
    kind = types.duckdb_type(new)
    found = con.execute(
        f"SELECT c IS NULL, coalesce({holds}, FALSE), CASE WHEN {holds} THEN {value} END"
        f" FROM rows ORDER BY rowid"
    ).fetchall()
    con.execute(f"SELECT CAST(CASE WHEN {holds} THEN {value} END AS {kind}) FROM rows").fetchall()
    return [None if null else v if fits else UNFIT for null, fits, v in found]


def test_every_type_becomes_every_type_or_says_that_it_does_not() -> None:
    """No pair of types raises, and what fits comes back as it was, by way of text."""
    for old in NASTY:
        con = table({"c": old}, [{"c": v} for v in NASTY[old]])
        for new in (*NASTY, "json", "array<string>"):
            assert len(recast(con, old, new)) == len(NASTY[old]), (old, new)


ROW: dict[str, Any] = {
    "id": 2**53 + 1, "text": 'é"\u2028', "amount": Decimal("12345678901234567.89"), "real": 0.1,
    "day": DAY, "at": NOON.replace(microsecond=1), "yes": False, "doc": '{"a": null}',
    "list": [Decimal("0.10"), None], "none": None, "odd": -math.inf,
}  # fmt: skip
KINDS = {
    "id": "long", "text": "string", "amount": "decimal(19,2)", "real": "double", "day": "date",
    "at": "timestamp", "yes": "boolean", "doc": "json", "list": "array<decimal(5,2)>",
    "none": "string", "odd": "double",
}  # fmt: skip


def test_a_row_that_was_set_aside_is_read_again_as_it_was() -> None:
    made = contract(KINDS, rule("required", "id"))
    con = table(KINDS, [ROW])
    found = con.execute(f"SELECT {stored.raw_sql(stored.own_columns(made))} FROM rows").fetchone()
    assert found is not None
    assert "none" not in json.loads(found[0])
    row = stored.reader(made)(7, found[0].encode())
    assert (row.position, row.reasons) == (7, ())
    assert row.values == {**ROW, "_rescued": None}


@pytest.mark.parametrize("raw", ["", "{", "[]", '{"id": "x"}', '{"id": 1.5}'])
def test_what_is_no_such_row_has_its_reasons(raw: str) -> None:
    row = stored.reader(contract({"id": "long"}))(1, raw.encode())
    assert row.values is None and row.reasons
