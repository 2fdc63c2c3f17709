"""What the tests of rules share: contracts made by hand, nasty values, and the engine's judgement."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from headgate.contracts.model import Column, Contract, Rule
from headgate.contracts.names import DatasetName
from headgate.quality.examples import load_rows
from headgate.quality.predicates import compile_row_rules

PLACE = "contract.odcs.yaml#/schema/0/quality/0"
#: The dearest and the cheapest values of each type, and what lies around them.
NASTY: Mapping[str, tuple[Any, ...]] = {
    "string": (
        "", " ", "a", "A", "aa", "b", "é", "e\u0301", "\u00e9\u0301", "ß", "İ", "٣", "5", "-1",
        "\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\uffff",
        "\ufeff", "\u2028", "a\nb", "abc\n", "\n", "\t", "\r\n", "'", "''", '"', "\\", "%", "_", "$1",
        "NULL", "null", "nan", "#ubuntu", "#Ubuntu", "x" * 255, "x" * 256, "é" * 256, "\U0001f600" * 9,
    ),
    "long": (
        0, 1, -1, 2, 10, 100, 2**31 - 1, 2**31, -(2**31), 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1,
        2**63 - 2, 2**63 - 1, -(2**63), -(2**63) + 1,
    ),
    "integer": (0, 1, -1, 2, 100, 2**31 - 1, -(2**31), 2**31 - 2),
    "double": (
        0.0, -0.0, 1.0, -1.0, 0.1, 0.30000000000000004, 0.3, 1.5, 2.0**53, 2.0**53 + 2, 5e-324, -5e-324,
        1e-300, 1.7976931348623157e308, -1.7976931348623157e308, math.inf, -math.inf, math.nan,
    ),
    "decimal(5,2)": tuple(map(Decimal, ("0.00", "0.01", "-0.01", "1.50", "999.99", "-999.99", "0.10"))),
    "decimal(38,10)": tuple(
        map(Decimal, ("0E-10", "1E-10", "-1E-10", "9999999999999999999999999999.9999999999",
                      "-9999999999999999999999999999.9999999999", "0.1000000000"))
    ),
    "boolean": (True, False),
    "date": tuple(
        map(dt.date.fromisoformat, ("0001-01-01", "1582-10-10", "1970-01-01", "2000-02-29",
                                    "2004-01-31", "9999-12-31"))
    ),
    "timestamp": tuple(
        dt.datetime.fromisoformat(t + "+00:00")
        for t in ("0001-01-01T00:00:00", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00",
                  "2004-01-31T12:00:00", "2004-01-31T12:00:00.000001", "9999-12-31T23:59:59.999999")
    ),
}  # fmt: skip


def rule(kind: str, column: str | None = "c", scope: str = "row", **arguments: Any) -> Rule:
    """A rule of that kind, as contracts give them."""
    severity = "quarantine" if scope == "row" else "fail"
    name = f"{column}.{kind}" if column else kind
    return Rule(name, kind, scope, severity, column, arguments, place=PLACE)


def contract(columns: Mapping[str, str], *rules: Rule) -> Contract:
    """A contract of these columns (name to type) and rules; the first column is its key."""
    return Contract(
        name=DatasetName.parse("silver.test.rows"),
        path=Path("data_contracts/test/rows/contract.odcs.yaml"),
        version="1.0.0",
        status="active",
        description="Rows for tests.",
        owner="tests",
        grain="one row",
        columns=tuple(
            Column(n, t, "A column.", "public", key_position=None if i else 1, field=n)
            for i, (n, t) in enumerate(columns.items())
        ),
        rules=rules,
        document={},
        hash="0" * 64,
        model="int_test__rows",
    )


def holds(
    given: Rule,
    values: Sequence[Any],
    kind: str = "string",
    *,
    parents: Mapping[str, str] | None = None,
) -> list[bool]:
    """For each value of a column ``c`` of type ``kind``, whether the rule holds in the engine."""
    made = contract({"c": kind}, given)
    (compiled,) = compile_row_rules(made, parents=parents)
    con = _engine()
    load_rows(con, "judged", {"c": kind}, [{"c": v} for v in values])
    found = con.execute(f"SELECT {compiled.holds} FROM judged ORDER BY rowid").fetchall()
    return [verdict for (verdict,) in found]


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    return table({"c": "string"}, [])


def table(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], name: str = "rows"
) -> duckdb.DuckDBPyConnection:
    """A connection with the rows in a table of that name."""
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    load_rows(con, name, columns, rows)
    return con
