"""The dbt-duckdb plugin: the lake's tables as views, and what models build through the gate."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.exceptions import DbtRuntimeError

from headgate.contracts.model import Contract
from headgate.contracts.names import DatasetName
from headgate.core.errors import HeadgateError
from headgate.lake import catalog, kept
from headgate.lake.engines.duckdb import Connection, configure
from headgate.lake.snapshot import relation
from headgate.orchestration import context as run_context
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import allowed, builds
from headgate.orchestration.dbt.builds import Build
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.native import take_scope, within
from headgate.orchestration.models import Scope, publish_model


class Plugin(BasePlugin):
    """One per dbt invocation; dbt-duckdb makes it when it first connects."""

    _parent: Connection
    _context: RunContext
    _alone: bool
    _sources: Sources
    _builds: dict[str, Build]
    _one_at_a_time: threading.Lock

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Nothing is configured in the profile; headgate.toml has it all."""
        # A run commits one batch at a time, however many threads dbt has.
        self._one_at_a_time = threading.Lock()

    def configure_connection(self, conn: Connection) -> None:
        """Show every dataset at the version that this run reads."""
        try:
            current = run_context.current()
            self._alone = current is None
            if current is None:
                from headgate.orchestration.dbt import standalone

                current = standalone.begin()
            self._parent, self._context = conn, current
            configure(conn, current.project.settings)
            for contract in current.project.contracts.values():
                self._show(conn, contract)
            self._sources, self._builds = Sources(current.project), {}
            self._plan(conn)
        except HeadgateError as error:
            raise DbtRuntimeError(str(error)) from None

    def configure_cursor(self, cursor: Connection) -> None:
        """Settings such as the time zone belong to a connection, and each cursor is one."""
        configure(cursor, self._context.project.settings)

    def store(self, target_config: TargetConfig) -> None:
        """Put the rows of a built relation through the gate, and show the version that they make.

        The materialization passes the model's name and mode as location and format; before it
        gives its SQL to the engine, with the mode ``check``.

        Raises:
            DbtRuntimeError: the gate refused the rows, they lie outside what was to be built, or
                the SQL is more than a question.
        """
        assert target_config.location is not None
        model, mode = target_config.location.path, target_config.location.format
        if mode == "check":
            self._check(target_config.config.model)
            return
        cursor = self._parent.cursor()
        try:
            with self._one_at_a_time:
                build = self._builds[model]
                self.configure_cursor(cursor)
                self._publish(
                    cursor, build, str(target_config.relation),
                    str(target_config.config.model.compiled_code), mode == "incremental",
                )  # fmt: skip
                self._show(cursor, build.contract)
                self._plan(cursor, build.contract)
        except HeadgateError as error:
            raise DbtRuntimeError(str(error)) from None
        finally:
            cursor.close()

    def _check(self, node: Any) -> None:
        """See that what dbt compiled is one SELECT over what it names."""
        sources, contracts = self._sources, self._context.project.contracts
        given: frozenset[str] = frozenset()
        if contracts.by_model(node.name) is not None and node.resource_type == "model":
            given = sources.given(node.name)
        for name in node.depends_on.nodes:
            kind, _, *path = name.split(".")
            if kind == "source":
                given |= allowed.relations([DatasetName.from_schema(*path[-2:]).id])
            elif kind == "model":
                given |= sources.seen_through(path[-1])
        files = [(Path(node.original_file_path), str(node.raw_code))]
        try:
            allowed.check(str(node.compiled_code), given, files)
        except HeadgateError as error:
            raise DbtRuntimeError(str(error)) from None

    def _publish(
        self, cursor: Connection, build: Build, built: str, compiled: str, incremental: bool
    ) -> None:
        scope, query, contract = None, built, build.contract
        if incremental:
            scope = take_scope(cursor, build, compiled)
            query = self._within(built, scope, build)
        text = self._sources.texts([build.model])[build.model]
        if text.full:
            lake = self._context.project.lake
            kept.keep_code(lake, contract.id, build.code_hash, text.full, text.incremental)
        publish_model(
            self._context, contract, cursor, query,
            scope=scope, inputs=build.inputs, code_hash=build.code_hash,
            sql=text.full or compiled,
        )  # fmt: skip
        if self._alone:
            from headgate.orchestration.dbt import standalone

            standalone.built(self._context, contract.id)

    def _within(self, built: str, scope: Scope, build: Build) -> str:
        return within(built, scope, build)

    def _show(self, con: Connection, contract: Contract) -> None:
        """The dataset as a view; one that was never written is empty."""
        snapshot = self._context.snapshot(contract.id)
        rows = snapshot.relation() if snapshot else relation((), contract.table_columns)
        catalog.define_view(con, contract.name, rows)

    def _plan(self, con: Connection, after: Contract | None = None) -> None:
        """Plan the models, or anew those that read what was just built, and that itself."""
        models = None
        if after is not None:
            read = self._sources.inputs
            contracts = self._context.project.contracts
            readers = [d for d, inputs in read.items() if after.id in inputs]
            models = [str(contracts[d].model) for d in (after.id, *readers)]
        fresh = builds.plan(self._context, self._sources, models)
        self._builds |= fresh
        builds.show(con, self._context, self._builds, fresh)
