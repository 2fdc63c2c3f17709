"""Tables as Polars frames: the types of a contract, and the rows of a version."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from headgate.contracts import types
from headgate.lake.snapshot import Snapshot

_TYPES: Mapping[str, pl.DataType] = {
    "string": pl.String(),
    "json": pl.String(),
    "long": pl.Int64(),
    "integer": pl.Int32(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}


def schema(columns: Mapping[str, str]) -> pl.Schema:
    """Columns and column types as Polars has them."""
    return pl.Schema({name: _type(kind) for name, kind in columns.items()})


def scan(snapshot: Snapshot) -> pl.LazyFrame:
    """The table's rows; columns that a file lacks are null in it."""
    return scan_files([Path(f.uri) for f in snapshot.files], snapshot.columns)


def scan_files(files: list[Path], columns: Mapping[str, str]) -> pl.LazyFrame:
    """The rows of Parquet files in these columns."""
    wanted = schema(columns)
    if not files:
        return pl.LazyFrame(schema=wanted)
    return pl.scan_parquet(
        files,
        schema=wanted,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        hive_partitioning=False,
    )


def _type(text: str) -> pl.DataType:
    element, decimal = types.element(text), types.decimal_of(text)
    if element:
        return pl.List(_type(element))
    return pl.Decimal(*decimal) if decimal else _TYPES[text]
