"""Stored rows judged anew: under a stricter contract (audit), or moved into another shape (rebuild)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.core.errors import ConflictError
from headgate.ingest.duplicates import Duplicates, resolve
from headgate.ingest.judging import conflict_reason
from headgate.ingest.stored import recast
from headgate.ingest.stored import rows as stored
from headgate.lake.engines.duckdb import Connection, equal, identifier, identifiers, one
from headgate.lake.merge import Plan
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate, quarantine
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import (
    CompiledRule,
    compile_row_rules,
    conjunction,
    keeping_out,
    reasons_sql,
)

#: Refused rows are fetched in pages of this many.
PAGE = 10_000
#: The temporary table of rows that break the contract.
_BROKEN = "_stored_broken"


@dataclass(frozen=True)
class Judging:
    """What judging a table's rows anew needs at hand."""

    session: Session
    contract: Contract
    base: Snapshot
    batch_id: str
    rules: tuple[CompiledRule, ...]
    parents: Mapping[str, str]
    writer: quarantine.Writer

    @property
    def con(self) -> Connection:
        """The run's engine."""
        return self.session.con

    @property
    def judged(self) -> tuple[CompiledRule, ...]:
        """The rules that keep a row out: all but warnings."""
        return keeping_out(self.rules)


def begin(session: Session, contract: Contract, base: Snapshot, batch_id: str) -> Judging:
    """Compile the rules and find the parents' keys."""
    parents = parent_keys(session, session.con, contract)
    rules = compile_row_rules(contract, parents=parents)
    writer = quarantine.Writer(session.con, contract, session, "", stored.CONTENT_HASH, batch_id)
    return Judging(session, contract, base, batch_id, tuple(rules), parents, writer)


def audit(judging: Judging, started: float) -> gate.Entry:
    """Take the stored rows that break the contract out of the table, into quarantine.

    Rows that hold it stay where they are; they count as deduplicated, for the table has them.

    Raises:
        ConflictError: the table moved on meanwhile.
    """
    contract, con, base = judging.contract, judging.con, judging.base
    columns = {**base.columns, **contract.table_columns}
    rows = relation(base.files, columns, with_file=True)
    _find_broken(judging, f"SELECT *, [] AS _unfit, NULL::VARCHAR AS _raw FROM {rows}", "_file")
    intake = gate.Intake(base.rows, [], judging.writer)
    _set_aside(judging, intake)
    intake.deduplicated = base.rows - judging.writer.rows

    def plan(now: Snapshot | None) -> Plan:
        if now is None or now.version != base.version:
            raise ConflictError(f"{contract.id} moved on while its rows were judged.")
        touched = {f for (f,) in con.execute(f"SELECT DISTINCT _file FROM {_BROKEN}").fetchall()}
        rewritten = tuple(f for f in base.files if f.uri in touched)
        if not rewritten:
            return Plan((), (), 0)
        kept = (
            f"SELECT {identifiers(contract.table_columns)} FROM {relation(rewritten, columns)} t"
            f" ANTI JOIN {_BROKEN} b ON {equal(contract.key, 't', 'b')}"
        )
        add = stage(
            con, kept, contract.table_columns, judging.session.staging, judging.session.settings
        )
        return Plan(tuple(add), rewritten, 0, deleted=judging.writer.rows)

    return _publish(judging, intake, plan, "audit", "merge", started)


def rebuild(judging: Judging, renamed: Mapping[str, str], *, started: float) -> gate.Entry:
    """Make the table anew from its stored rows, in the contract's columns and types.

    ``renamed`` maps old names of columns to new ones. A value that its new type cannot hold sets
    its row aside, as does a breach of a rule, and contradiction with another row of the new key.
    """
    contract, con, base = judging.contract, judging.con, judging.base
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _stored AS SELECT *, row_number() OVER () AS _n"
        f" FROM ({recast.query(contract, base, renamed)})"
    )
    _find_broken(judging, "SELECT * FROM _stored", "_n")
    intake = gate.Intake(base.rows, _stage_good(judging), judging.writer)
    _set_aside(judging, intake)
    settled = resolve(con, contract, intake.staged, judging.session)
    _conflicts(judging, settled)
    intake.deduplicated, intake.conflicts = settled.repeated, len(settled.conflicts)
    intake.staged = _placed(judging, settled.staged)
    con.execute("DROP TABLE _stored")

    def plan(now: Snapshot | None) -> Plan:
        if now is None or now.version != base.version:
            raise ConflictError(f"{contract.id} moved on while its rows were judged.")
        rows = sum(f.rows for f in intake.staged)
        return Plan(tuple(intake.staged), base.files, rows, deleted=base.rows)

    return _publish(judging, intake, plan, "rebuild", "replace", started)


