"""The graph that events add up to in a store: the newest counts, walks end, and errors name what is near."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.lineage.graph import ROWS, Edge, Graph, Node
from headgate.lineage.store import loading
from headgate.lineage.store.as_of import at
from headgate.lineage.store.instants import micros, moment
from headgate.lineage.store.last_made import CalledBy, last_made
from headgate.lineage.store.layered import Below
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take

LAKE = "headgate://local"
META = {
    "_producer": "https://example.com/producer",
    "_schemaURL": "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json",
}
_numbers = itertools.count()


def run_id(text: str) -> str:
    """A run's id that follows from the text."""
    return ids.name_based("test", text)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


OPENED: list[Store] = []


def event(
    job: str,
    inputs: Sequence[str],
    output: str,
    columns: dict[str, str] | None = None,
    rows: str = "",
    *,
    state: str = "COMPLETE",
    at: str = "2024-01-01T00:00:00.000000Z",
    run: str = "r1",
    namespace: str = LAKE,
) -> dict[str, Any]:
    """An event in which ``columns`` maps column to ``dataset.column WAY``, parted by commas."""
    facet = {
        "fields": {c: {"inputFields": fields(text)} for c, text in (columns or {}).items()},
        "dataset": fields(rows),
    }
    return {
        "eventTime": at,
        "eventType": state,
        "producer": "https://example.com/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "job": {"facets": {}, "name": job, "namespace": namespace},
        "run": {"runId": run_id(f"{run} {job}")},
        "inputs": [node(i) for i in inputs],
        "outputs": [
            {**node(output), "facets": {"columnLineage": {**META, **facet}} if columns else {}}
        ],
    }


def node(name: str) -> dict[str, Any]:
    return {"namespace": "file" if "/" in name else LAKE, "name": name}


def fields(text: str) -> list[dict[str, Any]]:
    found = []
    for place in filter(None, text.split(", ")):
        name, *ways = place.split(" ")
        dataset, _, column = name.rpartition(".")
        told = [
            {"type": "DIRECT" if w in ("IDENTITY", "AGGREGATION") else "INDIRECT", "subtype": w}
            for w in ways
        ]
        found.append({**node(dataset), "field": column, "transformations": told})
    return found


def stored(tmp_path: Path, *events: dict[str, Any]) -> Store:
    """A store of its own that has taken the events."""
    store = open_store(tmp_path / f"{next(_numbers)}.db")
    OPENED.append(store)
    assert take(store, events).refused == ()
    return store


def graph(tmp_path: Path, *events: dict[str, Any]) -> Graph:
    return loading.graph(stored(tmp_path, *events))


INGEST = event("bronze.a.x.ingest", ["landing/a"], "bronze.a.x", {"id": "landing/a.ID IDENTITY", "day": "landing/a.day IDENTITY"})  # fmt: skip
BUILD = event(
    "gold.a.y.build", ["bronze.a.x"], "gold.a.y",
    {"key": "bronze.a.x.id IDENTITY", "n": "bronze.a.x.id AGGREGATION"}, "bronze.a.x.day FILTER",
)  # fmt: skip
TOP = event("gold.a.z.build", ["gold.a.y"], "gold.a.z", {"k": "gold.a.y.key IDENTITY CONDITIONAL"})


def told(found: Graph, start: str, direction: Any, **how: Any) -> list[tuple[int, str, str]]:
    return [
        (f.depth, str(f.edge.source), str(f.edge.target))
        for f in found.walk(found.find(start), direction, **how)
    ]


def test_a_column_leads_up_to_its_sources_and_down_to_what_follows(tmp_path: Path) -> None:
    found = graph(tmp_path, INGEST, BUILD, TOP)
    assert told(found, "gold.a.z.k", "up", indirect=False) == [
        (1, "gold.a.y.key", "gold.a.z.k"),
        (2, "bronze.a.x.id", "gold.a.y.key"),
        (3, "landing/a.ID", "bronze.a.x.id"),
    ]
    assert told(found, "bronze.a.x.id", "down") == [
        (1, "bronze.a.x.id", "gold.a.y.key"),
        (1, "bronze.a.x.id", "gold.a.y.n"),
        (2, "gold.a.y.key", "gold.a.z.k"),
    ]
    assert told(found, "gold.a.z.k", "up", depth=1, indirect=False) == [
        (1, "gold.a.y.key", "gold.a.z.k")
    ]


