"""Which functions are aggregates, held against the catalogue of the DuckDB that is installed."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from headgate.lineage.columns import functions

#: What the parser cannot read: without arguments it would be no call that DuckDB takes either.
UNREAD = {"array_cat", "array_concat", "list_concat", "reduce"}
#: Macros that aggregate; the catalogue does not say so of a macro.
MACROS = {"geomean", "wavg", "weighted_avg", "variant_group_array"}


@pytest.fixture(scope="module")
def catalogue() -> list[tuple[str, str, int]]:
    with duckdb.connect() as con:
        return con.execute(
            "SELECT DISTINCT function_name, function_type, len(parameters) FROM duckdb_functions()"
            " WHERE function_type IN ('aggregate', 'scalar', 'macro')"
            " AND regexp_full_match(function_name, '[a-z_0-9]+')"
        ).fetchall()


def test_the_list_is_the_catalogues(catalogue: list[tuple[str, str, int]]) -> None:
    found = {name for name, kind, _ in catalogue if kind == "aggregate"}
    assert found | MACROS == functions.AGGREGATES


def test_every_function_is_told_as_the_catalogue_says(
    catalogue: list[tuple[str, str, int]],
) -> None:
    wrong, unread = [], set()
    for name, kind, arity in catalogue:
        arguments = ", ".join(f"a{i}" for i in range(arity))
        try:
            call = sqlglot.parse_one(f"SELECT {name}({arguments})", dialect="duckdb").expressions[0]
        except ParseError:
            unread.add(name)
            continue
        told = any(functions.is_aggregate(f) for f in call.find_all(exp.Func))
        if told != (kind == "aggregate" or name in MACROS):
            wrong.append((name, kind, arity, type(call).__name__))
    assert not wrong
    assert unread == UNREAD
