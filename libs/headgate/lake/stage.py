"""Staging: a query's rows written to data files that no log names yet, with the log's statistics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.contracts import types
from headgate.core import ids, resources
from headgate.core import json as hjson
from headgate.core.errors import LakeError
from headgate.core.settings import Settings
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.snapshot import DataFile


@dataclass(frozen=True)
class StagedFile:
    """A data file that is written and not yet committed; ``stats`` is the log's statistics JSON.

    ``checksum`` is the SHA-256 of its bytes, once they are about to be committed.
    """

    path: Path
    size: int
    rows: int
    stats: str
    nulls: Mapping[str, int] = field(default_factory=dict)
    checksum: str = ""

    def as_data_file(self) -> DataFile:
        """The file as a snapshot would have it, so that one reader serves both."""
        return DataFile(self.path.name, str(self.path), self.size, self.rows, {}, {}, self.nulls)


def stage(
    con: Connection, query: str, columns: Mapping[str, str], folder: Path, settings: Settings
) -> list[StagedFile]:
    """Write the rows of ``query`` (which yields ``columns`` in order) to files in ``folder``.

    Returns the files, none of them empty; rows are counted by the writer. A connection to another
    engine writes them itself.

    Raises:
        LakeError: the disk is full or cannot be written; nothing is published.
        EngineError: another engine than the embedded one failed.
    """
    import duckdb

    distributed = getattr(con, "stage", None)
    if distributed is not None:
        found: list[StagedFile] = distributed(query, columns, folder, settings)
        return found
    target = folder / ids.new_id()
    target.mkdir(parents=True)
    codec = "uncompressed" if settings.compression == "none" else settings.compression
    try:
        written = con.execute(
            f"COPY ({query}) TO {literal(str(target))} (FORMAT parquet, "
            f"COMPRESSION {literal(codec)}, FILE_SIZE_BYTES {settings.target_file_bytes}, "
            "FILENAME_PATTERN 'part-{uuid}', RETURN_STATS)"
        ).fetchall()
    except duckdb.IOException as error:
        raise resources.of(error, target) or LakeError(
            f"cannot write staged files in {target}: {str(error).splitlines()[0]}",
            remedy="Check space and permissions; nothing was published.",
        ) from None
    files = []
    for path, rows, size, _footer, column_stats, *_ in written:
        if rows:
            stats, nulls = log_statistics(rows, column_stats, columns)
            files.append(StagedFile(Path(path), size, rows, stats, nulls))
        else:
            Path(path).unlink()
    return files


def log_statistics(
    rows: int, column_stats: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]
) -> tuple[str, dict[str, int]]:
    """DuckDB's statistics in the form of the Delta log, and the null count of each column.

    A bound is left out where the log could not hold it exactly; timestamps are widened to
    whole milliseconds, as the Delta protocol has them.
    """
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for name, kind in columns.items():
        found = column_stats.get('"' + name.replace('"', '""') + '"', {})
        nulls[name] = int(found.get("null_count", 0))
        if types.element(kind) or kind == "boolean" or found.get("has_nan") == "true":
            continue
        for bounds, which, up in ((low, "min", False), (high, "max", True)):
            exact = found.get(f"{which}_is_exact", "true") == "true"
            if which in found and exact:
                value = _bound(found[which], kind, up)
                if value is not None:
                    bounds[name] = value
    document = {"numRecords": rows, "minValues": low, "maxValues": high, "nullCount": nulls}
    return hjson.dumps(document), nulls


def _bound(text: str, kind: str, up: bool) -> Any:
    if kind in ("long", "integer"):
        return int(text)
    if kind == "double":
        value = float(text)
        return value if math.isfinite(value) else None
    if types.decimal_of(kind):
        # JSON numbers pass through doubles in other readers: keep only what survives that.
        value = float(text)
        return value if len(text.replace("-", "").replace(".", "")) <= 15 else None
    if kind == "timestamp":
        return _millis(text, up)
    return text


def _millis(text: str, up: bool) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None  # a year that Python does not know: no bound is better than a wrong one
    spare = moment.microsecond % 1000
    try:
        if spare:
            moment += timedelta(microseconds=1000 - spare if up else -spare)
    except OverflowError:
        return None  # the last millisecond of the year 9999
    # strftime writes the year 33 with two digits.
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
