"""A connection to Spark that stands where the gate has one to DuckDB: the same SQL, carried over.

Temporary tables are views over rows that Spark keeps. Nothing here needs more than Spark Connect
has, so that a session may be far away as well.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core import ids
from headgate.core.settings import Settings
from headgate.lake.engines import EngineError
from headgate.lake.engines.spark import files, staging, tasks
from headgate.lake.engines.spark.carrying import FilesRead, carried
from headgate.lake.engines.spark.failures import told
from headgate.lake.engines.spark.result import Result
from headgate.lake.engines.spark.session import connect, end

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from headgate.lake.stage import StagedFile

_NAME = r'("(?:[^"]|"")+"|\w+)'
_MADE = re.compile(
    rf"\s*CREATE\s+(?:OR\s+REPLACE\s+)?TEMP(?:ORARY)?\s+TABLE\s+{_NAME}\s+(?:AS\s+)?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_ADDED = re.compile(rf"\s*INSERT\s+INTO\s+{_NAME}\s+(.*)", re.IGNORECASE | re.DOTALL)
_DROPPED = re.compile(
    rf"\s*DROP\s+(?:TABLE|VIEW)\s+(?:IF\s+EXISTS\s+)?{_NAME}\s*;?\s*$", re.IGNORECASE
)
_ASKED = re.compile(r"[\s(]*(?:SELECT|FROM|WITH|VALUES)\b", re.IGNORECASE)
#: So that a table's files are about as large as is wanted, and not one for each core.
_SIZED = (
    "spark.sql.files.maxPartitionBytes",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes",
)


class SparkConnection:
    """The run's connection to Spark. It is closed with its session, unless that was there before."""

    def __init__(self, settings: Settings, session: SparkSession, *, owned: bool = False) -> None:
        self.settings, self.session, self.owned = settings, session, owned
        #: The columns of what can be read by name, with DuckDB's names of their types.
        self.schemas: dict[str, Mapping[str, str]] = {}
        self._kept: dict[str, DataFrame] = {}
        self._of: SparkConnection | None = None
        self._scratch = settings.spill_path / f"spark-{ids.new_id()}"
        for name in _SIZED:
            session.conf.set(name, str(settings.target_file_bytes))
        session.conf.set("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false")

    @classmethod
    def open(cls, settings: Settings) -> SparkConnection:
        """A connection as the settings say.

        Raises:
            UsageError: Spark or its jars are not installed.
        """
        before = _active()
        session = connect(settings)
        return cls(settings, session, owned=before is None)

    def execute(self, query: str, parameters: Sequence[object] | None = None) -> Result:
        """Carry out one statement in DuckDB's SQL: a query, or a temporary table made, added to or
        dropped. A query runs when its rows are fetched.

        Raises:
            CannotCarryError: it has what Spark does not do in the same way.
            EngineError: it fails, or is of another kind.
        """
        if dropped := _DROPPED.match(query):
            self._drop(_bare(dropped[1]))
        elif made := _MADE.match(query):
            name, text = _bare(made[1]), made[2]
            self._keep(name, self.frame(text if _ASKED.match(text) else _nothing(text)))
        elif added := _ADDED.match(query):
            name = _bare(added[1])
            with told():
                more = self._kept[name].union(self.frame(added[2]))
            self._keep(name, more, replacing=False)
        elif _ASKED.match(query):
            return Result(self.frame(query, parameters), self._scratch)
        else:
            raise EngineError(f"Spark is not asked for such a statement: {query[:80]}")
        return Result(None, self._scratch)

    def sql(self, query: str) -> Result:
        """As :meth:`execute`."""
        return self.execute(query)

    def frame(self, query: str, parameters: Sequence[object] | None = None) -> DataFrame:
        """The rows of a query in DuckDB's SQL, as a frame of Spark's.

        Raises:
            CannotCarryError: it has what Spark does not do in the same way.
            EngineError: Spark does not understand it.
        """
        text = self.carried(query)
        with told():
            return self.session.sql(text, args=list(parameters) if parameters else None)

    def carried(self, query: str) -> str:
        """A query in DuckDB's SQL as Spark is given it; the files that it reads are views by then.

        Raises:
            CannotCarryError: it has what Spark does not do in the same way.
        """
        known = {name: columns for name, columns in self.schemas.items() if name in query}

        def view(files_read: FilesRead) -> str:
            # What types the columns of files have is known once they are a view.
            name = self._files(files_read)
            known[name] = self.schemas[name]
            return name

        return carried(query, files=view, schema=known)

    def bind(self, name: str, frame: DataFrame) -> None:
        """Let queries read ``frame`` by ``name`` until it is dropped, or the connection closed."""
        with told():
            frame.createOrReplaceTempView(_escaped(name))
            self.schemas[name] = files.columns_of(frame.schema)

    def register(self, name: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Let queries read Arrow's rows by ``name``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._scratch.mkdir(parents=True, exist_ok=True)
        path = self._scratch / f"{ids.new_id()}.parquet"
        batches = rows.to_reader() if isinstance(rows, pa.Table) else rows
        with pq.ParquetWriter(path, rows.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        with told():
            self.bind(name, files.frame(self.session, [str(path)], with_file=False))

    def unregister(self, name: str) -> None:
        """Forget what was registered."""
        self._drop(name)

    def stage(
        self, query: str, columns: Mapping[str, str], folder: Path, settings: Settings
    ) -> list[StagedFile]:
        """As :func:`headgate.lake.stage.stage`, written by Spark.

        Raises:
            EngineError: the query fails, or its files cannot be written.
        """
        frame = self.frame(query)
        with told():
            return staging.stage(frame, columns, folder, settings)

    def task(self, work: Callable[[bytes], str], asked: bytes) -> str:
        """What ``work``, a function that a module holds, gives of ``asked`` in a task of the engine.

        May be called by several threads at once: each waits for its own task.

        Raises:
            EngineError: no task could do it.
        """
        with told():
            return tasks.one(self.session, work, asked)

    def cursor(self) -> SparkConnection:
        """Another connection of the same session: it reads the same names and closes nothing."""
        other = SparkConnection(self.settings, self.session)
        other.schemas, other._kept, other._of = self.schemas, self._kept, self
        return other

    def close(self) -> None:
        """Let go of what was kept, and of the session if it was begun for this connection."""
        if self._of is not None:
            return  # what a cursor reads is kept by its connection
        if self.owned:
            end(self.session)
        else:
            with contextlib.suppress(EngineError):
                for name in [*self._kept, *self.schemas]:
                    self._drop(name)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> SparkConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _files(self, read: FilesRead) -> str:
        """The name of a view over the files that a query reads."""
        told_apart = ids.digest(*read.paths, str(read.with_file), str(read.columns))
        name = f"_files_{told_apart[:24]}"
        if name not in self.schemas:
            with told():
                rows = files.frame(
                    self.session, read.paths, with_file=read.with_file, columns=read.columns
                )
                self.bind(name, rows)
        return name

    def _keep(self, name: str, frame: DataFrame, *, replacing: bool = True) -> None:
        with told():
            kept = frame.persist()
            if replacing and name in self._kept:
                self._kept[name].unpersist()
            self._kept[name] = kept
            self.bind(name, kept)

    def _drop(self, name: str) -> None:
        with told():
            if name in self._kept:
                self._kept.pop(name).unpersist()
            self.session.catalog.dropTempView(_escaped(name))
        self.schemas.pop(name, None)


def _active() -> SparkSession | None:
    """The session that this process has already."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        return None  # connecting says so
    found: SparkSession | None = SparkSession.getActiveSession()
    return found


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _escaped(name: str) -> str:
    return "`" + name.replace("`", "``") + "`" if not name.isidentifier() else name


def _nothing(columns: str) -> str:
    """A query of no rows with the columns that a table's definition lists."""
    inner = columns.strip().rstrip(";").strip()[1:-1]
    named = [re.match(rf"\s*{_NAME}\s+(.+)", part, re.DOTALL) for part in _split(inner)]
    asked = ", ".join(f"CAST(NULL AS {m[2].strip()}) AS {m[1]}" for m in named if m)
    return f"SELECT {asked} WHERE FALSE"


def _split(text: str) -> Iterator[str]:
    """The parts between commas that are in no bracket and no quotes."""
    depth, quoted, start = 0, False, 0
    for index, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += (sign in "([") - (sign in ")]")
            if sign == "," and not depth:
                yield text[start:index]
                start = index + 1
    yield text[start:]
