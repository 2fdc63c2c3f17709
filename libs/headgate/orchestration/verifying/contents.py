"""Contents: every stored row read, against the statistics, the contract, the key and the batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.contracts import types
from headgate.core import json as hjson
from headgate.core.errors import HeadgateError
from headgate.lake.engines.duckdb import identifier, identifiers, one
from headgate.lake.snapshot import relation
from headgate.lake.stage import log_statistics
from headgate.orchestration.verifying.finding import Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned
from headgate.orchestration.verifying.tablelog import Live, State
from headgate.quality.predicates import compile_row_rules, keeping_out
from headgate.quality.quarantine import KEY as QUARANTINE_KEY


def _heads(look: Look) -> Iterator[tuple[Pinned, State]]:
    """The newest version of every table whose files can be trusted so far."""
    for table in look.every():
        state = table.head
        if state is not None and state.files:
            yield table, state


def _statistics(look: Look) -> Iterator[Fault]:
    import duckdb

    for table, state in _heads(look):
        look.progress.step(table.dataset, "comparing statistics with rows")
        for path, live in sorted(state.files.items()):
            uri = f"{table.uri}/{path}"
            entry = table.entries.get(live.since)
            if uri in look.damaged or (entry is not None and entry.meta is None):
                continue  # another writer's, who is told of, may round otherwise
            try:
                wrong = list(_unequal(look, table, state, live))
            except (duckdb.Error, UnicodeDecodeError) as error:
                wrong = [("", f"its rows cannot be read: {(str(error).splitlines() or [''])[0]}")]
            if wrong:
                look.damaged.add(uri)
            for column, told in wrong:
                yield Fault(f"{table.key}/{path}", f"{told}.", table.dataset, live.since, column or None)  # fmt: skip


def _unequal(look: Look, table: Pinned, state: State, live: Live) -> Iterator[tuple[str, str]]:
    """Columns whose statistics in the log are not those of the file's rows, and how they differ."""
    told_nulls: Mapping[str, Any] = live.stats.get("nullCount") or {}
    low, high = live.stats.get("minValues") or {}, live.stats.get("maxValues") or {}
    for column in sorted({*told_nulls, *low, *high} - state.columns.keys()):
        yield column, "the log has statistics of a column that the table has not"
    columns = {c: t for c, t in state.columns.items() if c in told_nulls}
    if not columns:
        return
    made = _made(look, table, state, live, columns)
    look.rows_read += int(made["numRecords"])
    if made["numRecords"] != live.rows:
        yield "", f"the log says {live.rows} rows, the file has {made['numRecords']}"
    for column, kind in columns.items():
        if told_nulls[column] != made["nullCount"][column]:
            yield column, f"the log says {told_nulls[column]} nulls, the rows have {made['nullCount'][column]}"  # fmt: skip
        for name, told in (("least", low), ("greatest", high)):
            real = made["minValues" if name == "least" else "maxValues"].get(column)
            if column in told and not _same(told[column], real, kind):
                yield column, f"the log says that the {name} value is {told[column]!r}, it is {real!r}"  # fmt: skip


def _made(
    look: Look, table: Pinned, state: State, live: Live, columns: Mapping[str, str]
) -> dict[str, Any]:
    """The statistics as they are made when a file is staged, from the rows themselves."""
    rows = relation([table.data_file(state, live.path)], columns)
    parts = ["count(*)"]
    for column, kind in columns.items():
        name = identifier(column)
        ends = kind != "boolean" and types.element(kind) is None
        parts.append(f"count(*) - count({name})")
        parts += [f"{f}({name})::VARCHAR" if ends else "NULL" for f in ("min", "max")]
    count, *values = one(look.con, f"SELECT {', '.join(parts)} FROM {rows}")
    told: dict[str, dict[str, str]] = {}
    for column, (nulls, least, most) in zip(
        columns, zip(*[iter(values)] * 3, strict=True), strict=True
    ):
        found = {k: v for k, v in (("min", least), ("max", most)) if v is not None}
        told['"' + column.replace('"', '""') + '"'] = {"null_count": str(nulls), **found}
    text, _ = log_statistics(count, told, columns)
    made: dict[str, Any] = hjson.loads(text)
    return made


