"""Judging a contract by its own examples: good rows must hold every rule, bad ones break theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from headgate.contracts import examples, types
from headgate.contracts.model import Contract
from headgate.core.errors import ContractError
from headgate.lake.engines.duckdb import empty
from headgate.quality.predicates import CompiledRule, compile_row_rules, reasons_sql


def check_examples(contract: Contract) -> list[str]:
    """What is wrong with the contract's examples or rules, in sentences; empty if nothing is.

    Each row of ``examples/valid.jsonl`` must hold all row rules; each of ``invalid.jsonl`` must
    break exactly those it names. Foreign keys are not judged: they need a lake.
    """
    try:
        rules = compile_row_rules(contract)
        found = examples.load(contract)
    except ContractError as error:
        return [str(error)]
    problems = []
    broken = broken_rules(contract, rules, [e.row for e in found])
    for example, reasons in zip(found, broken, strict=True):
        expected, got = set(example.breaks), set(reasons)
        if expected == got:
            continue
        told = f"breaks {_listed(got)}" if got else "breaks no rule"
        should = f"should break {_listed(expected)}" if expected else "should hold every rule"
        problems.append(f"{example.place}: this row {told}, and {should}.")
    return problems


def broken_rules(
    contract: Contract, rules: Sequence[CompiledRule], rows: Sequence[Mapping[str, Any]]
) -> list[list[str]]:
    """For each row the ids of the rules it breaks, judged by the engine itself.

    Rows map every column of the stored table to a Python value of its type.
    """
    if not rows:
        return []
    with empty() as con:
        load_rows(con, "example", contract.table_columns, rows)
        judged = con.execute(f"SELECT {reasons_sql(rules)} FROM example ORDER BY rowid").fetchall()
    return [list(reasons) for (reasons,) in judged]


def load_rows(
    con: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Make ``table`` with these columns (name to column type), and put the rows into it, in order."""
    import pyarrow as pa

    arrays = [
        pa.array([row[name] for row in rows], types.arrow_type(kind))
        for name, kind in columns.items()
    ]
    view = f"{table}_given"
    con.register(view, pa.Table.from_arrays(arrays, names=list(columns)))
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {view}")
    con.unregister(view)


def _listed(rule_ids: set[str]) -> str:
    return ", ".join(sorted(rule_ids))