def test_what_decides_rows_decides_all_columns_and_the_rows_of_what_reads_them(
    tmp_path: Path,
) -> None:
    found = graph(tmp_path, INGEST, BUILD, TOP)
    assert told(found, "bronze.a.x.day", "down", indirect=False) == []
    assert told(found, "bronze.a.x.day", "down") == [
        (1, "bronze.a.x.day", "gold.a.y (which rows)"),
        (2, "gold.a.y (which rows)", "gold.a.z (which rows)"),
    ]
    up = told(found, "gold.a.y.n", "up")
    assert (1, "gold.a.y (which rows)", "gold.a.y.n") in up
    assert (2, "bronze.a.x.day", "gold.a.y (which rows)") in up
    assert found.edges(Node("gold.a.y", ROWS), "down")[0].ways == (("INDIRECT", "ROWS"),)


def test_datasets_lead_to_datasets_and_a_gate_that_looks_up_is_indirect(tmp_path: Path) -> None:
    gate = event("gold.a.y.gate", ["gold.a.y", "bronze.a.x", "bronze.a.keys"], "gold.a.y")
    found = graph(tmp_path, INGEST, BUILD, gate)
    assert told(found, "gold.a.y", "up", indirect=False) == [
        (1, "bronze.a.x", "gold.a.y"),
        (2, "landing/a", "bronze.a.x"),
    ]
    assert (1, "bronze.a.keys", "gold.a.y") in told(found, "gold.a.y", "up")
    # What is read as well is not only looked up.
    assert found.edges(Node("gold.a.y"), "up") == [
        Edge(Node("bronze.a.keys"), Node("gold.a.y"), (("INDIRECT", "LOOKUP"),), "gold.a.y.gate"),
        Edge(Node("bronze.a.x"), Node("gold.a.y"), (), "gold.a.y.build"),
    ]


LATER = "2024-01-02T00:00:00.000000Z"


def test_the_newest_complete_event_wins_and_others_do_not_count(tmp_path: Path) -> None:
    other = event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"}, run="r2", at=LATER)  # fmt: skip
    failed = event("gold.a.y.build", ["bronze.a.w"], "gold.a.y", {"key": "bronze.a.w.q IDENTITY"}, state="FAIL", run="r3", at=LATER)  # fmt: skip
    started = event("gold.a.y.build", ["bronze.a.w"], "gold.a.y", state="START", run="r4", at=LATER)
    replay = event("gold.a.y.replay", ["gold.a.y"], "gold.a.y", at=LATER)
    given = (INGEST, other, BUILD, failed, started, replay)
    for order in (given, given[::-1]):
        store = stored(tmp_path, *order)
        found = loading.graph(store)
        made = last_made(store, "gold.a.y")
        assert made and made.run_id == run_id("r2 gold.a.y.build")
        assert told(found, "gold.a.y.key", "up", indirect=False)[0][1] == "bronze.a.x.day"
        assert told(found, "bronze.a.w", "down") == []


def test_a_dataset_that_is_made_otherwise_now_is_made_from_that_alone(tmp_path: Path) -> None:
    once = event("gold.a.y.ingest", ["landing/y"], "gold.a.y", {"key": "landing/y.k IDENTITY"})
    store = stored(tmp_path, once, INGEST, {**BUILD, "eventTime": LATER})
    found = loading.graph(store)
    assert [e.source for e in found.edges(Node("gold.a.y"), "up")] == [Node("bronze.a.x")]
    assert told(found, "landing/y.k", "down") == []
    then = loading.graph(store, at(store, "2024-01-01T12:00"))
    assert told(then, "landing/y.k", "down") == [(1, "landing/y.k", "gold.a.y.key")]
    assert told(then, "gold.a.y.key", "up") == [(1, "landing/y.k", "gold.a.y.key")]


def test_circles_end(tmp_path: Path) -> None:
    one = event("gold.a.p.build", ["gold.a.q"], "gold.a.p", {"c": "gold.a.q.c IDENTITY"})
    two = event("gold.a.q.build", ["gold.a.p"], "gold.a.q", {"c": "gold.a.p.c IDENTITY"})
    found = graph(tmp_path, one, two)
    assert told(found, "gold.a.p.c", "up") == told(found, "gold.a.p.c", "up", depth=9)
    assert len(told(found, "gold.a.p.c", "up")) == 2


