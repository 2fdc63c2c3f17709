"""Staging by Spark: rows written to Parquet files by its tasks, and the log's statistics from their footers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.contracts import types
from headgate.core import ids
from headgate.core.settings import Settings
from headgate.lake.engines.spark.files import spark_type

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from pyspark.sql import DataFrame

    from headgate.lake.stage import StagedFile

#: Footers that are read at once.
_AT_ONCE = 8


def stage(
    frame: DataFrame, columns: Mapping[str, str], folder: Path, settings: Settings
) -> list[StagedFile]:
    """Write the frame's rows to files in ``folder``, each column in the type of the contract.

    Returns the files, none of them empty; rows are counted by what was written.

    Raises:
        OSError: what was written cannot be read.
    """
    target = folder / ids.new_id()
    target.parent.mkdir(parents=True, exist_ok=True)
    codec = "uncompressed" if settings.compression == "none" else settings.compression
    typed(frame, columns).write.option("compression", codec).option(
        "mapreduce.fileoutputcommitter.marksuccessfuljobs", "false"
    ).parquet(str(target))
    paths = sorted(target.glob("*.parquet"))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(partial(staged, columns=columns), paths))
    return [f for f in found if f is not None]


def typed(frame: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """The frame's columns in the contract's order and types; a value that its type cannot hold is an
    error when it is written."""
    from pyspark.sql import functions as f

    given = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    asked = []
    for name, kind in columns.items():
        column = f.col("`" + name.replace("`", "``") + "`")
        wanted = spark_type(kind)
        asked.append(column if given.get(name) == wanted else column.cast(wanted).alias(name))
    return frame.select(*asked)


def staged(path: Path, columns: Mapping[str, str]) -> StagedFile | None:
    """A file that was written, with what its footer says; one without rows is removed."""
    import pyarrow.parquet as pq

    from headgate.lake.stage import StagedFile, log_statistics

    with pq.ParquetFile(path) as file:
        rows = file.metadata.num_rows
        if rows:
            told = {_quoted(c): _of_column(file, c, k) for c, k in columns.items()}
    if not rows:
        path.unlink()
        return None
    stats, nulls = log_statistics(rows, told, columns)
    return StagedFile(path, os.stat(path).st_size, rows, stats, nulls)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _of_column(file: pq.ParquetFile, name: str, kind: str) -> dict[str, str]:
    """The column's statistics over all row groups, in the form in which DuckDB gives them."""
    footer = file.metadata
    index = next(
        i for i in range(footer.num_columns) if footer.schema.column(i).path.split(".")[0] == name
    )
    low: Any = None
    high: Any = None
    nulls, bounded = 0, True
    for group in range(footer.num_row_groups):
        column = footer.row_group(group).column(index)
        stats = column.statistics
        if stats is None or not stats.has_null_count:
            return {"null_count": str(_counted(file, name))}
        nulls += stats.null_count
        if stats.null_count == column.num_values:
            continue
        try:
            least, most = (stats.min, stats.max) if stats.has_min_max else (None, None)
        except (OverflowError, ValueError):  # an instant that Python does not know
            least = most = None
        if least is None or most is None or least != least or most != most:
            bounded = False
            continue
        low = least if low is None else min(low, least)
        high = most if high is None else max(high, most)
    if types.element(kind):
        # A leaf counts lists that are NULL together with their elements that are.
        return {"null_count": str(_counted(file, name) if nulls else 0)}
    found = {"null_count": str(nulls)}
    if bounded and low is not None:
        found |= {"min": _text(low), "max": _text(high)}
    return found


def _counted(file: pq.ParquetFile, name: str) -> int:
    """NULLs of a column, counted in its rows."""
    return sum(batch.column(0).null_count for batch in file.iter_batches(columns=[name]))


def _text(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)
