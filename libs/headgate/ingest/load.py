"""Loading one file: proven rows straight to staging, the rest looked at exactly, then the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.core import clock, failpoints
from headgate.ingest import deletions
from headgate.ingest.duplicates import Duplicates, resolve
from headgate.ingest.readers.base import ExactRow, Positions, Reader, SourceFile, open_reader
from headgate.lake.deletes import Deletes
from headgate.lake.engines.duckdb import Connection, identifiers, literal, one
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate, quarantine, unwritten
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import (
    CompiledRule,
    compile_row_rules,
    conjunction,
    keeping_out,
    reasons_sql,
)

#: Rows that take the exact path are typed and judged in pieces of this many.
CHUNK = 20_000


@dataclass(frozen=True)
class Loading:
    """What one file's loading needs at hand."""

    session: Session
    contract: Contract
    batch_id: str
    source: str
    rules: tuple[CompiledRule, ...]
    parents: Mapping[str, str]

    @property
    def con(self) -> Connection:
        """The run's engine."""
        return self.session.con

    @property
    def judged(self) -> tuple[CompiledRule, ...]:
        """The rules that keep a row out: all but warnings."""
        return keeping_out(self.rules)

    def ingest_columns(self, at: str) -> str:
        """SQL for the columns that ingest adds, ``_rescued`` and ``_position`` being there."""
        return (
            f"_rescued, {_constant(self.source)} AS _source, _position,"
            f" {_constant(self.batch_id)} AS _batch_id, {literal(at)}::TIMESTAMPTZ AS _ingested_at"
        )


def _constant(text: str) -> str:
    """SQL for a text that is the same in every row: as an enum, DuckDB writes it without hashing."""
    return f"{literal(text)}::ENUM({literal(text)})"


def load_file(
    session: Session, contract: Contract, source: SourceFile, *, batch_id: str
) -> gate.Entry:
    """Take one file into the contract's dataset, as the batch ``batch_id``.

    Raises:
        HeadgateError: the file cannot be read or the lake not be written; nothing is published.
    """
    started = clock.monotonic()
    parents = parent_keys(session, session.con, contract)
    rules = compile_row_rules(contract, parents=parents)
    loading = Loading(session, contract, batch_id, source.name, rules, parents)
    if contract.delivery.snapshot:
        deletions.forget_present(session.con, contract)
    reader = open_reader(contract, source, session.settings)
    try:
        staged, at = _stage_proven(loading, reader), clock.iso()
        intake = _take_rest(loading, reader, staged, at)
        batch = gate.Batch(
            contract=contract, batch_id=batch_id, kind="ingest", mode="merge",
            source=source.name, content_hash=reader.content_hash,
            inputs=session.versions(contract.parents),
            detail={"bytes": source.size, "notes": list(reader.notes)}, started=started,
        )  # fmt: skip
        failpoints.reach("ingest.staged")
        return gate.publish(
            session, session.con, batch, intake, merge_plan(loading, intake),
            parents=parents, supersedes=True,
        )  # fmt: skip
    finally:
        reader.close()


def _stage_proven(loading: Loading, reader: Reader) -> list[StagedFile]:
    """One pass: read, prove, judge and write. What breaks a rule or is not proven is left out."""
    con, contract = loading.con, loading.contract
    scan = reader.scan(con)
    before = {k: one(con, "SELECT current_setting(?)", [k])[0] for k in scan.settings}
    own = identifiers(c.name for c in contract.columns)
    query = (
        f"SELECT {own}, {loading.ingest_columns(clock.iso())} FROM {scan.relation}"
        f" WHERE {conjunction(loading.judged)}"
    )
    try:
        for name, value in scan.settings.items():
            con.execute(f"SET {name} = {literal(value)}")
        return stage(
            con, query, contract.table_columns, loading.session.staging, loading.session.settings
        )
    finally:
        for name, found in before.items():
            con.execute(f"SET {name} = {literal(found)}")


def _take_rest(loading: Loading, reader: Reader, staged: list[StagedFile], at: str) -> gate.Intake:
    """Look at every record that was not staged, then settle repeated keys."""
    session, contract = loading.session, loading.contract
    writer = quarantine.Writer(
        loading.con, contract, session, loading.source, reader.content_hash, loading.batch_id
    )
    intake = gate.Intake(reader.read, list(staged), writer, control_total=reader.control_total)
    missing = _missing(loading.con, staged, reader.read)
    most = gate.share_limit(session, contract) * reader.read
    for chunk in _chunks(reader.exact(missing) if len(missing) else iter(()), CHUNK):
        take_exact(loading, intake, [(r, r.position) for r in chunk], at)
        if writer.rows > most:
            # The batch is refused whatever follows: do not fill the disk with its rows.
            break
    drop = resolve(loading.con, contract, intake.staged, session)
    if drop.conflicts:
        _still_present(loading, intake.staged, drop)
        wanted = np.array(sorted(drop.conflicts), dtype=np.int64)
        for row in reader.exact(wanted):
            writer.add(row.position, row.raw, [conflict_reason(contract, drop, row.position)])
    intake.staged = drop.staged
    intake.deduplicated += drop.repeated
    intake.conflicts = len(drop.conflicts)
    _deletes(loading, intake)
    return intake


def _still_present(loading: Loading, staged: Sequence[StagedFile], drop: Duplicates) -> None:
    """Rows that contradict each other are set aside, and yet their keys were delivered."""
    if loading.contract.delivery.snapshot:
        rows = relation([f.as_data_file() for f in staged], loading.contract.table_columns)
        places = ", ".join(map(str, drop.conflicts))
        query = f"SELECT * FROM {rows} WHERE _position IN ({places})"
        deletions.still_present(loading.con, loading.contract, query)


