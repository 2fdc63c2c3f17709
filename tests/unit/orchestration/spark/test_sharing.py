"""What each of Spark's processes does of a transform: a part of its inputs, in the table's types."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from headgate import transforms
from headgate.orchestration.spark import sharing
from headgate.orchestration.spark.sharing import Work

LINES = {"kind": "string", "at": "timestamp", "words": "array<string>"}
POSTS = {"kind": "string", "size": "decimal(9,2)"}
GIVEN = {"kind": "string", "lines": "long", "posts": "long", "words": "array<string>"}
CODE = '''\
"""Lines and posts of each kind."""
import polars as pl
from headgate.transforms.transform import Transform


def build(lines: pl.LazyFrame, posts: pl.LazyFrame) -> pl.LazyFrame:
    assert lines.collect_schema()["at"] == pl.Datetime("us", "UTC")
    found = lines.group_by("kind").agg(
        lines=pl.len().cast(pl.Int64), words=pl.col("words").list.explode(keep_nulls=False, empty_as_null=False)
    )
    counted = posts.group_by("kind").agg(posts=pl.len().cast(pl.Int64))
    return found.join(counted, on="kind", how="left").with_columns(pl.col("posts").fill_null(0))


TRANSFORM = Transform(build, groups=("kind",))
'''


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "kinds.py").write_text(CODE)
    room = (*transforms.__path__, str(tmp_path))
    monkeypatch.setattr(transforms, "__path__", list(transforms.__path__))
    return Work("toy.kinds", (LINES, POSTS), GIVEN, room)


def test_rows_of_several_inputs_are_told_apart(work: Work) -> None:
    lines = pa.struct([("kind", pa.string()), ("at", pa.timestamp("us", "UTC")),
                       ("words", pa.list_(pa.string()))])  # fmt: skip
    posts = pa.struct([("kind", pa.string()), ("size", pa.decimal128(9, 2))])
    group = pa.table(
        {
            "_key0": ["a"] * 3,
            "_which": pa.array([0, 1, 0], pa.int32()),
            "_row0": pa.array([{"kind": "a", "at": 0, "words": ["x"]}, None,
                               {"kind": "a", "at": 1, "words": None}], lines),
            "_row1": pa.array([None, {"kind": "a", "size": None}, None], posts),
        }
    )  # fmt: skip
    made = sharing._apart(work)(group)
    assert made.to_pylist() == [{"kind": "a", "lines": 2, "posts": 1, "words": ["x"]}]
    assert [f.type for f in made.schema] == [
        pa.string(), pa.int64(), pa.int64(), pa.list_(pa.string()),
    ]  # fmt: skip


def test_groups_must_be_columns_of_every_input(work: Work) -> None:
    assert sharing.misfit(work, ("kind",)) == ""
    assert sharing.misfit(work, ("size",)) == "an input has no column size"
    assert "it has 2" in sharing.misfit(work, ())
