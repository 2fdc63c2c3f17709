"""The truth about frames that was written down before anything told it, and what is told now."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

import polars as pl
import pytest

from headgate.lineage.steps import ColumnInput
from headgate.transforms.tracing import of_transform
from tests.unit.lineage import column_truth_frames as truth
from tests.unit.lineage.column_truth import SCHEMAS

TYPES: dict[str, pl.DataType] = {
    "BIGINT": pl.Int64(), "TIMESTAMP": pl.Datetime("us"), "DATE": pl.Date(), "DOUBLE": pl.Float64(),
    "VARCHAR": pl.String(), "VARCHAR[]": pl.List(pl.String()),
    "STRUCT(city VARCHAR, zip VARCHAR)": pl.Struct({"city": pl.String(), "zip": pl.String()}),
}  # fmt: skip
INDIRECT = {"CONDITIONAL", "WINDOW", "FILTER", "SORT", "GROUP_BY", "JOIN"}


def written(text: str) -> set[tuple[str, str, str]]:
    """Places and ways as a person wrote them: place, directly or not, way."""
    return {
        (place, "INDIRECT" if way in INDIRECT else "DIRECT", way)
        for place, *ways in (part.split() for part in text.split(",") if part.strip())
        for way in ways
    }


def told(inputs: Iterable[ColumnInput]) -> set[tuple[str, str, str]]:
    return {(f"{i.dataset}.{i.column}", i.type, i.subtype) for i in inputs}


def test_enough_is_written_down() -> None:
    assert sum(len(columns) for columns, _ in truth.FRAMES.values()) >= 30
    assert {"over_groups", "as_of"} <= truth.FRAMES.keys()


@pytest.mark.parametrize("name", truth.FRAMES)
def test_what_is_told_is_the_truth(name: str) -> None:
    function = getattr(truth, name)
    schemas = {
        truth.DATASETS[given]: {c: TYPES[t] for c, t in SCHEMAS[f"bronze_shop.{given}"].items()}
        for given in inspect.signature(function).parameters
    }
    columns, rows = truth.FRAMES[name]
    found = of_transform(function, schemas)
    assert {c: told(i) for c, i in found.columns.items()} == {
        c: written(text) for c, text in columns.items()
    }
    assert told(found.rows) == written(rows)
