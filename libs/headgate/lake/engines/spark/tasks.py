"""Python of ours that runs where Spark's tasks do: one call, one task, and its answer as text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


def one(session: SparkSession, work: Callable[[bytes], str], asked: bytes) -> str:
    """What ``work`` gives of ``asked``, called in one task.

    ``work`` travels by its name: the module that holds it is installed wherever tasks run.
    """

    def called(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            told = [work(value.as_py()) for value in batch.column(0)]
            yield pa.RecordBatch.from_pydict({"told": pa.array(told, pa.string())})

    rows = session.createDataFrame([(bytearray(asked),)], "asked binary").coalesce(1)
    (row,) = rows.mapInArrow(called, "told string").collect()
    return str(row[0])
