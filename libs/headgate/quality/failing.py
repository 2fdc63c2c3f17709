"""Every row of a table that breaks a row rule: its key and the rules that it breaks, in one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core.errors import UsageError
from headgate.lake.engines.duckdb import Connection, identifiers, literal
from headgate.quality.predicates import CompiledRule, conjunction, reasons_sql
from headgate.quality.table_rules import row_result
from headgate.quality.verdict import RuleResult

#: The column that lists the ids of the rules that a row breaks, beside the columns of the key.
RULES = "broken_rules"
_FORMATS = {
    ".parquet": "SELECT * FROM {}|FORMAT parquet",
    ".jsonl": "SELECT * FROM {}|FORMAT json",
    ".csv": f"SELECT * REPLACE (array_to_string({RULES}, ' ') AS {RULES}) FROM {{}}|FORMAT csv, HEADER",
}


def write(
    con: Connection, contract: Contract, rules: Sequence[CompiledRule], rows: str, path: Path
) -> None:
    """Write key and broken rules of each row of the relation ``rows`` that breaks any, as Parquet.

    Memory does not grow with the rows that fail: they stream to the file.
    """
    con.execute(
        f"COPY (SELECT {identifiers(contract.key)}, {reasons_sql(rules)} AS {RULES} FROM {rows}"
        f" WHERE NOT ({conjunction(rules)})) TO {literal(str(path))} (FORMAT parquet)"
    )


def export(con: Connection, path: Path, target: Path) -> None:
    """Write what :func:`write` wrote once more, as the ending of ``target`` says.

    Raises:
        UsageError: the file has another ending than .parquet, .csv or .jsonl, or cannot be written.
    """
    import duckdb

    check(target)
    query, _, options = _FORMATS[target.suffix].partition("|")
    try:
        con.execute(f"COPY ({query.format(_read(path))}) TO {literal(str(target))} ({options})")
    except duckdb.IOException as error:
        raise UsageError(f"cannot write {target}: {str(error).splitlines()[0]}") from None


def check(target: Path) -> None:
    """Demand an ending that :func:`export` knows."""
    if target.suffix not in _FORMATS:
        raise UsageError(
            f"keys cannot be written to {target.name}.",
            remedy=f"End it in {', '.join(_FORMATS)}.",
        )


def results(
    con: Connection, rules: Sequence[CompiledRule], path: Path, rows: int
) -> tuple[RuleResult, ...]:
    """What each rule found among ``rows`` rows, from what :func:`write` wrote as Parquet."""
    found = con.execute(
        f"SELECT rule, count(*) FROM (SELECT unnest({RULES}) AS rule FROM {_read(path)}) GROUP BY ALL"
    ).fetchall()
    broken: Mapping[str, int] = dict(found)
    return tuple(row_result(r.rule, broken.get(r.rule.id, 0), rows) for r in rules)


def examples(
    con: Connection, contract: Contract, path: Path, limit: int
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The first ``limit`` keys, as texts in the key's order, of each rule that :func:`write` wrote."""
    key = ", ".join(f"coalesce({k}::VARCHAR, 'NULL')" for k in map(_quoted, contract.key))
    order = identifiers(contract.key)
    found = con.execute(
        f"SELECT rule, {key} FROM (SELECT unnest({RULES}) AS rule, {order} FROM {_read(path)})"
        f" QUALIFY row_number() OVER (PARTITION BY rule ORDER BY {order}) <= {int(limit)}"
        f" ORDER BY rule, {order}"
    ).fetchall()
    told: dict[str, list[tuple[str, ...]]] = {}
    for rule, *values in found:
        told.setdefault(rule, []).append(tuple(values))
    return {rule: tuple(keys) for rule, keys in told.items()}


def _quoted(name: str) -> str:
    return identifiers([name])


def _read(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, hive_partitioning=false)"