def test_other_producers_are_read(tmp_path: Path) -> None:
    fields = {"id": {"inputFields": [{"namespace": "s3://b", "name": "in", "field": "i"}]}}
    theirs = {
        **event("job", [], "bronze.a.x", namespace="spark"),
        "inputs": [{"namespace": "s3://b", "name": "in"}],
        "outputs": [
            {**node("bronze.a.x"), "facets": {"columnLineage": {**META, "fields": fields}}}
        ],
    }
    found = graph(tmp_path, BUILD, theirs)
    assert told(found, "gold.a.y.key", "up", indirect=False) == [
        (1, "bronze.a.x.id", "gold.a.y.key"),
        (2, "s3://b/in.i", "bronze.a.x.id"),
    ]
    assert found.named("s3://b/in") == ("s3://b", "in")


def test_a_lake_upon_another_says_what_it_made_itself(tmp_path: Path) -> None:
    late = event("bronze.a.x.ingest", ["landing/new"], "bronze.a.x", {"day": "landing/new.d IDENTITY"}, at="2025-01-01T00:00:00Z", run="r2")  # fmt: skip
    base = stored(tmp_path, INGEST, BUILD, late)
    text = hjson.dumps(
        event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"},
              at="2024-09-01T00:00:00Z")
    )  # fmt: skip
    own = stored(tmp_path, hjson.loads(text.replace(LAKE, "headgate://mine")))
    since = micros(datetime(2024, 6, 1, tzinfo=UTC))
    loading.settle(own, home="mine", below=Below(base, "local", since))
    found = loading.graph(own)
    assert told(found, "gold.a.y.key", "up") == [
        (1, "bronze.a.x.day", "gold.a.y.key"),
        (2, "landing/a.day", "bronze.a.x.day"),
    ]
    # What the base said before still held until the lake said otherwise itself.
    then = loading.graph(own, at(own, "2024-07-01"))
    assert told(then, "gold.a.y.key", "up", indirect=False)[0][1] == "bronze.a.x.id"
    assert found.named("bronze.a.x") == ("headgate://mine", "bronze.a.x")
    assert last_made(own, "bronze.a.x") == last_made(base, "bronze.a.x", at(base, "2024-06-01"))
    # A lake that began as that one knows all of it.
    third = stored(tmp_path)
    loading.settle(third, home="third", below=Below(own, "mine", micros(datetime(2026, 1, 1, tzinfo=UTC)),
                                                    Below(base, "local", since)))  # fmt: skip
    assert told(loading.graph(third), "gold.a.y.key", "up") == told(found, "gold.a.y.key", "up")


def test_what_is_taken_later_is_in_the_next_graph_and_not_in_the_one_before(tmp_path: Path) -> None:
    store = stored(tmp_path, INGEST)
    before = loading.graph(store)
    assert loading.graph(store) is before
    take(store, [BUILD, TOP])
    after = loading.graph(store)
    assert told(before, "bronze.a.x.id", "down") == []
    assert [t for _, _, t in told(after, "bronze.a.x.id", "down")] == [
        "gold.a.y.key", "gold.a.y.n", "gold.a.z.k"
    ]  # fmt: skip


def test_a_graph_that_was_brought_up_is_the_one_that_is_loaded_at_once(tmp_path: Path) -> None:
    named = {"symlinks": {**META, "identifiers": [{**node("bronze.a.x"), "type": "TABLE"}]}}
    path = {"namespace": "file", "name": "/lake/bronze/a/x", "facets": named}
    spark = {**event("job", [], "bronze.a.x", namespace="spark", run="r9"), "outputs": [path]}
    reads = {**event("reader", [], "gold.a.q", namespace="spark"), "inputs": [
        {"namespace": "file", "name": "/lake/bronze/a/x"}
    ]}  # fmt: skip
    again = event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"}, at=LATER, run="r2")  # fmt: skip
    early = {**TOP, "eventTime": "2023-01-01T00:00:00Z", "run": {"runId": run_id("early")}}
    steps = (INGEST, reads, BUILD, spark, again, TOP, early)
    store = stored(tmp_path)
    for step in steps:
        take(store, [step])
        loading.graph(store)
    grown, whole = loading.graph(store), graph(tmp_path, *steps)
    assert grown.datasets == whole.datasets
    for dataset in whole.datasets:
        for column in ("", ROWS, *whole.columns(dataset)):
            for direction in ("up", "down"):
                walks = [set(g.walk(Node(dataset, column), direction)) for g in (grown, whole)]
                assert walks[0] == walks[1], (dataset, column, direction)
    # By whatever name it is read.
    assert (1, "bronze.a.x", "gold.a.q") in told(grown, "bronze.a.x", "down")
    assert grown.find("/lake/bronze/a/x") == Node("bronze.a.x")


