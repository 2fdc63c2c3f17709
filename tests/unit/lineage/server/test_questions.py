"""What was posted comes back by query: lists and their pages, one by name, and the questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.lineage import access
from headgate.lineage.questions import datasets
from headgate.lineage.store import taking
from headgate.lineage.store.opening import Store
from tests.unit.lineage.server.made_events import PRODUCER, run_event, run_id

API = "/api/v1"


def _facet(name: str, **values: Any) -> dict[str, Any]:
    url = f"https://openlineage.io/spec/facets/1-0-0/{name}.json"
    return {"_producer": PRODUCER, "_schemaURL": url, **values}


def _get(client: TestClient, path: str, **asked: Any) -> Any:
    found = client.get(f"{API}/{path}", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def _pages(client: TestClient, path: str, key: str, **asked: Any) -> list[list[Any]]:
    pages, after = [], {}
    while True:
        found = _get(client, path, **asked, **after)
        pages.append(found[key])
        if found["next"] is None:
            return pages
        after = {"after": found["next"]}


@pytest.fixture
def told(store: Store, client: TestClient) -> TestClient:
    """A client of a store with 25 runs of two jobs."""
    fields = [{"name": "id", "type": "int"}, {"name": "sum", "type": "int"}]
    columns = {
        "sum": {"inputFields": [{"namespace": "db", "name": "public.orders", "field": "amount"}]}
    }
    facets = {
        "schema": _facet("SchemaDatasetFacet", fields=fields),
        "columnLineage": _facet("ColumnLineageDatasetFacet", fields=columns),
    }
    every = [run_event(n) for n in range(24)]
    outputs = [
        {"namespace": "db", "name": "public.sums", "facets": {**facets, "version": _facet(
            "DatasetVersionDatasetFacet", datasetVersion="7")},
         "outputFacets": {"outputStatistics": _facet(
             "OutputStatisticsOutputDatasetFacet", rowCount=3, size=10)}},
        {"namespace": "file", "name": "/tmp/50%_done"},
    ]  # fmt: skip
    every.append(run_event(24, job={"namespace": "orders", "name": "Sum"}, outputs=outputs))
    every.append(run_event(25, eventType="START"))
    found = client.post(f"{API}/lineage/batch", json=every)
    assert found.json() == {"accepted": 26, "repeated": 0, "refused": []}
    return client


def test_one_event_is_new_once(client: TestClient) -> None:
    first, again = (client.post(f"{API}/lineage", json=run_event()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["accepted"] == 1 and again.json()["repeated"] == 1
    assert _get(client, "metrics")["accepted"] == 1


def test_what_is_no_event_is_refused_where_it_is_wrong(client: TestClient) -> None:
    wrong = run_event(job={"namespace": "orders"})
    found = client.post(f"{API}/lineage", json=wrong)
    assert found.status_code == 422
    assert found.json()["place"].startswith("/job")
    mixed = client.post(f"{API}/lineage/batch", json=[run_event(), wrong, 7])
    assert mixed.status_code == 200 and mixed.json()["accepted"] == 1
    assert [r["index"] for r in mixed.json()["refused"]] == [1, 2]
    nothing = client.post(f"{API}/lineage/batch", json=[wrong, 7])
    assert nothing.status_code == 422 and nothing.json()["place"].startswith("/0/job")
    assert len(nothing.json()["refused"]) == 2
    assert len(_get(client, "events")["events"]) == 1


def test_pages_hold_everything_once_and_in_order(told: TestClient) -> None:
    pages = _pages(told, "runs", "runs", limit=7)
    assert [len(page) for page in pages] == [7, 7, 7, 5]
    assert [r["run_id"] for page in pages for r in page] == [run_id(n) for n in range(25, -1, -1)]
    assert sum(len(p) for p in _pages(told, "events", "events", limit=5)) == 26
    assert sum(len(p) for p in _pages(told, "events", "events", limit=5, job="load")) == 25
    written = _pages(told, "dataset/versions", "versions", name="public.sums", limit=4)
    assert [v["run_id"] for page in written for v in page] == [run_id(n) for n in range(25, -1, -1)]
    names = _pages(told, "datasets", "datasets", limit=1)
    assert [p[0]["name"] for p in names] == ["public.orders", "public.sums", "/tmp/50%_done"]
    assert [p[0]["name"] for p in _pages(told, "jobs", "jobs", limit=1)] == ["Sum", "load"]


def test_runs_are_found_by_job_by_dataset_and_by_what_was_done_with_it(told: TestClient) -> None:
    def runs(**asked: Any) -> list[str]:
        return [r["run_id"] for r in _get(told, "runs", limit=500, **asked)["runs"]]

    assert runs(job="Sum") == [run_id(24)]
    assert runs(dataset="/tmp/50%_done") == [run_id(24)]
    assert runs(dataset="/tmp/50%_done", role="in") == []
    assert len(runs(dataset="public.orders", role="in")) == 26
    assert len(runs(dataset="public.orders", role="in", job="load")) == 25
    assert runs(parent=run_id(1)) == []


def test_names_are_searched_for_as_they_are_written(told: TestClient) -> None:
    def names(search: str) -> list[str]:
        return [d["name"] for d in _get(told, "datasets", search=search)["datasets"]]

    assert names("SUMS") == ["public.sums"]
    assert names("50%_") == ["/tmp/50%_done"]
    assert names("_50") == names("%")[:0] == names("c_o") == []
    assert names("%") == ["/tmp/50%_done"]


def test_a_dataset_is_told_with_columns_and_facets(told: TestClient) -> None:
    found = _get(told, "dataset", name="public.sums")
    assert found["namespace"] == "db" and found["columns"] == ["id", "sum"]
    assert found["facets"]["schema"]["fields"][1] == {"name": "sum", "type": "int"}
    assert _get(told, "dataset", name="db/public.sums") == found
    version = _get(told, "dataset/versions", name="public.sums")["versions"][1]
    assert (version["version"], version["rows"], version["bytes"]) == ("7", 3, 10)
    assert version["job"] == {"namespace": "orders", "name": "Sum"}


def test_a_run_is_told_whole(told: TestClient) -> None:
    found = _get(told, f"runs/{run_id(24).upper()}")
    assert found["state"] == "COMPLETE" and found["job"]["name"] == "Sum"
    assert [d["name"] for d in found["outputs"]] == ["public.sums", "/tmp/50%_done"]
    assert found["inputs"] == [
        {"namespace": "db", "name": "public.orders", "version": None, "rows": None, "bytes": None,
         "files": None},
    ]  # fmt: skip
    going_on = _get(told, f"runs/{run_id(25)}")
    assert going_on["state"] in ("START", "RUNNING") and going_on["ended_at"] is None


def test_an_event_comes_back_as_it_came(client: TestClient) -> None:
    event = run_event(facets_of_ours={"deep": [1.5, {"ä": None}]}, extra="é\u0007 💧")
    assert client.post(f"{API}/lineage", json=event).status_code == 201
    [found] = _get(client, "events", run=run_id(1))["events"]
    assert found["event"] == event


def test_columns_are_traced_and_what_follows_is_told(told: TestClient) -> None:
    up = _get(told, "trace", name="public.sums", column="sum")
    assert ("public.orders", "amount") in {(n["name"], n["column"]) for n in up["nodes"]}
    down = _get(
        told, "trace", name="public.orders", namespace="db", column="amount", direction="down"
    )
    assert ("public.sums", "sum") in {(n["name"], n["column"]) for n in down["nodes"]}
    before = told.get(f"{API}/trace", params={"name": "public.sums", "as_of": "2020-01-01"})
    assert before.status_code == 404
    assert "sum" in told.get(f"{API}/impact", params={"name": "public.orders"}).text
    assert _get(told, "personal-data")["flows"] == []
    why = told.get(f"{API}/why", params={"name": "public.sums", "before": "1", "after": "2"})
    assert why.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["dataset?name=x", "dataset/versions?name=x", "dataset/verdicts?name=x", "job?name=x",
     "runs?job=x", "runs?dataset=x", f"runs/{run_id(9)}", f"events?run={run_id(9)}",
     "events?job=x", "trace?name=x", "impact?name=x", "personal-data?name=x",
     "runs?after=x", "events?after=WzFd8", "datasets?after=WzFd", "jobs?after=ä",
     "releases?after=WzEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzLDFd"],
)  # fmt: skip
def test_what_is_not_there_is_404_and_says_what_to_do(client: TestClient, path: str) -> None:
    found = client.get(f"{API}/{path}")
    assert found.status_code == 404
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["detail"]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("datasets?limit=501", "query limit"),
        ("datasets?limit=0", "query limit"),
        ("datasets?search=%00", "query search"),
        ("runs/1", "path run_id"),
        ("runs?parent=1", "query parent"),
        ("runs?role=both", "query role"),
        ("dataset", "query name"),
        (f"dataset?name={'x' * 2_001}", "query name"),
        ("trace?name=x&depth=0", "query depth"),
    ],
)
def test_a_parameter_that_is_wrong_is_named(client: TestClient, path: str, place: str) -> None:
    found = client.get(f"{API}/{path}")
    assert found.status_code == 422 and found.json()["place"] == place


def test_of_a_name_in_several_namespaces_one_has_to_be_said(client: TestClient) -> None:
    outputs = [{"namespace": space, "name": "t"} for space in ("one", "two")]
    client.post(f"{API}/lineage", json=run_event(outputs=outputs))
    found = client.get(f"{API}/dataset", params={"name": "t"})
    assert found.status_code == 404 and "one, two" in found.json()["remedy"]
    assert _get(client, "dataset", name="t", namespace="two")["namespace"] == "two"


def test_nodes_are_what_is_neither_an_alias_nor_gone_with_its_process(store: Store) -> None:
    linked = {
        "symlinks": _facet(
            "SymlinksDatasetFacet",
            identifiers=[{"namespace": "headgate://local", "name": "gold.a.b", "type": "TABLE"}],
        )
    }
    outputs = [
        {"namespace": "file", "name": "/lake/gold/a/b", "facets": linked},
        {"namespace": "duckdb://:memory:", "name": "memory.main.tmp"},
    ]
    taking.take(store, [run_event(inputs=[], outputs=outputs)], lake="local")
    assert datasets.nodes(store) == {("headgate://local", "gold.a.b")}
    found = datasets.one(store, "/lake/gold/a/b")
    assert found.name == "gold.a.b" and [a.name for a in found.aliases] == ["/lake/gold/a/b"]


def test_an_error_that_nobody_foresaw_tells_nothing_and_is_logged(
    store: Store,
    serve: Callable[..., TestClient],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = access.create(store, "one", "reader")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(datasets, "page", broken)
    found = serve().get(f"{API}/datasets", headers={"Authorization": f"Bearer {token}"})
    assert found.status_code == 500 and "hunter2" not in found.text
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "RuntimeError" in caplog.text and token not in caplog.text
