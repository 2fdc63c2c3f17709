"""What the plugin of dbt-duckdb does, on Spark: tables are shown as dbt asks for them, and what models
build goes through the gate."""

from __future__ import annotations

import re
from typing import Any, cast

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError, UsageError
from headgate.lake import engines
from headgate.lake.engines.duckdb import Connection, empty
from headgate.orchestration import context as run_context
from headgate.orchestration.dbt import builds
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.plugin import Plugin
from headgate.orchestration.models import Scope
from headgate.orchestration.spark.naming import tables
from headgate.orchestration.spark.native import hold_within
from headgate.orchestration.spark.shown import Answer, Shown, connected, show

#: What ends a statement of dbt's with a sentence.
FAILED: tuple[type[Exception], ...] = (HeadgateError, *engines.FAILED)
_COMMENTS = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n)*", re.DOTALL)
_RENAMED = re.compile(
    r"ALTER\s+(?:VIEW|TABLE)\s+(.+?)\s+RENAME\s+TO\s+(.+?)\s*;?\s*$", re.IGNORECASE
)
_DROPPED = re.compile(r"DROP\s+.*?\bCASCADE\s*;?\s*$", re.IGNORECASE | re.DOTALL)
_FACTS = f"{builds.SCHEMA}.builds"


class SparkPlugin(Plugin):
    """One per dbt invocation. A table is shown when a statement names it: to show all would open
    the log of each."""

    _shown: dict[str, int | None]
    #: Models that were shown what changed for them.
    _told: set[str]
    _facts: Connection

    @classmethod
    def begin(cls) -> SparkPlugin:
        """The plugin of the run that is going on.

        Raises:
            UsageError: none is: a plain ``dbt`` command has no session of ours.
        """
        current = run_context.current()
        if current is None:
            raise UsageError(
                "dbt builds on Spark within `headgate run` only.",
                remedy="Run `headgate run`, or take dbt's target lake.",
            )
        made = cls("plugin", {})
        made._context, made._alone = current, False
        made._parent = cast(Connection, connected(current))
        made._sources, made._builds, made._shown = Sources(current.project), {}, {}
        made._facts, made._told = empty(), set()
        made._plan(made._facts)
        return made

    def configure_cursor(self, cursor: Connection) -> None:
        """Nothing: the session is set already."""

    def ask(self, sql: str) -> Any:
        """Carry out a statement of dbt's: what it reads is shown first.

        Raises:
            HeadgateError: it cannot be carried to Spark.
            EngineError: it fails.
        """
        text = sql[cast(re.Match[str], _COMMENTS.match(sql)).end() :].rstrip().rstrip(";")
        if renamed := _RENAMED.match(text):
            old, new = renamed.groups()
            self._parent.execute(f"CREATE OR REPLACE VIEW {new} AS SELECT * FROM {old}")
            return self._parent.execute(f"DROP VIEW IF EXISTS {old}")
        if _DROPPED.match(text):
            text = re.sub(r"\s*CASCADE\s*$", "", text, flags=re.IGNORECASE)
        body = re.sub(r"^\s*CREATE\b.*?\bAS\b", "", text, count=1, flags=re.IGNORECASE | re.DOTALL)
        if not re.match(r"[\s(]*(?:SELECT|WITH|FROM|VALUES)\b", body, re.IGNORECASE):
            return self._parent.execute(text)
        read = tables(body)
        if read == {_FACTS}:
            found = self._facts.execute(text)
            names = [str(d[0]) for d in found.description or ()]
            return Answer(found.fetchall(), names)
        self._show_all(read)
        return self._parent.execute(text)

    def columns(self, sql: str) -> list[tuple[str, str]]:
        """The columns that a query gives: name and type, as DuckDB has it."""
        shown = cast(Shown, self._parent)
        self._show_all(tables(sql))
        return [(str(row[0]), str(row[1])) for row in shown.described(f"(\n{sql}\n)")]

    def store_relation(self, relation: Any, model: str, mode: str, config: Any) -> None:
        """As the plugin's store: see :meth:`Plugin.store`.

        Raises:
            DbtRuntimeError: the gate refused the rows, or Spark could not build them.
        """
        from dbt.adapters.duckdb.utils import TargetConfig, TargetLocation
        from dbt_common.exceptions import DbtRuntimeError

        location = TargetLocation(path=model, format=mode)
        try:
            self.store(TargetConfig(relation, [], config, location))
        except FAILED as error:
            raise DbtRuntimeError(str(error)) from None

    def _publish(
        self, cursor: Connection, build: builds.Build, built: str, compiled: str, incremental: bool
    ) -> None:
        for asked in build.changed:  # they are asked what is replaced
            self._show_all({f"{builds.SCHEMA}.{build.model}|{asked.label}"})
        super()._publish(cursor, build, built, compiled, incremental)

    def _within(self, built: str, scope: Scope, build: builds.Build) -> str:
        hold_within(cast(Shown, self._parent), built, scope, build)
        return built

    def _show(self, con: Connection, contract: Contract) -> None:
        """Show it anew when it is read next."""
        self._shown.pop(contract.id, None)

    def _plan(self, con: Connection, after: Contract | None = None) -> None:
        models = None
        if after is not None:
            read, contracts = self._sources.inputs, self._context.project.contracts
            readers = [d for d, inputs in read.items() if after.id in inputs]
            models = [str(contracts[d].model) for d in (after.id, *readers)]
        fresh = builds.plan(self._context, self._sources, models)
        self._builds |= fresh
        self._told -= fresh.keys()
        builds.show(self._facts, self._context, self._builds, {})

    def _show_all(self, names: set[str]) -> None:
        """Show the datasets, and what changed for models, that are among these relations."""
        contracts = self._context.project.contracts
        for name in sorted(names):
            schema, _, rest = name.partition(".")
            if schema.lower() == builds.SCHEMA:
                build = self._builds.get(rest.partition("|")[0])
                # An earlier build's may be there still: what changed is told anew once it is planned.
                if build is not None and build.model not in self._told:
                    builds.show_changed(self._parent, self._context, build)
                    self._told.add(build.model)
                continue
            dataset = f"{schema.replace('_', '.', 1)}.{rest}"
            if dataset not in contracts:
                continue
            snapshot = self._context.snapshot(dataset)
            version = snapshot.version if snapshot else None
            if dataset not in self._shown or self._shown[dataset] != version:
                show(cast(Shown, self._parent), self._context, contracts[dataset], snapshot)
                self._shown[dataset] = version