def test_several_lakes_that_share_an_id_are_told_apart(tmp_path: Path) -> None:
    other = hjson.loads(hjson.dumps(INGEST).replace(LAKE, "headgate://prod"))
    store = stored(tmp_path, INGEST, {**other, "run": {"runId": run_id("prod")}})
    assert "headgate://prod/bronze.a.x" in loading.graph(store).datasets
    loading.settle(store, home="prod")
    found = loading.graph(store)
    assert found.datasets == ("bronze.a.x", "headgate://local/bronze.a.x", "landing/a")
    assert found.named(found.find("bronze.a.x.id").dataset) == ("headgate://prod", "bronze.a.x")
    assert told(found, "headgate://local/bronze.a.x.id", "up") == [
        (1, "landing/a.ID", "headgate://local/bronze.a.x.id")
    ]


def test_names_that_are_not_there_are_answered_with_the_nearest(tmp_path: Path) -> None:
    found = graph(tmp_path, INGEST, BUILD)
    with pytest.raises(NotFoundError, match=r"no column 'keys'.*It has key"):
        found.find("gold.a.y.keys")
    with pytest.raises(NotFoundError, match=r"knows no 'gold.a.yy'.*gold.a.y"):
        found.find("gold.a.yy")
    with pytest.raises(NotFoundError, match="no lineage yet"):
        graph(tmp_path).find("gold.a.y")


def test_datasets_whose_columns_nobody_traced_are_named(tmp_path: Path) -> None:
    untraced = event("gold.a.z.build", ["gold.a.y"], "gold.a.z")
    found = graph(tmp_path, INGEST, BUILD, untraced)
    assert found.untraced([Node("gold.a.y", "key")], "down") == ("gold.a.z",)
    assert found.untraced([Node("gold.a.z", "k")], "up") == ("gold.a.z",)
    assert found.untraced([Node("gold.a.y", "key")], "up") == ()
    assert found.untraced([Node("gold.a.y")], "down") == ()


def test_a_column_that_nothing_was_told_of_leads_nowhere(tmp_path: Path) -> None:
    found = graph(tmp_path, INGEST, BUILD, TOP)
    nothing = Node("gold.a.y", "nothing")
    assert found.names.place(nothing) is None
    assert found.edges(nothing, "up") == ()
    assert [*found.walk(nothing, "up")] == [*found.walk(nothing, "down")] == []


def _by_airflow(job: str, output: str, namespace: str) -> dict[str, Any]:
    """A task's event, as Airflow's provider tells it."""
    found = event(job, [], output, namespace=namespace, at="2030-01-01T00:00:00.000000Z")
    found["job"]["facets"] = {
        "jobType": {**META, "processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"}
    }
    return found


@pytest.mark.parametrize("namespace", [LAKE, "airflow"])
@pytest.mark.parametrize("job", ["ingest.bronze.a.x.take", "curate.a.build", "curate.a.gold.a.y"])
def test_a_task_that_names_what_it_writes_hides_nothing_of_how(
    tmp_path: Path, job: str, namespace: str
) -> None:
    tasks = [_by_airflow(job, d, namespace) for d in ("bronze.a.x", "gold.a.y")]
    alone, beside = graph(tmp_path, INGEST, BUILD), graph(tmp_path, INGEST, BUILD, *tasks)
    for start in ("bronze.a.x", "gold.a.y", "gold.a.y.key", "gold.a.y.n"):
        assert told(beside, start, "up") == told(alone, start, "up") != []


def test_who_called_for_a_dataset_is_known(tmp_path: Path) -> None:
    t1, d1 = run_id("t1"), run_id("d1")
    facet = {**META, "run": {"runId": t1}, "job": {"namespace": LAKE, "name": "curate.a.gold.a.y"}}
    root = {"run": {"runId": d1}, "job": {"namespace": LAKE, "name": "curate.a"}}
    facets = {"parent": {**facet, "root": root}}
    ours = {"parent": {**META, "run": {"runId": t1}, "job": {"namespace": LAKE, "name": "run"}}}
    by_task = {**BUILD, "run": {**BUILD["run"], "facets": facets}}
    by_us = {**TOP, "run": {**TOP["run"], "facets": ours}}
    store = stored(tmp_path, INGEST, by_task, by_us)
    made = last_made(store, "gold.a.y")
    assert made and made.by == CalledBy("curate.a.gold.a.y", t1, "curate.a", d1)
    assert made.at == moment(micros(datetime(2024, 1, 1, tzinfo=UTC)))
    for dataset in ("bronze.a.x", "gold.a.z"):
        other = last_made(store, dataset)
        assert other and other.by is None
    assert last_made(store, "landing/a") is None
