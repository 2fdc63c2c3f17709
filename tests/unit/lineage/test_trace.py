"""Traces: what programs get is what people get, and holds to its schema; asking goes on while events come."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from headgate.core.errors import NotFoundError
from headgate.lineage.graph import Direction, Node
from headgate.lineage.questions.trace import SCHEMA, _edges, trace
from headgate.lineage.store import loading
from headgate.lineage.store.fetching import PlainStore, up_to_date
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.test_graph import BUILD, INGEST, LAKE, TOP, event, run_id


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = open_store(tmp_path / "lineage.db")
    take(found, [INGEST, BUILD, TOP])
    yield found
    found.close()


def _plain(told: dict[str, Any], place: int) -> str:
    node = told["nodes"][place]
    return f"{node['name']}.{node['column']}"


@pytest.mark.parametrize("start", ["gold.a.z.k", "bronze.a.x.day", "gold.a.y", "bronze.a.x"])
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("indirect", [True, False])
def test_the_json_of_a_trace_says_what_the_trace_says(
    store: Store, start: str, direction: Direction, indirect: bool
) -> None:
    found = trace(store, start, direction, indirect=indirect)
    told = json.loads(found.json())
    jsonschema.validate(told, SCHEMA)
    assert [
        tuple(n[k] for k in ("namespace", "name", "column", "depth")) for n in told["nodes"]
    ] == [*found.nodes]
    edges = {
        (_plain(told, e["source"]), _plain(told, e["target"]), told["jobs"][e["job"]]["name"],
         tuple((w["type"], w["subtype"]) for w in told["ways"][e["ways"]]))
        for e in told["edges"]
    }  # fmt: skip
    assert edges == {
        (f"{e.source.dataset}.{e.source.column}", f"{e.target.dataset}.{e.target.column}", e.job, e.ways)
        for e in found.edges
    }  # fmt: skip
    assert len(told["edges"]) == len(found.edges)
    assert told["start"] == {
        "namespace": LAKE,
        **dict(zip(("name", "column"), found.start, strict=True)),
    }
    assert found.nodes[0].depth == 0


def test_places_of_any_size_are_written_as_they_are() -> None:
    """Those of few digits come from what is written once, wider ones are written as they come."""
    for most in (1, 9, 10, 99_999, 100_000, 12_345_678):
        places = np.array([0, 1, most - 1, most, most // 2])
        told = json.loads(f"[{_edges(places, places[::-1], places, places * 0)}]")
        assert [(e["source"], e["target"], e["ways"], e["job"]) for e in told] == [
            (source, target, source, 0)
            for source, target in zip(places.tolist(), places.tolist()[::-1], strict=True)
        ]
    assert _edges(*[np.zeros(0, np.int64)] * 4) == ""


def test_a_server_asks_its_database_once_for_a_trace(store: Store) -> None:
    """Whether anything has changed, also where a time is asked for: every further question waits for
    the database again, and a look at all there is grows with it."""
    asked: list[str] = []
    wanted = trace(store, "gold.a.z", "up", as_of="2024-01-02").json()
    with store.engine.connect() as one:
        driver: Any = one.connection.dbapi_connection
    driver.set_trace_callback(lambda text: asked.append(text) if "SELECT" in text else None)
    try:
        trace(store, "gold.a.z", "up").json()
        assert trace(store, "gold.a.z", "up", as_of="2024-01-02").json() == wanted
    finally:
        driver.set_trace_callback(None)
    assert asked == ["SELECT revision FROM state"] * 2


def test_what_was_not_asked_for_is_counted_and_what_is_too_much_is_said(store: Store) -> None:
    found = trace(store, "bronze.a.x.day", "down", indirect=False)
    assert (found.left_out, found.edges, found.cut) == (2, (), False)
    cut = trace(store, "bronze.a.x.id", "down", limit=2)
    assert (cut.cut, len(cut.nodes)) == (True, 2)
    assert json.loads(cut.json())["cut"] is True


def test_a_column_of_which_nothing_follows_is_an_answer(store: Store) -> None:
    schema = {"_producer": "https://example.com", "_schemaURL": "https://example.com/s",
              "fields": [{"name": "lonely", "type": "int"}]}  # fmt: skip
    told = event("gold.a.w.build", ["bronze.a.x"], "gold.a.w", run="r5")
    told["outputs"][0]["facets"] = {"schema": schema}
    take(store, [told])
    found = trace(store, "gold.a.w.lonely", "up")
    assert (found.edges, found.untraced) == ((), ("gold.a.w",))
    assert [tuple(n) for n in found.nodes] == [(LAKE, "gold.a.w", "lonely", 0)]
    assert json.loads(found.json())["nodes"][0]["column"] == "lonely"


def test_a_dataset_is_found_by_namespace_and_name(store: Store) -> None:
    assert trace(store, "gold.a.y.key", "up", namespace=LAKE).start == Node("gold.a.y", "key")
    with pytest.raises(NotFoundError):
        trace(store, "gold.a.y.key", "up", namespace="headgate://prod")


def test_a_file_is_read_without_sqlalchemy_only_while_it_has_all_there_is(
    store: Store, tmp_path: Path
) -> None:
    from headgate.lineage.store.catching_up import catch_up

    path, files = tmp_path / "lineage.db", (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    plain = up_to_date(path, files)
    assert isinstance(plain, PlainStore)
    wanted = trace(store, "gold.a.z", "up", as_of=f"run:{run_id('r1 gold.a.z.build')}")
    assert trace(plain, "gold.a.z", "up", as_of=wanted.as_of).json() == wanted.json()
    files[0].write_text(json.dumps(TOP) + "\n")
    assert up_to_date(path, files) is None
    catch_up(store, files)
    assert up_to_date(path, files) is not None
    with files[0].open("a") as file:
        file.write('{"half":')
    assert up_to_date(path, files) is not None
    with files[0].open("a") as file:
        file.write(" 1}\n")
    assert up_to_date(path, files) is None
    catch_up(store, files)
    files[0].write_text(json.dumps({**TOP, "eventTime": "2024-02-01T00:00:00Z"}) + "\n")
    assert up_to_date(path, files) is None
    assert up_to_date(tmp_path / "none.db", files) is None


def test_many_ask_while_events_come(store: Store) -> None:
    """Whoever asks gets a graph of one moment, and none older than what was taken before."""
    wrong: list[str] = []
    taken = [0]
    ends = threading.Event()

    def ask() -> None:
        while not ends.is_set():
            least = taken[0]
            found = trace(store, "bronze.a.x.id", "down", depth=1)
            numbers = {int(n.name.rpartition("_")[2]) for n in found.nodes if "copy_" in n.name}
            if numbers != set(range(len(numbers))) or len(numbers) < least:
                wrong.append(f"{sorted(numbers)} after {least}")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for n in range(25):
            name = f"gold.a.copy_{n}"
            take(
                store,
                [event(f"{name}.build", ["bronze.a.x"], name, {"c": "bronze.a.x.id IDENTITY"})],
            )
            taken[0] = n + 1
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(trace(store, "bronze.a.x.id", "down", depth=1).nodes) == 28
    assert loading.graph(store) is loading.graph(store)
