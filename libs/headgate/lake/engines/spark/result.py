"""What a query on Spark gives: rows as DuckDB would give them, computed when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.core import ids
from headgate.lake.engines.spark.failures import told

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


class Result:
    """The rows of a query; none of a statement that gives none."""

    def __init__(self, frame: DataFrame | None, scratch: Path) -> None:
        self.frame, self._scratch = frame, scratch
        self._left: list[tuple[Any, ...]] | None = None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched yet, as tuples of Python values.

        Raises:
            EngineError: the query fails.
        """
        if self._left is None:
            table = self.to_arrow_table() if self.frame is not None else None
            columns = [] if table is None else [_values(c) for c in table.columns]
            self._left = list(zip(*columns, strict=True))
        rows, self._left = self._left, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None.

        Raises:
            EngineError: the query fails.
        """
        rows = self.fetchall()
        self._left = rows[1:]
        return rows[0] if rows else None

    def to_arrow_table(self) -> pa.Table:
        """All rows, in memory here.

        Raises:
            EngineError: the query fails.
        """
        assert self.frame is not None, "a statement without rows"
        with told():
            return self.frame.toArrow()

    def to_arrow_reader(self, rows: int = 1_000_000) -> pa.RecordBatchReader:
        """The rows in batches of at most ``rows``; they wait on disk, not in memory.

        Raises:
            EngineError: the query fails.
        """
        import pyarrow.dataset as ds

        assert self.frame is not None, "a statement without rows"
        folder = self._scratch / ids.new_id()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with told():
            self.frame.write.parquet(str(folder))
        found = ds.dataset(str(folder), format="parquet")
        return found.scanner(batch_size=rows).to_reader()


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A column's values; what is a HUGEINT there is carried as decimal(38,0), and an int here."""
    found = column.to_pylist()
    if str(column.type) == "decimal128(38, 0)":
        return [None if v is None else int(v) for v in found]
    return found
