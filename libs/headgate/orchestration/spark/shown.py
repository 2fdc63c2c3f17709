"""What models read, shown on a connection to Spark as it is on one to DuckDB: by schema and name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import UsageError
from headgate.core.settings import Settings
from headgate.lake.engines.duckdb import empty, identifier
from headgate.orchestration.context import RunContext
from headgate.orchestration.spark.naming import flat, tables

if TYPE_CHECKING:
    import pyarrow as pa

    from headgate.lake.engines.spark.connection import SparkConnection
    from headgate.lake.engines.spark.result import Result
    from headgate.lake.snapshot import Snapshot
    from headgate.lake.stage import StagedFile

#: A frame of Spark's.
DataFrame = Any

_PART = r'(?:"(?:[^"]|"")+"|\w+)'
_NAME = rf"({_PART}(?:\.{_PART})*)"
_MADE = re.compile(
    rf"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\s+)?(VIEW|TABLE)\s+{_NAME}\s*(\([^()]*\))?\s+AS\s(.*)",
    re.IGNORECASE | re.DOTALL,
)
_DROPPED = re.compile(rf"\s*DROP\s+(?:VIEW|TABLE)\s+(?:IF\s+EXISTS\s+)?{_NAME}\s*$", re.IGNORECASE)
_SCHEMA = re.compile(r"\s*CREATE\s+SCHEMA\b", re.IGNORECASE)
_DESCRIBED = re.compile(r"\s*DESCRIBE\s+(.*)", re.IGNORECASE | re.DOTALL)


def connected(context: RunContext) -> Shown:
    """The run's connection to Spark, on which relations have schemas.

    Raises:
        UsageError: Spark or its jars are not installed, or nothing is written by Spark.
    """
    session = context.session
    for contract in context.project.contracts.values():
        if session.engine_name(contract) == "spark":
            return Shown(cast("SparkConnection", session.engine(contract)))
    raise UsageError("no contract of the project is of the engine spark.")


def show(shown: Shown, context: RunContext, contract: Contract, snapshot: Snapshot | None) -> None:
    """Let queries read a version of a dataset's table under its name.

    Raises:
        EngineError: Spark cannot read it.
    """
    name = f"{contract.name.schema}.{contract.name.name}"
    shown.bind(name, table(shown, context, contract, snapshot))


def table(
    shown: Shown, context: RunContext, contract: Contract, snapshot: Snapshot | None
) -> DataFrame:
    """The rows of a version of a dataset's table, by Delta's own reader; none of one that was never
    written.

    Raises:
        EngineError: Spark cannot read it.
    """
    if snapshot is None:
        columns = contract.table_columns.items()
        nothing = ", ".join(f"NULL::{types.duckdb_type(t)} AS {identifier(c)}" for c, t in columns)
        return shown.frame(f"SELECT {nothing} WHERE FALSE")
    from headgate.lake.engines.spark.failures import told

    lake = context.project.lake
    with told():
        reader = shown.con.session.read.format("delta").option("versionAsOf", snapshot.version)
        rows = reader.load(lake.storage.uri(lake.key(contract.id)))
        return rows.select(*["`" + c.replace("`", "``") + "`" for c in snapshot.columns])


class Answer:
    """Rows that are known already."""

    def __init__(
        self, rows: Sequence[tuple[Any, ...]] = (), names: Sequence[str] | None = None
    ) -> None:
        self._rows, self.names = list(rows), names

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All of them."""
        return self._rows


class Shown:
    """A connection to Spark on which relations have schemas, and views and tables are made by the
    same statements as on DuckDB's.

    What a query's columns are called, and of which types, is asked of DuckDB, over relations without
    rows: it is its SQL.
    """

    def __init__(self, con: SparkConnection) -> None:
        self.con = con

    def bind(self, name: str, frame: DataFrame) -> None:
        """Let queries read ``frame`` by ``name``, which may be ``schema.name``."""
        self.con.bind(name, frame)

    def execute(self, query: str, parameters: Sequence[object] | None = None) -> Result | Answer:
        """Carry out one statement in DuckDB's SQL.

        Raises:
            CannotCarryError: it has what Spark does not do in the same way.
            EngineError: it fails, or is of a kind that is not known here.
            duckdb.Error: what is described is no query.
        """
        if _SCHEMA.match(query):
            return Answer()
        if made := _MADE.match(query):
            kind, name, columns, rest = made[1].upper(), _joined(made[2]), made[3], made[4]
            if columns:
                rest = f"SELECT * FROM ({rest}) AS _t{columns}"
            if kind == "VIEW":
                self.con.bind(name, self.frame(rest))
                return Answer()
            return self.con.execute(
                f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS SELECT * FROM (\n{self._flat(rest)}\n)"
            )
        if dropped := _DROPPED.match(query):
            return self.con.execute(f"DROP TABLE IF EXISTS {identifier(_joined(dropped[1]))}")
        if described := _DESCRIBED.match(query):
            return Answer(self.described(described[1]))
        return self.con.execute(self._flat(query), parameters)

    def sql(self, query: str) -> Result | Answer:
        """As :meth:`execute`."""
        return self.execute(query)

    def frame(self, query: str) -> DataFrame:
        """The rows of a query as a frame of Spark's."""
        return self.con.frame(self._flat(query))

    def stage(
        self, query: str, columns: Mapping[str, str], folder: Path, settings: Settings
    ) -> list[StagedFile]:
        """As :func:`headgate.lake.stage.stage`."""
        return self.con.stage(self._flat(query), columns, folder, settings)

    def register(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Let queries read Arrow's rows by ``name``."""
        self.con.register(name, rows)

    def unregister(self, name: str) -> None:
        """Forget what was registered."""
        self.con.unregister(name)

    def cursor(self) -> Shown:
        """This one: whoever asks for another asks one after the other."""
        return self

    def close(self) -> None:
        """Nothing: the connection is the session's."""

    def described(self, query: str) -> list[tuple[Any, ...]]:
        """What DuckDB says of a query's columns: name, type and more, a row each.

        Raises:
            duckdb.Error: it is no query, or reads what there is not.
        """
        schemas = {name.lower(): columns for name, columns in self.con.schemas.items()}
        with empty() as con:
            for name in sorted(tables(query)):
                columns = schemas.get(name.lower())
                if columns is None:
                    continue  # a common table expression, or nothing
                schema, _, last = name.partition(".") if "." in name else ("", "", name)
                if schema:
                    con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(schema)}")
                told = ", ".join(f"NULL::{t} AS {identifier(c)}" for c, t in columns.items())
                where = f"{identifier(schema)}." if schema else ""
                con.execute(f"CREATE VIEW {where}{identifier(last)} AS SELECT {told} WHERE FALSE")
            return con.execute(f"DESCRIBE {query}").fetchall()

    def _flat(self, query: str) -> str:
        return flat(query, [name for name in self.con.schemas if "." in name])


def _joined(name: str) -> str:
    """``"a"."b"`` as ``a.b``."""
    parts = re.findall(_PART, name)
    return ".".join(p[1:-1].replace('""', '"') if p.startswith('"') else p for p in parts)
