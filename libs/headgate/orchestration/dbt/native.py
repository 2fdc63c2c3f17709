"""Plain models built, and plain tests run, on the run's own connection and without dbt."""

from __future__ import annotations

from headgate.contracts import types
from headgate.contracts.fit import misfits
from headgate.contracts.model import Contract
from headgate.core import resources
from headgate.core.errors import ModelError
from headgate.lake import catalog, kept
from headgate.lake.engines import FAILED
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration import error_places
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import allowed, builds
from headgate.orchestration.dbt.builds import Build
from headgate.orchestration.dbt.compile import Sources, Text
from headgate.orchestration.models import Scope, publish_model
from headgate.quality.outcome import BatchOutcome

#: Where a build's scope is kept while the build is staged and judged.
SCOPE = "headgate_scope"


class Native:
    """One run's builder. What it shows of the lake on the connection, it remembers."""

    def __init__(self, context: RunContext, sources: Sources) -> None:
        self.context, self.sources = context, sources
        self.con: Connection = context.session.con
        self._shown: dict[str, int | None] = {}
        self._types: dict[str, str] = {}

    def build(self, contract: Contract) -> BatchOutcome:
        """Build a plain model: all of it, or what changed.

        Raises:
            ModelError: its SQL fails, or gives other columns than its contract has.
            RefusedError: the gate refused its rows; the table is as it was.
        """
        model = str(contract.model)
        text = self.sources.texts([model])[model]
        build = builds.plan(self.context, self.sources, [model])[model]
        sql = text.incremental if build.incremental else text.full
        try:
            self._show(self.sources.inputs[contract.id])
            if contract.name.relation in sql:  # what `this` stands for
                self._show([contract.id])
            return self._build(build, text, sql)
        except FAILED as error:
            _demand_resources(error)
            parts = self.sources.parts(self.sources.known[model])
            place = error_places.place(error, sql, [(p.path, p.sql) for p in parts])
            raise ModelError(sentence(error), place=place) from error

    def failures(self, text: Text) -> int:
        """How many rows a plain test finds.

        Raises:
            ModelError: its SQL fails.
        """
        try:
            self._show(text.reads)
            return int(one(self.con, f"SELECT count(*) FROM (\n{text.full}\n)")[0])
        except FAILED as error:
            _demand_resources(error)
            raise ModelError(sentence(error)) from error

    def _build(self, build: Build, text: Text, sql: str) -> BatchOutcome:
        contract, con = build.contract, self.con
        scope, asks = None, builds.SCHEMA in sql
        if asks:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {builds.SCHEMA}")
            builds.show_changed(con, self.context, build)
        try:
            if build.incremental:
                scope = take_scope(con, build, sql)
            self._check_columns(contract, sql)
            query = self._rows(sql)
            if scope is not None:
                query = self._within(query, scope, build)
            lake = self.context.project.lake
            kept.keep_code(lake, contract.id, build.code_hash, text.full, text.incremental)
            return publish_model(
                self.context, contract, con, query,
                scope=scope, inputs=build.inputs, code_hash=build.code_hash, sql=text.full,
            )  # fmt: skip
        finally:
            if asks:
                builds.forget(con, build)

    def _show(self, datasets: tuple[str, ...] | list[str]) -> None:
        """Datasets as views, at the versions that this run reads."""
        for dataset in datasets:
            snapshot = self.context.snapshot(dataset)
            version = snapshot.version if snapshot else None
            if dataset in self._shown and self._shown[dataset] == version:
                continue
            self._define(self.context.project.contracts[dataset], snapshot)
            self._shown[dataset] = version

    def _define(self, contract: Contract, snapshot: Snapshot | None) -> None:
        """Show one; a table that was never written is empty."""
        rows = snapshot.relation() if snapshot else relation((), contract.table_columns)
        catalog.define_view(self.con, contract.name, rows)

    def _rows(self, sql: str) -> str:
        """The relation of what a query gives."""
        return f"(\n{sql}\n)"

    def _within(self, built: str, scope: Scope, build: Build) -> str:
        return within(built, scope, build)

    def _check_columns(self, contract: Contract, sql: str) -> None:
        """Names and types must be the contract's, in any order."""
        rows = self.con.execute(f"DESCRIBE (\n{sql}\n)").fetchall()
        given = {str(row[0]): str(row[1]) for row in rows}
        wanted = {c: self._type(types.duckdb_type(t)) for c, t in contract.table_columns.items()}
        told = misfits(given, wanted)
        if told:
            raise ModelError(
                f"model {contract.model} does not give the columns of its contract: "
                f"{'; '.join(told)}.",
                remedy="Name or cast them in its SELECT, or change the contract.",
                place=str(self.sources.known[str(contract.model)].path),
            )

    def _type(self, name: str) -> str:
        """A type as the engine calls it."""
        if name not in self._types:
            self._types[name] = str(one(self.con, f"SELECT typeof(NULL::{name})")[0])
        return self._types[name]


def take_scope(con: Connection, build: Build, sql: str) -> Scope:
    """Work out which values an incremental build replaces, and keep them beside it.

    Raises:
        ModelError: the model says which they are, where it cannot be read.
    """
    assert build.contract.unit_of_change is not None
    builds.work_out(con, build)
    query = build.scope(sql)
    labels = [c.label for c in build.changed]
    given = allowed.relations(
        [build.contract.id, *build.inputs, *(c.dataset for c in build.changed)],
        model=build.model, labels=labels,
    )  # fmt: skip
    allowed.check(query, given, [(build.code.path, build.code.sql)])
    con.execute(f"CREATE OR REPLACE TEMP TABLE {SCOPE} AS {query}")
    return Scope(build.contract.unit_of_change, SCOPE)


def within(built: str, scope: Scope, build: Build) -> str:
    """The built rows, with an error on the first that the incremental build was not to give.

    Such a row would be added beside the one that the table has for it already.
    """
    unit = identifier(scope.column)
    return (
        f"(SELECT * FROM {built} WHERE CASE WHEN {unit} IN (SELECT {unit} FROM {scope.values})"
        f" THEN TRUE ELSE error({literal(outside(scope, build))} || coalesce({unit}::VARCHAR, 'NULL')) END)"
    )


def outside(scope: Scope, build: Build) -> str:
    """What is said of a row that an incremental build was not to give; its value comes behind."""
    return (
        f"model {build.model} gives a row whose {scope.column} is not among what changed; "
        f"filter by changed() so that only those remain: "
    )


def _demand_resources(error: Exception) -> None:
    """Raise what would stop every other model as well: a full disk is no fault of this one.

    A model that takes more memory than there is fails by itself, and others go on.
    """
    gave_out = resources.of(error)
    if gave_out is not None and gave_out.everywhere:
        raise gave_out from error


def sentence(error: Exception) -> str:
    """What the engine says is wrong, without the place in a text that nobody wrote so."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = []
    for line in lines:
        if line.startswith("LINE "):
            break
        told += [line] if line else []
    return " ".join(told)
