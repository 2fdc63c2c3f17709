"""Column lineage of Polars functions against what was written down by hand before it could be told."""

from __future__ import annotations

import inspect
from typing import Any

import polars as pl
import pytest

from headgate.transforms.tracing import of_transform
from tests.unit.lineage import column_truth, column_truth_frames
from tests.unit.lineage.test_columns_of_sql import inputs

TYPES: dict[str, Any] = {
    "BIGINT": pl.Int64,
    "TIMESTAMP": pl.Datetime("us"),
    "DATE": pl.Date,
    "DOUBLE": pl.Float64,
    "VARCHAR": pl.String,
    "VARCHAR[]": pl.List(pl.String),
    "STRUCT(city VARCHAR, zip VARCHAR)": pl.Struct({"city": pl.String, "zip": pl.String}),
}


def schema(frame: str) -> dict[str, Any]:
    return {c: TYPES[t] for c, t in column_truth.SCHEMAS[f"bronze_shop.{frame}"].items()}


@pytest.mark.parametrize("name", column_truth_frames.FRAMES)
@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_every_column_of_a_function_is_as_written_down(name: str) -> None:
    function = getattr(column_truth_frames, name)
    frames = inspect.signature(function).parameters
    told = of_transform(function, {f"bronze.shop.{frame}": schema(frame) for frame in frames})
    columns, rows = column_truth_frames.FRAMES[name]
    assert list(told.columns) == list(columns)
    for column, text in columns.items():
        assert set(told.columns[column]) == inputs(text, column_truth.DATASETS), column
    assert set(told.rows) == inputs(rows, column_truth.DATASETS)
