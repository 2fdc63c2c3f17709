"""One engine writes a table: the commit door holds to it, and the log says which one does."""

from __future__ import annotations

import json

import pytest

from headgate.lake import shape
from headgate.lake.commit import commit
from headgate.lake.engines import ownership
from headgate.lake.engines.ownership import OtherEngineError
from headgate.lake.lake import log_key
from headgate.lake.meta import COMPACTION, CommitMeta
from headgate.lake.snapshot import Snapshot
from tests.unit.lake.conftest import COLUMNS, DATASET, Bench

ROWS = [(1, None, "a", 1, 0)]


def made(
    bench: Bench, engine: str, base: Snapshot | None = None, *, whole: bool = False
) -> Snapshot:
    return commit(
        bench.lake, DATASET, base=base, columns=COLUMNS, add=bench.staged(ROWS), remove=(),
        meta=bench.meta(engine=engine), whole=whole,
    )  # fmt: skip


def configuration(bench: Bench, version: int) -> object:
    text = bench.lake.storage.read(log_key(bench.lake.key(DATASET), version))
    assert text is not None
    actions = [json.loads(line) for line in text.splitlines()]
    return next((a["metaData"]["configuration"] for a in actions if "metaData" in a), None)


def test_the_door_refuses_the_other_engine_and_says_what_to_do(bench: Bench) -> None:
    first = made(bench, "spark")
    assert configuration(bench, 0) == {"headgate.engine": "spark"}
    with pytest.raises(OtherEngineError) as refused:
        made(bench, "duckdb", first)
    for part in (DATASET, "spark", "duckdb"):
        assert part in refused.value.message
    assert f"headgate rebuild {DATASET}" in refused.value.remedy
    again = bench.lake.snapshot(DATASET)
    assert again is not None and again.version == 0 and again.meta is not None
    assert again.meta.engine == "spark"
    assert made(bench, "spark", again).version == 1


def test_who_replaces_the_whole_table_has_it(bench: Bench) -> None:
    first = made(bench, "duckdb")
    assert configuration(bench, 0) == {}
    handed = made(bench, "spark", first, whole=True)
    assert configuration(bench, 1) == {"headgate.engine": "spark"}
    back = made(bench, "duckdb", handed, whole=True)
    assert configuration(bench, 2) == {}
    assert back.meta is not None and back.meta.engine == "duckdb"


def test_what_brings_no_rows_is_of_any_engine(bench: Bench) -> None:
    base = made(bench, "spark")
    for kind in (COMPACTION, "restore"):
        ownership.demand(base, bench.meta(kind=kind), whole=False)


def test_a_commit_of_before_there_were_engines_is_the_embedded_ones(bench: Bench) -> None:
    told = json.loads(bench.meta().to_json())
    assert told.pop("engine") == "duckdb"
    assert CommitMeta.from_json(json.dumps(told)).engine == "duckdb"
    assert shape.made(COLUMNS, (), 0)["configuration"] == {}