def _deletes(loading: Loading, intake: gate.Intake) -> None:
    """Say what the delivery deletes."""
    contract, delivery = loading.contract, loading.contract.delivery
    intake.staged, dead = deletions.part(loading.con, contract, intake.staged, loading.session)
    # The key of a record that cannot be read is not known: it may be any that seems absent.
    unread = sum(intake.reading.values())
    intake.withheld = unread if delivery.snapshot else 0
    intake.deletes = Deletes(
        dead,
        snapshot=delivery.snapshot and not unread,
        scope=delivery.scope,
        present=deletions.PRESENT if delivery.snapshot else None,
    )


def conflict_reason(contract: Contract, drop: Duplicates, position: int) -> dict[str, Any]:
    """Why a row with a key that has several contents is set aside."""
    others = ", ".join(str(p) for p in drop.conflicts[position] if p != position)
    return {
        "code": unwritten.CONFLICTING_KEY,
        "column": contract.key[0],
        "detail": f"same {', '.join(contract.key)} with other content at {others}",
    }


def take_exact(
    loading: Loading, intake: gate.Intake, rows: Sequence[tuple[ExactRow, int]], at: str
) -> None:
    """Type and judge exact rows: the good are staged, the others go to quarantine with reasons.

    Each row comes with the position to store; its place in ``rows`` is what tells it apart.
    """
    import pyarrow as pa

    contract, con, writer = loading.contract, loading.con, intake.refused_rows
    typed: list[dict[str, Any]] = []
    raws: list[ExactRow] = []
    for row, position in rows:
        for warning in row.warnings:
            intake.warnings[warning.code] = intake.warnings.get(warning.code, 0) + 1
        if row.values is None:
            codes = {r.code for r in row.reasons}
            for code in codes:
                intake.reading[code] = intake.reading.get(code, 0) + 1
            writer.add(
                position, row.raw, [_reason(r.code, r.column, r.detail) for r in row.reasons]
            )
        else:
            typed.append({**row.values, "_position": position, "_row": len(typed)})
            raws.append(row)
    if not typed:
        return
    columns = {c.name: c.type for c in contract.columns} | {"_rescued": "json"}
    fields = [(c, types.arrow_type(t)) for c, t in columns.items()]
    schema = pa.schema([*fields, ("_position", pa.int64()), ("_row", pa.int64())])
    con.register("_exact", pa.Table.from_pylist(typed, schema))
    try:
        reasons = reasons_sql(loading.judged)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE _judged AS SELECT *, {reasons} AS _why FROM _exact"
        )
        rules = {r.rule.id: r.rule for r in loading.judged}
        for index, why, position in con.execute(
            "SELECT _row, _why, _position FROM _judged WHERE len(_why) > 0 ORDER BY _row"
        ).fetchall():
            for rule_id in why:
                intake.breaches[rule_id] = intake.breaches.get(rule_id, 0) + 1
            told = [_reason(i, rules[i].column, expectation(rules[i])) for i in why]
            writer.add(position, raws[index].raw, told)
        if contract.delivery.snapshot:
            deletions.still_present(con, contract, "SELECT * FROM _judged WHERE len(_why) > 0")
        own = identifiers(c.name for c in contract.columns)
        intake.staged += stage(
            con, f"SELECT {own}, {loading.ingest_columns(at)} FROM _judged WHERE len(_why) = 0",
            contract.table_columns, loading.session.staging, loading.session.settings,
        )  # fmt: skip
    finally:
        con.unregister("_exact")
        con.execute("DROP TABLE IF EXISTS _judged")


def merge_plan(loading: Loading, intake: gate.Intake, *, by_delivery: bool = False) -> gate.Planner:
    """How the batch is merged by key into whatever version of the table there is.

    ``by_delivery``: without an order column the row that was delivered later stays, which need
    not be the batch's: it may have waited in quarantine meanwhile.
    """
    order_column = loading.contract.order_column or ("_ingested_at" if by_delivery else None)

    def plan(base: Snapshot | None) -> Plan:
        return merge_by_key(
            loading.con,
            base,
            intake.staged,
            columns=loading.contract.table_columns,
            key=loading.contract.key,
            order_column=order_column,
            folder=loading.session.staging,
            settings=loading.session.settings,
            compared=loading.contract.content,
            deletes=intake.deletes,
        )

    return plan


def _missing(con: Connection, staged: Sequence[StagedFile], read: int) -> Positions:
    """The positions in 1..read that are not among the staged rows."""
    if sum(f.rows for f in staged) == read:
        return np.empty(0, dtype=np.int64)
    seen = np.zeros(read + 1, dtype=bool)
    seen[0] = True
    if staged:
        files = relation([f.as_data_file() for f in staged], {"_position": "long"})
        # A cursor of its own: a result that is streamed keeps its connection from other work.
        with con.cursor() as own:
            found = own.sql(f"SELECT _position FROM {files}").to_arrow_reader(1_000_000)
            for batch in found:
                seen[batch.column(0).to_numpy(zero_copy_only=False)] = True
    return np.flatnonzero(~seen).astype(np.int64)


def _chunks(rows: Iterable[ExactRow], size: int) -> Iterator[list[ExactRow]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _reason(code: str, column: str | None, detail: str) -> dict[str, Any]:
    return {"code": code, "column": column, "detail": detail}
