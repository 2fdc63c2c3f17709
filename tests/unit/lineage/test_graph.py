"""The graph that events add up to: the newest counts, walks end, and errors name what is near."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.core.cache import Cache
from headgate.core.errors import NotFoundError
from headgate.lineage import graph_events, newest
from headgate.lineage.graph_events import Graph
from headgate.lineage.graph_node import ROWS, Node

LAKE = "headgate://local"


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
        "job": {"facets": {"sql": {"query": '"name":"x"'}}, "name": job, "namespace": namespace},
        "run": {"runId": run},
        "inputs": [node(i) for i in inputs],
        "outputs": [{**node(output), "facets": {"columnLineage": facet} if columns else {}}],
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


def graph(tmp_path: Path, *events: dict[str, Any], tail: str = "") -> Graph:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(hjson.dumps(e) + "\n" for e in events) + tail, "utf-8")
    return graph_events.read(path)


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
    assert found.made["gold.a.y"].looked_up == ("bronze.a.keys", "bronze.a.x")


def test_the_newest_complete_event_wins_and_others_do_not_count(tmp_path: Path) -> None:
    other = event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"}, run="r2")  # fmt: skip
    failed = event("gold.a.y.build", ["bronze.a.w"], "gold.a.y", {"key": "bronze.a.w.q IDENTITY"}, state="FAIL")  # fmt: skip
    started = event("gold.a.y.build", ["bronze.a.w"], "gold.a.y", state="START")
    replay = event("gold.a.y.replay", ["gold.a.y"], "gold.a.y")
    found = graph(tmp_path, INGEST, BUILD, other, failed, started, replay, tail='{"eventTime":"2')
    assert found.made["gold.a.y"].run == "r2"
    assert told(found, "gold.a.y.key", "up", indirect=False)[0][1] == "bronze.a.x.day"
    assert "bronze.a.w" not in found.columns


def test_a_dataset_that_is_made_otherwise_now_is_made_from_that_alone(tmp_path: Path) -> None:
    once = event("gold.a.y.ingest", ["landing/y"], "gold.a.y", {"key": "landing/y.k IDENTITY"})
    found = graph(tmp_path, once, INGEST, BUILD)
    assert found.made["gold.a.y"].inputs == ("bronze.a.x",)
    assert "landing/y" not in found.columns


def test_circles_end(tmp_path: Path) -> None:
    one = event("gold.a.p.build", ["gold.a.q"], "gold.a.p", {"c": "gold.a.q.c IDENTITY"})
    two = event("gold.a.q.build", ["gold.a.p"], "gold.a.q", {"c": "gold.a.p.c IDENTITY"})
    found = graph(tmp_path, one, two)
    assert told(found, "gold.a.p.c", "up") == told(found, "gold.a.p.c", "up", depth=9)
    assert len(told(found, "gold.a.p.c", "up")) == 2


def test_other_producers_are_read_whatever_the_order_of_their_keys(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    theirs = {
        "job": {"namespace": "spark", "name": "job"},
        "eventType": "COMPLETE",
        "run": {"runId": "r"},
        "eventTime": "2024-01-01T00:00:00Z",
        "inputs": [{"namespace": "s3://b", "name": "in"}],
        "outputs": [
            {
                "namespace": LAKE,
                "name": "bronze.a.x",
                "facets": {
                    "columnLineage": {
                        "fields": {
                            "id": {
                                "inputFields": [{"namespace": "s3://b", "name": "in", "field": "i"}]
                            }
                        }
                    }
                },
            }
        ],
    }
    lines = [hjson.dumps(BUILD), str(theirs).replace("'", '"'), "[1]", '{"eventType":"COMPLETE"}']
    path.write_text("\n".join(lines) + "\n", "utf-8")
    found = graph_events.read(path)
    assert told(found, "gold.a.y.key", "up", indirect=False) == [
        (1, "bronze.a.x.id", "gold.a.y.key"),
        (2, "s3://b/in.i", "bronze.a.x.id"),
    ]


def test_a_lake_upon_another_says_what_it_made_itself(tmp_path: Path) -> None:
    base = tmp_path / "base.jsonl"
    late = event("bronze.a.x.ingest", ["landing/new"], "bronze.a.x", at="2025-01-01T00:00:00Z")
    base.write_text("".join(hjson.dumps(e) + "\n" for e in (INGEST, BUILD, late)), "utf-8")
    below = graph_events.read(base, until=datetime(2024, 6, 1, tzinfo=UTC))
    own = event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"})
    path = tmp_path / "own.jsonl"
    path.write_text(hjson.dumps(own) + "\n", "utf-8")
    found = graph_events.read(path, below=below)
    assert told(found, "gold.a.y.key", "up") == [
        (1, "bronze.a.x.day", "gold.a.y.key"),
        (2, "landing/a.day", "bronze.a.x.day"),
    ]


def test_only_the_newest_of_each_job_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    many = [{**BUILD, "run": {"runId": f"r{n}"}} for n in range(50)]
    path.write_text("".join(hjson.dumps(e) + "\n" for e in (*many, INGEST)), "utf-8")
    assert [e["run"]["runId"] for e in newest.events(path)] == ["r49", "r1"]


def test_only_what_is_new_of_a_file_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept = tmp_path / "events.jsonl", Cache(tmp_path / "cache.sqlite")
    path.write_text("".join(hjson.dumps(e) + "\n" for e in (INGEST, BUILD, TOP)), "utf-8")
    first = newest.events(path, kept=kept)
    read: list[bytes] = []
    search = newest._JOB.search

    class Counting:
        def search(self, line: bytes) -> Any:
            read.append(line)
            return search(line)

    monkeypatch.setattr(newest, "_JOB", Counting())
    assert newest.events(path, kept=kept) == first
    assert read == []
    again = {**BUILD, "run": {"runId": "r2"}}
    with path.open("a") as file:
        file.write(hjson.dumps(again) + "\n" + hjson.dumps(INGEST)[:40])
    assert newest.events(path, kept=kept) == [INGEST, TOP, again] == newest.events(path)
    assert len(read) == 1 + 4
    # Half a line is read when the rest of it has come.
    with path.open("a") as file:
        file.write(hjson.dumps(INGEST)[40:] + "\n")
    assert newest.events(path, kept=kept) == [TOP, again, INGEST]
    # Another file under the same name is read from its beginning.
    path.write_text(hjson.dumps(TOP) + "\n" + path.read_text("utf-8"), "utf-8")
    assert newest.events(path, kept=kept) == newest.events(path)
    path.write_text(hjson.dumps(TOP) + "\n", "utf-8")
    assert newest.events(path, kept=kept) == [TOP]


def test_names_that_are_not_there_are_answered_with_the_nearest(tmp_path: Path) -> None:
    found = graph(tmp_path, INGEST, BUILD)
    with pytest.raises(NotFoundError, match=r"no column 'keys'.*It has key"):
        found.find("gold.a.y.keys")
    with pytest.raises(NotFoundError, match=r"knows no 'gold.a.yy'.*gold.a.y"):
        found.find("gold.a.yy")
    with pytest.raises(NotFoundError, match="no lineage yet"):
        graph_events.read(tmp_path / "none.jsonl").find("gold.a.y")


def test_datasets_whose_columns_nobody_traced_are_named(tmp_path: Path) -> None:
    untraced = event("gold.a.z.build", ["gold.a.y"], "gold.a.z")
    found = graph(tmp_path, INGEST, BUILD, untraced)
    assert found.untraced([Node("gold.a.y", "key")], "down") == ("gold.a.z",)
    assert found.untraced([Node("gold.a.z", "k")], "up") == ("gold.a.z",)
    assert found.untraced([Node("gold.a.y", "key")], "up") == ()
    assert found.untraced([Node("gold.a.y")], "down") == ()


def _by_airflow(job: str, output: str, namespace: str) -> dict[str, Any]:
    """A task's event, as Airflow's provider tells it."""
    found = event(job, [], output, namespace=namespace, at="2030-01-01T00:00:00.000000Z")
    found["job"]["facets"] = {"jobType": {"integration": "AIRFLOW", "jobType": "TASK"}}
    return found


@pytest.mark.parametrize("namespace", [LAKE, "airflow"])
@pytest.mark.parametrize("job", ["ingest.bronze.a.x.take", "curate.a.build", "curate.a.gold.a.y"])
def test_a_task_that_names_what_it_writes_hides_nothing_of_how(
    tmp_path: Path, job: str, namespace: str
) -> None:
    tasks = [_by_airflow(job, d, namespace) for d in ("bronze.a.x", "gold.a.y")]
    alone, beside = graph(tmp_path, INGEST, BUILD), graph(tmp_path, INGEST, BUILD, *tasks)
    assert (beside.made, beside.columns) == (alone.made, alone.columns)
    assert list(graph(tmp_path, *tasks).made) == []
    as_written = "".join(json.dumps(task) + "\n" for task in tasks)  # with other spaces and order
    assert graph(tmp_path, INGEST, BUILD, tail=as_written).made == alone.made


def test_who_called_for_a_dataset_is_known(tmp_path: Path) -> None:
    run = {"runId": "t1"}
    parent = {"run": run, "job": {"namespace": LAKE, "name": "curate.a.gold.a.y"}}
    root = {"run": {"runId": "d1"}, "job": {"namespace": LAKE, "name": "curate.a"}}
    by_task = {**BUILD, "run": {"runId": "r1", "facets": {"parent": {**parent, "root": root}}}}
    odd = {**TOP, "run": {"runId": "r1", "facets": {"parent": "me"}}}
    found = graph(tmp_path, INGEST, by_task, odd)
    by = found.made["gold.a.y"].by
    assert by and (by.job, by.run_id, by.root_job, by.root_run_id) == (
        "curate.a.gold.a.y", "t1", "curate.a", "d1"
    )  # fmt: skip
    assert found.made["bronze.a.x"].by is None
    assert found.made["gold.a.z"].by is None
