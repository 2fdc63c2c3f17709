"""How each model is to be built now: anew, or only what changed since its last commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.lake.changes import changed_sql, earlier
from headgate.lake.engines.duckdb import Connection, identifier, literal
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import refs, touched
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.refs import SCHEMA as SCHEMA
from headgate.orchestration.dbt.refs import Changed


@dataclass(frozen=True)
class Build:
    """One model's next build. ``why`` says what makes it incremental or full.

    ``code`` is its SQL file; ``inputs`` are the versions that it reads; ``before`` the versions
    of the datasets of its ``changed()`` calls that its table was made from, without those that
    were not there yet.
    """

    code: refs.ModelCode
    contract: Contract
    code_hash: str
    inputs: Mapping[str, int]
    before: Mapping[str, Snapshot]
    incremental: bool
    why: str

    @property
    def model(self) -> str:
        """The model's name."""
        return self.code.name

    @property
    def changed(self) -> tuple[Changed, ...]:
        """Its ``changed()`` calls, in order."""
        return self.code.changed

    def view(self, asked: Changed) -> str:
        """The relation that a ``changed()`` stands for in this model."""
        return f"{SCHEMA}.{identifier(f'{self.model}|{asked.label}')}"

    def scope(self, sql: str) -> str:
        """A query for the values that an incremental build replaces, as the unit of change.

        ``sql`` is the model, compiled for an incremental build.

        Raises:
            ModelError: the model says which they are, where it cannot be read.
        """
        assert self.contract.unit_of_change is not None
        if self.code.touched:
            return touched.scope(sql, self.contract, str(self.code.path))
        unit = self.contract.column(self.contract.unit_of_change)
        kind, name = types.duckdb_type(unit.type), identifier(unit.name)
        return " UNION ".join(
            f"SELECT CAST({identifier(c.column)} AS {kind}) AS {name} FROM {self.view(c)}"
            for c in self.changed
        )


#: The mode that every build is planned for while somebody only wants to see what it would be.
_forced: bool | None = None


@contextmanager
def forced(*, incremental: bool) -> Iterator[None]:
    """Plan every build in one mode within the block; what is planned so is not to be built."""
    global _forced
    before, _forced = _forced, incremental
    try:
        yield
    finally:
        _forced = before


def plan(
    context: RunContext, sources: Sources, models: Iterable[str] | None = None
) -> dict[str, Build]:
    """The next build of the named contracted models, or of all, by model name.

    Raises:
        ModelError: a model reads what its SQL does not show.
    """
    contracts = context.project.contracts
    names = [str(c.model) for c in contracts.models] if models is None else list(models)
    codes = sources.hashes(names)
    found = {}
    for name in names:
        contract = contracts.by_model(name)
        assert contract is not None
        versions = context.session.versions(sources.inputs[contract.id])
        found[name] = _plan(context, contract, sources.known[name], codes[name], versions)
    return found


def _plan(
    context: RunContext,
    contract: Contract,
    code: refs.ModelCode,
    code_hash: str,
    versions: Mapping[str, int],
) -> Build:
    def build(why: str, before: Mapping[str, Snapshot] | None = None) -> Build:
        return Build(code, contract, code_hash, versions, before or {}, before is not None, why)

    if _forced is not None:
        return Build(
            code, contract, code_hash, versions, {}, _forced, "somebody wants to see it so"
        )
    table = context.snapshot(contract.id)
    meta = table.meta if table else None
    if contract.id in context.session.rebuilding:
        return build("it is rebuilt")
    if not code.changed:
        return build("it uses no changed()")
    if meta is None:
        return build("it was never built")
    if meta.kind not in ("model", "restore") or meta.code_hash != code_hash:
        return build("its code or contract changed")
    covered = {c.dataset for c in code.changed}
    moved = {d for d in {*versions, *meta.inputs} if versions.get(d) != meta.inputs.get(d)}
    if moved - covered:
        return build(
            f"{', '.join(sorted(moved - covered))} changed, and it has no changed() for that"
        )
    before = {}
    for dataset in covered & set(meta.inputs):  # of one that was not there yet, all is new
        now, version = context.snapshot(dataset), meta.inputs[dataset]
        old = earlier(context.project.lake, now, dataset, version)
        if old is None:
            return build(f"the version of {dataset} that it last read is gone")
        before[dataset] = old
    return build(f"from the versions of {', '.join(sorted(covered))} that it last read", before)


def work_out(con: Connection, build: Build) -> None:
    """Compare once what a model is about to ask for several times: its scope, and each filter."""
    for number, asked in enumerate(build.changed):
        found = f"{SCHEMA}.{identifier(f'{build.model}|{number}')}"
        con.execute(f"CREATE OR REPLACE TABLE {found} AS FROM {build.view(asked)}")
        con.execute(f"CREATE OR REPLACE VIEW {build.view(asked)} AS FROM {found}")


def forget(con: Connection, build: Build) -> None:
    """Let go of what was worked out for a model, once it is built."""
    for number, asked in enumerate(build.changed):
        con.execute(f"DROP VIEW IF EXISTS {build.view(asked)}")
        con.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{identifier(f'{build.model}|{number}')}")


def show(
    con: Connection,
    context: RunContext,
    builds: Mapping[str, Build],
    fresh: Mapping[str, Build],
) -> None:
    """Tell dbt's models, through views, how they are built, and the fresh what changed for them."""
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    rows = ", ".join(
        f"({literal(b.model)}, {literal(b.incremental)}, {literal(b.why)})" for b in builds.values()
    )
    table = f"{SCHEMA}.builds(model, incremental, why)"
    values = f"VALUES {rows}" if rows else "SELECT '', FALSE, '' WHERE FALSE"
    con.execute(f"CREATE OR REPLACE VIEW {table} AS {values}")
    for build in fresh.values():
        show_changed(con, context, build)


def show_changed(con: Connection, context: RunContext, build: Build) -> None:
    """Show a model, through views, what changed for it."""
    for asked in build.changed:
        now, column = context.snapshot(asked.dataset), asked.column
        if now is None:
            columns = context.project.contracts[asked.dataset].table_columns
            kind = types.duckdb_type(columns[column])
            query = f"(SELECT NULL::{kind} AS {identifier(column)} WHERE FALSE)"
        else:
            query = changed_sql(build.before.get(asked.dataset), now, column, asked.link)
        con.execute(f"CREATE OR REPLACE VIEW {build.view(asked)} AS FROM {query}")
