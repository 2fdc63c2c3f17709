"""An anchor: the same traces by recursive SQL in the database itself, over a table made for nothing else.

What other stores do at each question, at its best: edges that hold now, in one narrow table with an
index each way, no names looked up and no edges given back. Making that table is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tests.bench.lineage_databases import Place
from tests.bench.lineage_starts import DEPTH
from tests.bench.lineage_taking import figures

#: Column edges that hold now; which rows there are follows from the rows of what is read, and (upward
#: alone) decides each column.
_TABLE = """
CREATE TABLE bench_edge AS
SELECT DISTINCT e.source_id, e.target_id
FROM span s JOIN statement_edge e ON e.statement_id = s.statement_id
JOIN field f ON f.id = e.source_id JOIN field t ON t.id = e.target_id
WHERE s.to_at IS NULL AND f.name <> '' AND t.name <> ''
UNION
SELECT f2.id, t2.id
FROM span s JOIN statement_edge e ON e.statement_id = s.statement_id
JOIN field f ON f.id = e.source_id AND f.name = '' JOIN field t ON t.id = e.target_id AND t.name = ''
JOIN field f2 ON f2.dataset_id = f.dataset_id AND f2.name = '*'
JOIN field t2 ON t2.dataset_id = t.dataset_id AND t2.name = '*'
WHERE s.to_at IS NULL AND s.slot <> 'looked up'
"""
_OWN = """
INSERT INTO bench_edge SELECT DISTINCT r.id, e.target_id FROM field r JOIN field t ON t.dataset_id = r.dataset_id
JOIN bench_edge e ON e.target_id = t.id WHERE r.name = '*' AND t.name <> '*'
"""
_WALK = """
WITH RECURSIVE walk(id, depth) AS (
  SELECT CAST(:start AS BIGINT), 0
  UNION
  SELECT e.{to}, w.depth + 1 FROM walk w JOIN bench_edge e ON e.{by} = w.id
  WHERE w.depth < :depth)
SELECT count(DISTINCT id) FROM walk
"""


def sql_times(
    places: Sequence[Place], asked: Mapping[tuple[str, int], Sequence[str]], times: int
) -> list[dict[str, Any]]:
    """Each question so many times in each database; ``asked`` has columns by direction and size."""
    for place in places:
        _make(place)
    found = []
    try:
        for (direction, size), columns in asked.items():
            for place in places:
                seconds, nodes = [], []
                for column in columns[:times]:
                    spent, count = _walk(place, direction, column)
                    seconds.append(spent)
                    nodes.append(count)
                found.append({
                    "what": f"recursive SQL {direction} {size:,}", "database": place.kind,
                    **figures(seconds), "nodes": max(nodes),
                })  # fmt: skip
    finally:
        for place in places:
            _run(place, "DROP TABLE IF EXISTS bench_edge", "DROP TABLE IF EXISTS bench_down")
    return found


def _make(place: Place) -> None:
    _run(
        place, "DROP TABLE IF EXISTS bench_edge", "DROP TABLE IF EXISTS bench_down", _TABLE,
        "CREATE TABLE bench_down AS SELECT source_id, target_id FROM bench_edge",
        "CREATE INDEX ix_bench_down ON bench_down (source_id, target_id)", _OWN,
        "CREATE INDEX ix_bench_edge ON bench_edge (target_id, source_id)",
        "ANALYZE bench_edge", "ANALYZE bench_down",
    )  # fmt: skip


def _run(place: Place, *statements: str) -> None:
    with place.store.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _walk(place: Place, direction: str, column: str) -> tuple[float, int]:
    dataset, _, name = column.rpartition(".")
    table, by, to = ("bench_edge", "target_id", "source_id")
    if direction == "down":
        table, by, to = "bench_down", "source_id", "target_id"
    query = sa.text(_WALK.replace("bench_edge", table).format(by=by, to=to))
    with place.store.reading() as connection:
        start = connection.execute(
            sa.text("SELECT f.id FROM field f JOIN dataset d ON d.id = f.dataset_id"
                    " WHERE d.name = :dataset AND f.name = :name"),
            {"dataset": dataset, "name": name},
        ).scalar_one()  # fmt: skip
        began = time.perf_counter()
        count = connection.execute(query, {"start": start, "depth": DEPTH}).scalar_one()
        return time.perf_counter() - began, int(count) - 1
