"""Transforms on Spark: shared out by groups, by pieces, or built on the driver, always to the same table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headgate import transforms
from headgate.core.errors import ModelError
from headgate.orchestration import transforming
from tests.conftest import make_project
from tests.dbt.lakehouse import BRONZE, DISCORD, Lakehouse, line, post
from tests.servers.both_engines import configure
from tests.servers.test_spark_models import DAY, NOON, told

pytestmark = pytest.mark.servers

KINDS, LENGTHS = "silver.toy.kinds", "silver.toy.lengths"
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: silver-toy-kinds
name: silver.toy.kinds
version: 1.0.0
status: active
domain: toy
description: {purpose: What is said of each kind.}
team: {name: toys}
schema:
  - name: kinds
    dataGranularityDescription: One row is one kind.
    properties:
      - {name: kind, logicalType: string, primaryKey: true, classification: internal, description: It.}
      - {name: lines, logicalType: integer, classification: internal, description: Lines of it.}
      - {name: posts, logicalType: integer, classification: internal, description: Posts of it.}
customProperties:
  - {property: headgate.transform, value: toy.kinds}
  - {property: headgate.inputs, value: [bronze.irc.messages, bronze.chat.messages]}
"""
#: A row of its own for each line.
OTHER = (
    CONTRACT.replace("kinds", "lengths")
    .replace("silver-toy-kinds", "silver-toy-lengths")
    .replace(", bronze.chat.messages]", "]")
)
LINES = '''\
"""How long each line is."""
import polars as pl
from headgate.transforms.transform import Transform


def build(lines: pl.LazyFrame) -> pl.LazyFrame:
    return lines.select(
        kind=pl.format("{}:{}", "file", "line"), lines=pl.col("text").str.len_chars().cast(pl.Int64),
        posts={posts},
    )


TRANSFORM = Transform(build, groups=())
'''
#: The lines and posts of each type, which both inputs have.
CODE = '''\
"""Lines and posts of each kind."""
import polars as pl
from headgate.transforms.transform import Transform


def build(lines: pl.LazyFrame, posts: pl.LazyFrame) -> pl.LazyFrame:
    found = lines.group_by(kind="type").agg(lines=pl.len().cast(pl.Int64))
    counted = posts.group_by(kind="type").agg(posts=pl.len().cast(pl.Int64))
    both = found.join(counted, on="kind", how="full", coalesce=True)
    return both.with_columns(pl.col("lines", "posts").fill_null(0))


TRANSFORM = Transform(build, groups={groups})
'''


@pytest.fixture
def houses(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy's project on both engines, with the same rows."""
    monkeypatch.setattr(transforms, "__path__", [*transforms.__path__, str(tmp_path / "room")])
    (tmp_path / "room" / "toy").mkdir(parents=True)
    found = []
    for engine in ("duckdb", "spark"):
        project = make_project(tmp_path / engine)
        for name, text in (("kinds", CONTRACT), ("lengths", OTHER)):
            place = project.settings.contracts_path / "toy" / f"silver_{name}"
            place.mkdir(parents=True)
            (place / "contract.odcs.yaml").write_text(text)
        house = Lakehouse(configure(project.settings.root, engine))
        house.put([line("a", n, DAY, type="Default" if n % 3 else "action") for n in range(30)])
        house.put_posts([post(str(n), NOON, type="Default" if n % 4 else "19") for n in range(9)])
        found.append(house)
    yield found
    for house in found:
        house.context.session.close()
        house.close()


def build(house: Lakehouse, room: Path, groups: str) -> None:
    (room / "toy" / "kinds.py").write_text(CODE.replace("{groups}", groups))
    transforming.build(house.context, house.project.contracts[KINDS])


def test_a_transform_makes_one_table_wherever_it_runs(houses: Any, tmp_path: Path) -> None:
    ours, theirs = houses
    for groups, notes in (('("type",)', 0), ("None", 1)):
        for house in houses:
            build(house, tmp_path / "room", groups)
        assert told(ours, KINDS) == told(theirs, KINDS)
        assert len(told(ours, KINDS)) == 3
        assert theirs.table(KINDS).meta.engine == "spark"
        assert ours.context.notes == []
        assert len(theirs.context.notes) == notes
    assert "on the driver" in theirs.context.notes[0]


def test_groups_that_inputs_do_not_have_are_refused(houses: Any, tmp_path: Path) -> None:
    house = houses[1]
    with pytest.raises(ModelError, match="an input has no column author"):
        build(house, tmp_path / "room", '("author",)')
    assert house.table(KINDS) is None
    assert house.table(BRONZE) is not None and house.table(DISCORD) is not None


def test_rows_by_themselves_are_shared_out_in_pieces(houses: Any, tmp_path: Path) -> None:
    theirs = houses[1]
    for house in houses:
        house.put([line("b", n, DAY, text="größer ☃" if n % 2 else None) for n in range(20)])

    def made(posts: str) -> list[list[Any]]:
        (tmp_path / "room/toy/lengths.py").write_text(LINES.replace("{posts}", posts))
        for house in houses:
            transforming.build(house.context, house.project.contracts[LENGTHS])
        return [told(house, LENGTHS) for house in houses]

    one, other = made('pl.col("line").cast(pl.Int64)')
    assert one == other and len(one) == 50
    assert theirs.table(LENGTHS).meta.engine == "spark" and theirs.context.notes == []
    # What no row says by itself tells whether they were given in pieces: nobody else sees to it.
    one, other = made("pl.len().cast(pl.Int64)")
    assert len(one) == len(other) and one != other


def test_rows_by_themselves_are_of_one_input(houses: Any, tmp_path: Path) -> None:
    house = houses[1]
    with pytest.raises(ModelError, match="rows by themselves are of one input, and it has 2"):
        build(house, tmp_path / "room", "()")
    assert house.table(KINDS) is None