def _publish(
    judging: Judging, intake: gate.Intake, plan: gate.Planner, kind: str, mode: str, started: float
) -> gate.Entry:
    contract, session = judging.contract, judging.session
    batch = gate.Batch(
        contract=contract, batch_id=judging.batch_id, kind=kind, mode=mode, source=kind,
        content_hash=stored.CONTENT_HASH, inputs=session.versions(contract.parents), started=started,
        detail={"version": judging.base.version},
    )  # fmt: skip
    try:
        return gate.publish(session, session.con, batch, intake, plan, parents=judging.parents)
    finally:
        session.con.execute(f"DROP TABLE IF EXISTS {_BROKEN}")


def _find_broken(judging: Judging, query: str, extra: str) -> None:
    """Leave rows that do not fit the contract in a table: where they were, their text, and why.

    ``query`` gives the contract's columns, ``_unfit`` (columns whose value the type refused) and
    ``_raw`` (the row's text, where it is not that of those columns).
    """
    contract = judging.contract
    place = "_source, _position" if contract.source else "'' AS _source, 0::BIGINT AS _position"
    raw = f"coalesce(_raw, {stored.raw_sql(stored.own_columns(contract))})"
    judging.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_BROKEN} AS SELECT {identifiers(contract.key)}, {extra},"
        f" {place}, {raw} AS _text, _unfit, {reasons_sql(judging.judged)} AS _why FROM ({query})"
        f" WHERE len(_unfit) > 0 OR NOT ({conjunction(judging.judged)})"
        " ORDER BY _source, _position"
    )


def _set_aside(judging: Judging, intake: gate.Intake) -> None:
    """Put the broken rows into quarantine, with every reason."""
    con, writer = judging.con, judging.writer
    rules = {r.rule.id: r.rule for r in judging.judged}
    kinds = judging.contract.table_columns
    for start in range(0, one(con, f"SELECT count(*) FROM {_BROKEN}")[0], PAGE):
        page = (
            f"SELECT _source, _position, _text, _unfit, _why FROM {_BROKEN}"
            f" WHERE rowid >= {start} AND rowid < {start + PAGE}"
        )
        for source, position, raw, unfit, why in con.execute(page).fetchall():
            reasons = [
                {"code": "type_mismatch", "column": c, "detail": f"expected {kinds[c]}"}
                for c in unfit
            ]
            for rule_id in [] if unfit else why:
                intake.breaches[rule_id] = intake.breaches.get(rule_id, 0) + 1
                rule = rules[rule_id]
                reasons.append(
                    {"code": rule_id, "column": rule.column, "detail": expectation(rule)}
                )
            if unfit:
                intake.reading["type_mismatch"] = intake.reading.get("type_mismatch", 0) + 1
            writer.source = source or "stored rows"
            writer.add(position or 0, raw, reasons)


def _stage_good(judging: Judging) -> list[StagedFile]:
    """The rows that fit, each told apart by a number of its own in place of its position."""
    contract, session = judging.contract, judging.session
    query = (
        f"SELECT * REPLACE (_n AS _position) FROM (SELECT {identifiers(contract.table_columns)}, _n"
        f" FROM _stored ANTI JOIN {_BROKEN} USING (_n))"
    )
    query = f"SELECT {identifiers(contract.table_columns)} FROM ({query})"
    return stage(judging.con, query, contract.table_columns, session.staging, session.settings)


def _placed(judging: Judging, staged: Sequence[StagedFile]) -> list[StagedFile]:
    """The rows with the positions that they had in their files."""
    contract, session = judging.contract, judging.session
    if not staged:
        return []
    columns = contract.table_columns
    rows = relation([f.as_data_file() for f in staged], columns)
    fields = ", ".join("s._position" if c == "_position" else f"t.{identifier(c)}" for c in columns)
    query = f"SELECT {fields} FROM {rows} t JOIN _stored s ON t._position = s._n"
    return stage(judging.con, query, columns, session.staging, session.settings)


def _conflicts(judging: Judging, settled: Duplicates) -> None:
    """Set aside the rows that contradict each other under the new key."""
    contract, con, writer = judging.contract, judging.con, judging.writer
    raw = stored.raw_sql(stored.own_columns(contract))
    for number in sorted(settled.conflicts):
        source, position, text = one(
            con, f"SELECT _source, _position, {raw} FROM _stored WHERE _n = {int(number)}"
        )
        writer.source = source
        reason = conflict_reason(contract, settled, number)
        reason["detail"] = f"same {', '.join(contract.key)} with other content"
        writer.add(position, text, [reason])
