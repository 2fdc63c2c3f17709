"""dbt-spark's adapter (method session) on the run's own connection to Spark, and in DuckDB's SQL.

dbt-spark would send what dbt compiled to Spark as it is, with ANSI switched off, and has no hook for
a gate. Here each statement is carried first, in the session that judges the rows, and macros are
dbt-duckdb's, so that one text is compiled whatever builds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dbt.adapters.spark as dbt_spark
from dbt.adapters.base import AdapterPlugin, available
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.contracts.relation import Policy
from dbt.adapters.spark.connections import SparkConnectionManager, SparkCredentials
from dbt.adapters.spark.impl import SparkAdapter as Theirs
from dbt.adapters.spark.relation import SparkRelation
from dbt_common.exceptions import DbtRuntimeError

from headgate.orchestration.spark.dbt_plugin import FAILED, SparkPlugin

#: What dbt loads with the adapter.
_INCLUDED = Path(__file__).with_name("dbt_include")


class Cursor:
    """dbt's cursor: statements go to the plugin."""

    def __init__(self, plugin: SparkPlugin) -> None:
        self._plugin = plugin
        self._answer: Any = None
        self.rowcount = -1

    def cursor(self) -> Cursor:
        """Another one."""
        return Cursor(self._plugin)

    def execute(self, sql: str, bindings: Sequence[Any] | None = None) -> None:
        """Carry out one statement.

        Raises:
            DbtRuntimeError: it fails, or cannot be carried.
        """
        if bindings:
            raise DbtRuntimeError("a statement with values beside it is not carried to Spark.")
        try:
            self._answer = self._plugin.ask(sql)
        except FAILED as error:
            raise DbtRuntimeError(str(error)) from None

    @property
    def description(self) -> list[tuple[Any, ...]] | None:
        """The columns of the answer."""
        frame = getattr(self._answer, "frame", None)
        names = getattr(self._answer, "names", None) if frame is None else frame.columns
        return None if names is None else [(n, "", None, None, None, None, None) for n in names]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return list(self._answer.fetchall())

    def fetchmany(self, count: int) -> list[tuple[Any, ...]]:
        """The first rows."""
        return self.fetchall()[:count]

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        return next(iter(self.fetchall()), None)

    def close(self) -> None:
        """Nothing: the session is the run's."""

    cancel = rollback = close


class Manager(SparkConnectionManager):
    """Connections that are the run's own."""

    plugin: SparkPlugin | None = None

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Connect: to what the run has."""
        if connection.state != ConnectionState.OPEN:
            try:
                if Manager.plugin is None:
                    Manager.plugin = SparkPlugin.begin()
            except FAILED as error:
                raise DbtRuntimeError(str(error)) from None
            connection.handle = Cursor(Manager.plugin)
            connection.state = ConnectionState.OPEN
        return connection


class Relation(SparkRelation):
    """A relation as DuckDB writes it."""

    quote_character: str = '"'
    quote_policy = Policy(database=False, schema=True, identifier=True)


class SparkAdapter(Theirs):
    """dbt-spark's adapter, whose tables are those of the lake. dbt reads the adapter's type out of the
    name of its class."""

    ConnectionManager = Manager
    Relation = Relation

    def quote(self, identifier: str) -> str:
        """An identifier as DuckDB quotes it."""
        return '"' + identifier.replace('"', '""') + '"'

    @available  # type: ignore[untyped-decorator]
    def store_relation(
        self, plugin: str, relation: Any, columns: Any, path: str, format: str, config: Any
    ) -> None:
        """What the macros of the project call to check and to commit, as with dbt-duckdb."""
        self._plugin().store_relation(relation, path, format, config)

    @available  # type: ignore[untyped-decorator]
    def commit(self) -> None:
        """Nothing: Spark has no transactions."""

    @available  # type: ignore[untyped-decorator]
    def is_ducklake(self, relation: Any) -> bool:
        """What dbt-duckdb's macros ask: it is none."""
        return False

    @available  # type: ignore[untyped-decorator]
    def is_motherduck(self) -> bool:
        """What dbt-duckdb's macros ask: it is none."""
        return False

    def get_column_schema_from_query(self, sql: str) -> list[Any]:
        """The columns that a query gives."""
        return [self.Column.create(name, kind) for name, kind in self._plugin().columns(sql)]

    def list_schemas(self, database: str | None) -> list[str]:
        """None is asked of Spark: none is made there."""
        return []

    def check_schema_exists(self, database: str | None, schema: str) -> bool:
        """Each is there when it is needed."""
        return True

    def create_schema(self, relation: Any) -> None:
        """Nothing: see :meth:`check_schema_exists`."""

    def list_relations_without_caching(self, schema_relation: Any) -> list[Any]:
        """None that dbt would have to replace."""
        return []

    def _plugin(self) -> SparkPlugin:
        if Manager.plugin is None:
            self.acquire_connection("headgate")
            _ = self.connections.get_thread_connection().handle  # asking opens it
        assert Manager.plugin is not None
        return Manager.plugin


@contextmanager
def registered() -> Iterator[None]:
    """Let dbt take this adapter for profiles of type ``spark`` within the block."""
    before = dbt_spark.Plugin
    dbt_spark.Plugin = AdapterPlugin(
        adapter=SparkAdapter,
        credentials=SparkCredentials,
        include_path=str(_INCLUDED),
        dependencies=["duckdb"],
        project_name="dbt_headgate_spark",
    )
    try:
        yield
    finally:
        dbt_spark.Plugin, Manager.plugin = before, None
