"""A model's rows through the gate: what dbt built becomes a batch like any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import RefusedError
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, literal, one
from headgate.lake.merge import Plan, replace_scope
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile, stage
from headgate.lineage import steps
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.orchestration import column_lineage
from headgate.orchestration.context import RunContext
from headgate.quality import gate, quarantine
from headgate.quality.outcome import BatchOutcome
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import CompiledRule, compile_row_rules, conjunction, reasons_sql
from headgate.transforms import modules

#: Where the values of a scope are that another engine worked out.
_VALUES = "headgate_scope_values"
#: The rules that a row breaks, where rows are handed over in files.
_WHY = "_broken_rules"


@dataclass(frozen=True)
class Scope:
    """What an incremental build replaces: the table's rows whose ``column`` is among ``values``.

    ``values`` is a SQL relation with one column of that name.
    """

    column: str
    values: str


def publish_model(
    context: RunContext,
    contract: Contract,
    cursor: Connection,
    relation: str,
    *,
    scope: Scope | None,
    inputs: Mapping[str, int],
    code_hash: str,
    sql: str | None = None,
    lineage: ColumnLineage | None = None,
    settled: Mapping[str, int] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> BatchOutcome:
    """Stage ``relation`` (a model's rows, on ``cursor``), judge it and commit it.

    Without a ``scope`` the whole table is replaced. ``sql`` is the model's definition; where its
    columns come from is read out of that, unless ``lineage`` says it. ``settled``: versions of which
    the table holds all, where those are not the ``inputs``; the next build goes on from there.

    Raises:
        RefusedError: the gate refused the batch; the table is as it was.
    """
    session, batch_id, started = context.session, ids.new_id(), clock.monotonic()
    build = steps.build_step(
        contract, session.run_id, batch_id,
        inputs=[steps.DatasetRef.of(context.project.contracts[d], version=v,
                                    path=session.lake.storage.uri(session.lake.key(d)))
                for d, v in sorted(inputs.items())],
        sql=sql, code=_code(contract),
    )  # fmt: skip
    with context.lineage.running(build) as update:
        staged = _stage(session, contract, cursor, relation)
        told = lineage or _lineage(context, contract, sql)
        update(steps.traced(build, told, context.project.contracts))
    parents = parent_keys(session, cursor, contract)
    rules = compile_row_rules(contract, parents=parents)
    intake = _take(session, contract, cursor, staged, rules, batch_id)
    batch = gate.Batch(
        contract=contract, batch_id=batch_id, kind="model",
        mode="merge" if scope else "replace", source=contract.maker,
        content_hash="", code_hash=code_hash, started=started,
        inputs=inputs if settled is None else settled, detail=detail or {},
    )  # fmt: skip

    def plan(base: Snapshot | None) -> Plan:
        if scope is None or base is None:
            gone = base.files if base else ()
            rows = sum(f.rows for f in intake.staged)
            return Plan(tuple(intake.staged), gone, rows, deleted=base.rows if base else 0)
        return replace_scope(
            cursor, base, intake.staged, columns=contract.table_columns, column=scope.column,
            values=scope.values, folder=session.staging, settings=session.settings,
        )  # fmt: skip

    def settle_quarantine() -> None:
        # What is built anew is said anew, so what an earlier build set aside of it is void.
        why = f"built anew in batch {batch_id}"
        keep = ", ".join(f"'{i}'" for i in intake.refused_rows.row_ids) or "''"
        where = f"row_id NOT IN ({keep})"
        with _scope_values(session, cursor, scope) as values:
            if scope is not None:
                texts = f"SELECT {identifier(scope.column)}::VARCHAR FROM {values}"
                where += f" AND raw->>{literal(f'$.{scope.column}')} IN ({texts})"
            keeper = _keeper(session, cursor)
            quarantine.change_state(session, keeper, contract, where, "superseded", "headgate", why)

    outcome = context.through_gate(
        contract,
        batch_id,
        lambda: gate.publish(
            session, cursor, batch, intake, plan, parents=parents, before_commit=settle_quarantine
        ),
    )
    if outcome.outcome == "refused":
        raise RefusedError(
            f"{contract.id} was refused: {' '.join(outcome.problems)}",
            remedy=f"`headgate show verdicts {contract.id}` shows every rule.",
        )
    return outcome


def _keeper(session: Session, con: Connection) -> Connection:
    """Who keeps quarantine: the embedded engine, whatever judges the rows."""
    return con if isinstance(con, Connection) else session.con


@contextmanager
def _scope_values(session: Session, con: Connection, scope: Scope | None) -> Iterator[str]:
    """The relation of a scope's values, as the keeper of quarantine reads it."""
    keeper = _keeper(session, con)
    if scope is None or keeper is con:
        yield scope.values if scope else ""
        return
    rows = con.execute(f"SELECT {identifier(scope.column)} FROM {scope.values}").to_arrow_table()
    keeper.register(_VALUES, rows)
    try:
        yield _VALUES
    finally:
        keeper.unregister(_VALUES)


def _code(contract: Contract) -> str | None:
    """A transform's code, with what it imports of its room."""
    return modules.source(contract.transform) if contract.transform else None


def _lineage(context: RunContext, contract: Contract, sql: str | None) -> ColumnLineage | None:
    """Where the columns come from; a model that nobody can tell it of is built all the same."""
    if sql is None:
        return None
    try:
        return column_lineage.of_model(context.project, contract, sql)
    except UntraceableError as error:
        context.notes.append(f"The columns of {contract.id} cannot be traced: {error.message}")
        return None


def _stage(session: Session, contract: Contract, con: Connection, query: str) -> list[StagedFile]:
    """All rows as the model gave them, in the contract's columns and types."""
    casts = ", ".join(
        f"CAST({identifier(c)} AS {types.duckdb_type(t)}) AS {identifier(c)}"
        for c, t in contract.table_columns.items()
    )
    folder: Path = session.staging
    return stage(
        con, f"SELECT {casts} FROM {query}", contract.table_columns, folder, session.settings
    )


def _take(
    session: Session,
    contract: Contract,
    con: Connection,
    staged: list[StagedFile],
    rules: tuple[CompiledRule, ...],
    batch_id: str,
) -> gate.Intake:
    """Judge staged rows; those that break a rule leave the staged files for quarantine."""
    columns = contract.table_columns
    judged = tuple(r for r in rules if r.rule.severity != "warn")
    files = relation([f.as_data_file() for f in staged], columns)
    keeper = _keeper(session, con)
    writer = quarantine.Writer(keeper, contract, session, contract.maker, "", batch_id)
    intake = gate.Intake(sum(f.rows for f in staged), staged, writer)
    holds = conjunction(judged)
    keys = identifiers(contract.key)
    good = relation([f.as_data_file() for f in staged], {k: columns[k] for k in contract.key})
    broken, intake.repeated_keys = one(
        con, f"SELECT ({_count(files, f'NOT ({holds})')}), ({_repeated(good, keys)})"
    )
    if broken:
        if keeper is con:
            rows = _broken(contract, files, judged)
        else:
            rows = _broken_elsewhere(session, con, contract, files, judged)
        _set_aside(keeper, intake, writer, rows, judged)
        intake.staged = stage(
            con, f"SELECT * FROM {files} WHERE {holds}", columns, session.staging, session.settings
        )
        good = relation(
            [f.as_data_file() for f in intake.staged], {k: columns[k] for k in contract.key}
        )
        intake.repeated_keys = one(con, _repeated(good, keys))[0]
    return intake


def _count(rows: str, where: str) -> str:
    return f"SELECT count(*) FROM {rows} WHERE {where}"


def _repeated(rows: str, keys: str) -> str:
    """A query for how many keys occur more than once."""
    return f"SELECT count(*) FROM (SELECT 1 FROM {rows} GROUP BY {keys} HAVING count(*) > 1)"


def _broken(contract: Contract, files: str, judged: tuple[CompiledRule, ...]) -> str:
    """A query for the rows that break a rule: as text, with the rules, and the key."""
    return (
        f"SELECT to_json(r)::VARCHAR AS raw, {reasons_sql(judged)} AS why, [{_texts(contract)}] AS key"
        f" FROM (SELECT * FROM {files} WHERE NOT ({conjunction(judged)})) r"
    )


def _broken_elsewhere(
    session: Session,
    con: Connection,
    contract: Contract,
    files: str,
    judged: tuple[CompiledRule, ...],
) -> str:
    """As :func:`_broken`, of rows that another engine judges: it hands them over in files, so that
    their text is the same whatever judged them."""
    columns = {**contract.table_columns, _WHY: "array<string>"}
    broken = (
        f"SELECT *, {reasons_sql(judged)} AS {_WHY} FROM {files} WHERE NOT ({conjunction(judged)})"
    )
    staged = stage(con, broken, columns, session.staging, session.settings)
    rows = relation([f.as_data_file() for f in staged], columns)
    row = ", ".join(f"{identifier(c)} := {identifier(c)}" for c in contract.table_columns)
    return (
        f"SELECT to_json(struct_pack({row}))::VARCHAR AS raw, {_WHY} AS why,"
        f" [{_texts(contract)}] AS key FROM {rows}"
    )


def _set_aside(
    con: Connection,
    intake: gate.Intake,
    writer: quarantine.Writer,
    broken: str,
    judged: tuple[CompiledRule, ...],
) -> None:
    """Put the rows that break a rule into quarantine, with every reason."""
    # In a table, read by pieces: an open result would keep the connection from staging them.
    con.execute(f"CREATE OR REPLACE TEMP TABLE _broken AS {broken}")
    by_id = {r.rule.id: r.rule for r in judged}
    for start in range(0, one(con, "SELECT count(*) FROM _broken")[0], 10_000):
        page = f"FROM _broken WHERE rowid >= {start} AND rowid < {start + 10_000}"
        for raw, why, key in con.execute(page).fetchall():
            for rule_id in why:
                intake.breaches[rule_id] = intake.breaches.get(rule_id, 0) + 1
            reasons = [
                {"code": i, "column": by_id[i].column, "detail": expectation(by_id[i])} for i in why
            ]
            writer.add(0, raw, reasons, identity=hjson.dumps(key))
    con.execute("DROP TABLE _broken")


def _texts(contract: Contract) -> str:
    return ", ".join(f"{identifier(k)}::VARCHAR" for k in contract.key)