def _same(told: Any, real: Any, kind: str) -> bool:
    if kind == "double" or types.decimal_of(kind):
        return real is not None and float(told) == float(real)
    return bool(told == real)


def _rules(look: Look) -> Iterator[Fault]:
    import duckdb

    for table, state in _heads(look):
        contract = None if table.quarantine else look.contract(table)
        if contract is None:
            continue
        look.progress.step(table.dataset, "judging its rows")
        rows = _rows(look, table, state, contract.table_columns)
        try:
            # Foreign keys were judged against the parents of their day.
            rules = keeping_out(compile_row_rules(contract))
            if not rules:
                continue
            counts = ", ".join(f"count(*) FILTER (WHERE NOT ({r.holds}))" for r in rules)
            found = one(look.con, f"SELECT {counts} FROM {rows}")
        except (HeadgateError, duckdb.Error, UnicodeDecodeError) as error:
            yield Fault(table.key, f"its rows cannot be judged: {(str(error).splitlines() or [''])[0]}",
                        table.dataset, state.version)  # fmt: skip
            continue
        for rule, broken in zip(rules, found, strict=True):
            if broken:
                yield Fault(table.key, f"{broken} stored rows break the rule {rule.rule.id}.",
                            table.dataset, state.version, rule.rule.column)  # fmt: skip


def _rows(look: Look, table: Pinned, state: State, more: Mapping[str, str]) -> str:
    sound = [p for p in sorted(state.files) if f"{table.uri}/{p}" not in look.damaged]
    files = [table.data_file(state, p) for p in sound]
    return relation(files, {**more, **state.columns})


def _keys(look: Look) -> Iterator[Fault]:
    import duckdb

    for table, state in _heads(look):
        contract = look.contract(table)
        key = QUARANTINE_KEY if table.quarantine else contract.key if contract else ()
        if not key or not set(key) <= state.columns.keys():
            continue
        rows = _rows(look, table, state, {})
        empty = " OR ".join(f"{identifier(k)} IS NULL" for k in key)
        try:
            repeated, absent = one(
                look.con,
                f"SELECT (SELECT count(*) FROM (SELECT 1 FROM {rows} GROUP BY {identifiers(key)}"
                f" HAVING count(*) > 1)), (SELECT count(*) FROM {rows} WHERE {empty})",
            )
        except (duckdb.Error, UnicodeDecodeError):
            continue  # what cannot be read is told already
        for count, told in ((repeated, "keys occur more than once"), (absent, "rows have no key")):
            if count:
                yield Fault(table.key, f"{count} {told}.", table.dataset, state.version, ", ".join(key))  # fmt: skip


def _batches(look: Look) -> Iterator[Fault]:
    rows = look.ledger("system.ledger.batches")
    if look.base is not None or rows is None:
        return  # rows of a private lake may come from batches that its base committed
    known = {*look.batches, *(str(r["batch_id"]) for r in rows)}
    for table, state in _heads(look):
        if "_batch_id" not in state.columns or table.quarantine or not table.whole:
            continue
        from_rows = _rows(look, table, state, {})
        found = look.con.execute(
            f"SELECT _batch_id, count(*) FROM {from_rows} GROUP BY 1"
        ).fetchall()
        for batch, count in found:
            if batch not in known:
                yield Fault(table.key, f"{count} rows are of the batch {batch}, which was never committed.",
                            table.dataset, state.version, "_batch_id")  # fmt: skip


_WHO = "Find out how they came in: nothing passes the gate so. `headgate release rollback` shows readers an earlier release."  # fmt: skip

CHECKS = (
    Check("file-statistics", "The log's statistics of a file are those of its rows.",
          "Readers skip files by them. `headgate rebuild DATASET` writes rows and statistics anew.",
          _statistics, deep=True),
    Check("row-rules", "Every stored row holds the rules of the contract that its table was "
          "committed under.", "`headgate audit DATASET` shows them; with --apply they are set aside.",
          _rules, deep=True),
    Check("row-keys", "The key of every table is there in each row, and in no two.", _WHO, _keys,
          deep=True),
    Check("row-batches", "Every row is of a batch that was committed.", _WHO, _batches, deep=True),
)  # fmt: skip
