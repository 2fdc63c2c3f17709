"""How each model is to be built now: anew, or only what changed since its last commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import NotFoundError
from headgate.lake.changes import changed_sql
from headgate.lake.engines.duckdb import Connection, identifier, literal
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import refs
from headgate.orchestration.dbt.fingerprint import fingerprint
from headgate.orchestration.dbt.refs import SCHEMA, Changed


@dataclass(frozen=True)
class Build:
    """One model's next build. ``why`` says what makes it incremental or full.

    ``inputs`` are the versions that it reads; ``changed`` its ``changed()`` calls; ``before`` the
    versions of those datasets that its table was made from, without those that were not there yet.
    """

    model: str
    contract: Contract
    code_hash: str
    inputs: Mapping[str, int]
    changed: tuple[Changed, ...]
    before: Mapping[str, Snapshot]
    incremental: bool
    why: str

    def view(self, asked: Changed) -> str:
        """The relation that a ``changed()`` stands for in this model."""
        return f"{SCHEMA}.{identifier(f'{self.model}|{asked.label}')}"

    def scope(self) -> str:
        """A query for the values that an incremental build replaces, as the unit of change."""
        assert self.contract.unit_of_change is not None
        unit = self.contract.column(self.contract.unit_of_change)
        kind, name = types.duckdb_type(unit.type), identifier(unit.name)
        return " UNION ".join(
            f"SELECT CAST({identifier(c.column)} AS {kind}) AS {name} FROM {self.view(c)}"
            for c in self.changed
        )


def plan(context: RunContext) -> dict[str, Build]:
    """The next build of every contracted model, by model name.

    Raises:
        ModelError: a model's SQL reads what it cannot.
    """
    project = context.project
    known = refs.models(project)
    inputs, codes = refs.inputs(project, known), fingerprint(project)
    found = {}
    for contract in project.contracts.models:
        assert contract.model is not None
        versions = context.session.versions(inputs[contract.id])
        found[contract.model] = _plan(
            context, contract, known[contract.model], codes[contract.model], versions
        )
    return found


def _plan(
    context: RunContext,
    contract: Contract,
    code: refs.ModelCode,
    code_hash: str,
    versions: Mapping[str, int],
) -> Build:
    def build(why: str, before: Mapping[str, Snapshot] | None = None) -> Build:
        return Build(code.name, contract, code_hash, versions, code.changed, before or {},
                     before is not None, why)  # fmt: skip

    table = context.snapshot(contract.id)
    meta = table.meta if table else None
    if contract.id in context.session.rebuilding:
        return build("it is rebuilt")
    if not code.changed:
        return build("it uses no changed()")
    if meta is None:
        return build("it was never built")
    if (
        meta.kind not in ("model", "restore")
        or meta.contract_hash != contract.hash
        or meta.code_hash != code_hash
    ):
        return build("its code or contract changed")
    covered = {c.dataset for c in code.changed}
    moved = {d for d in {*versions, *meta.inputs} if versions.get(d) != meta.inputs.get(d)}
    if moved - covered:
        return build(
            f"{', '.join(sorted(moved - covered))} changed, and it has no changed() for that"
        )
    before = {}
    for dataset in covered & set(meta.inputs):  # of one that was not there yet, all is new
        old = _readable(context, dataset, meta.inputs[dataset])
        if old is None:
            return build(f"the version of {dataset} that it last read is gone")
        before[dataset] = old
    return build(f"from the versions of {', '.join(sorted(covered))} that it last read", before)


def _readable(context: RunContext, dataset: str, version: int) -> Snapshot | None:
    """The dataset at an earlier version, if all its files are still there and comparable."""
    now = context.snapshot(dataset)
    if now is not None and now.version == version:
        return now
    try:
        old = context.project.lake.snapshot(dataset, version)
    except NotFoundError:
        return None
    if old is None:
        return None
    if now is not None and any(now.columns.get(c) != t for c, t in old.columns.items()):
        return None  # it was rebuilt in another shape since
    live = {f.path for f in now.files} if now else set()
    gone = (f for f in old.files if f.path not in live)
    return old if all(Path(f.uri).exists() for f in gone) else None


def work_out(con: Connection, build: Build) -> None:
    """Compare once what a model is about to ask for several times: its scope, and each filter."""
    for number, asked in enumerate(build.changed):
        found = f"{SCHEMA}.{identifier(f'{build.model}|{number}')}"
        con.execute(f"CREATE OR REPLACE TABLE {found} AS FROM {build.view(asked)}")
        con.execute(f"CREATE OR REPLACE VIEW {build.view(asked)} AS FROM {found}")


def show(con: Connection, context: RunContext, builds: Mapping[str, Build]) -> None:
    """Tell the models, through views, how they are built and what changed for them."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    rows = ", ".join(
        f"({literal(b.model)}, {literal(b.incremental)}, {literal(b.why)})" for b in builds.values()
    )
    table = f"{SCHEMA}.builds(model, incremental, why)"
    values = f"VALUES {rows}" if rows else "SELECT '', FALSE, '' WHERE FALSE"
    con.execute(f"CREATE OR REPLACE VIEW {table} AS {values}")
    for build in builds.values():
        for asked in build.changed:
            now, column = context.snapshot(asked.dataset), asked.column
            if now is None:
                columns = context.project.contracts[asked.dataset].table_columns
                kind = types.duckdb_type(columns[column])
                query = f"(SELECT NULL::{kind} AS {identifier(column)} WHERE FALSE)"
            else:
                query = changed_sql(build.before.get(asked.dataset), now, column, asked.link)
            con.execute(f"CREATE OR REPLACE VIEW {build.view(asked)} AS FROM {query}")
