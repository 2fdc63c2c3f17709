"""What other producers tell of a lake's tables is told of its datasets, whoever came first.

``spark_listener.jsonl`` was recorded of Spark 4.2 with Delta 4.4 and the OpenLineage listener 1.53,
shortened: a DataFrame read by path and written by path, tables made over paths, CTAS, INSERT
SELECT, and MERGE into a table and into a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lineage.questions import datasets
from headgate.lineage.questions.trace import trace
from headgate.lineage.store.opening import Store, open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.dumping import dump

LAKE, NAMESPACE = "/data/lake", "headgate://local"
USERS, MESSAGES = "gold.community.dim_users", "gold.community.fct_messages"
SPARK = tuple(
    hjson.loads(line)
    for line in Path(__file__).with_name("spark_listener.jsonl").read_text("utf-8").splitlines()
)
_FACET = {"_producer": "urn:x", "_schemaURL": "urn:x"}


def ours(dataset: str, namespace: str = NAMESPACE, path: str | None = None) -> dict[str, Any]:
    """What a gate tells of a dataset: where its table lies."""
    path = path or f"{LAKE}/{DatasetName.parse(dataset).path}"
    place = {"namespace": "file", "name": path, "type": "LOCATION"}
    return event(
        f"{dataset}.gate",
        namespace=namespace,
        run=dataset,
        outputs=[
            {"namespace": namespace, "name": dataset,
             "facets": {"symlinks": {**_FACET, "identifiers": [place]}}}
        ],
    )  # fmt: skip


def event(
    job: str,
    *,
    inputs: Sequence[Any] = (),
    outputs: Sequence[Any] = (),
    namespace: str = "bi",
    run: str = "",
) -> dict[str, Any]:
    return {
        "eventTime": "2026-11-01T00:00:00Z", "eventType": "COMPLETE", "producer": "urn:x",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": ids.name_based("test", run or job), "facets": {}},
        "job": {"namespace": namespace, "name": job, "facets": {}},
        "inputs": list(inputs), "outputs": list(outputs),
    }  # fmt: skip


def named(namespace: str, name: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": {}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "lineage.db")
    yield made
    made.engine.dispose()


def taken(store: Store, *events: dict[str, Any]) -> None:
    done = take(store, events, lake="local")
    assert not done.refused, done.refused


def sources(store: Store, column: str) -> set[tuple[str, str]]:
    """What a column is made from, one step up."""
    found = trace(store, column, "up", depth=1, indirect=False)
    return {(edge.source.dataset, edge.source.column) for edge in found.edges}


def readers(store: Store, dataset: str) -> set[str]:
    return {e.target.dataset for e in trace(store, dataset, "down", depth=1).edges}


@pytest.mark.parametrize("first", ["spark", "ours"])
def test_sparks_paths_are_the_lakes_datasets(store: Store, first: str) -> None:
    own = [ours(USERS), ours(MESSAGES)]
    for batch in (SPARK, own) if first == "spark" else (own, SPARK):
        taken(store, *batch)

    assert datasets.nodes(store) == {
        (NAMESPACE, USERS), (NAMESPACE, MESSAGES),
        # Spark's own tables, which no contract knows, by the paths that they have.
        ("file", "/data/out/extract"), ("file", "/data/warehouse/report"),
    }  # fmt: skip
    users = datasets.one(store, USERS)
    assert {(a.namespace, a.name) for a in users.aliases} == {
        ("file", f"{LAKE}/gold/community/dim_users"), ("file:///data/warehouse", "default.users"),
    }  # fmt: skip
    # By Spark's name for it too, however it is spelled.
    by_table = datasets.one(store, "default.users", "file:/data/warehouse/")
    assert (by_table.namespace, by_table.name) == (NAMESPACE, USERS)


def test_sparks_merge_and_ctas_are_lineage_of_the_lakes_columns(store: Store) -> None:
    taken(store, *SPARK, ours(USERS), ours(MESSAGES))

    report = next(d for d in readers(store, USERS) if d.endswith("warehouse/report"))
    assert sources(store, f"{USERS}.name") == {(report, "name")}, "MERGE into the path"
    assert {d.rpartition("/")[2] for d in readers(store, MESSAGES)} == {"extract"}
    assert (USERS, "name") in sources(store, f"{report}.name"), "MERGE and CTAS from the table"


def test_quarantine_and_catalogue_are_the_datasets(store: Store) -> None:
    """What is named after where a lake lies is its datasets', in whatever order that is told."""
    quarantine = named("file:///", f"{LAKE}/gold/community/dim_users__quarantine/")
    relation = named(f"duckdb://{LAKE}/catalog.duckdb", '"catalog"."gold_community"."dim_users"')
    refused = named(f"duckdb://{LAKE}/catalog.duckdb", "gold_community.dim_users__quarantine")
    report = named("postgresql://warehouse", "bi.public.report")
    events = [
        ours(USERS),
        event("a", inputs=[quarantine], outputs=[report]),
        event("b", inputs=[relation, refused], outputs=[report]),
    ]
    taken(store, *events)

    assert datasets.nodes(store) == {
        (NAMESPACE, USERS), ("postgres://warehouse:5432", "bi.public.report"),
    }  # fmt: skip
    assert len(datasets.one(store, USERS).aliases) == 4


def test_names_beside_no_lake_are_left_as_they_are(store: Store) -> None:
    told = [
        named("file", "/data/other__quarantine"),
        named("s3://b", "x__quarantine"),
        named("duckdb:///home/me/catalog.duckdb", "catalog.gold_community.dim_users"),
        named("file", "/elsewhere/gold/community/dim_users"),
    ]
    taken(store, ours(USERS), event("a", inputs=told))

    assert datasets.nodes(store) == {
        (NAMESPACE, USERS), *((one["namespace"], one["name"]) for one in told)
    }  # fmt: skip


def test_a_private_model_is_walked_through(store: Store) -> None:
    """dbt-ol tells of a view in memory as of a table; two projects may call theirs the same."""
    memory = "duckdb://:memory:"
    bronze, mart = f"{memory}|memory.bronze_chat.messages", f"{memory}|memory.gold_chat.daily"
    private = f"{memory}|memory.main.int_days"
    taken(
        store,
        model("int_days", private, {"day": [(bronze, "sent_at")]}, "dbt-run-a"),
        model("daily", mart, {"day": [(private, "day")]}, "dbt-run-a"),
        model("int_days", private, {"day": [(bronze, "received_at")]}, "dbt-run-b"),
    )

    assert datasets.nodes(store) == {
        (NAMESPACE, "bronze.chat.messages"), (NAMESPACE, "gold.chat.daily"),
    }  # fmt: skip
    assert sources(store, "gold.chat.daily.day") == {("bronze.chat.messages", "sent_at")}
    assert readers(store, "bronze.chat.messages") == {"gold.chat.daily"}


def model(
    job: str, output: str, columns: dict[str, list[tuple[str, str]]], caller: str
) -> dict[str, Any]:
    """What dbt-ol tells of a model, with datasets as ``namespace|name``."""
    inputs = dict.fromkeys(source for some in columns.values() for source, _ in some)
    made = event(job, run=caller + job, inputs=[named(*one.split("|")) for one in inputs],
                 outputs=[named(*output.split("|"))])  # fmt: skip
    fields = {
        column: {"inputFields": [
            {**dict(zip(("namespace", "name"), one.split("|"), strict=True)), "field": field}
            for one, field in some
        ]}
        for column, some in columns.items()
    }  # fmt: skip
    made["outputs"][0]["facets"] = {"columnLineage": {**_FACET, "fields": fields}}
    whole = {"run": {"runId": "00000000-0000-4000-8000-000000000001"},
             "job": {"namespace": "bi", "name": caller}}  # fmt: skip
    made["run"]["facets"] = {"parent": {**_FACET, **whole}}
    return made


def test_every_order_gives_one_store(tmp_path: Path) -> None:
    """A lake that was renamed claims the paths of the old one: taken for one, by name."""
    quarantine = named("file", f"{LAKE}/gold/community/dim_users__quarantine")
    events = [
        ours(USERS),
        ours(USERS, "headgate://renamed", f"{LAKE}/gold/community/dim_users/"),
        event("a", inputs=[quarantine, named("duckdb://:memory:", "memory.main.t")]),
    ]
    found = set()
    for number, order in enumerate(permutations(events)):
        store = open_store(tmp_path / f"{number}.db")
        for one in order:
            taken(store, one)
        found.add(repr(dump(store)))
        assert datasets.one(store, quarantine["name"]).namespace == NAMESPACE
        store.engine.dispose()
    assert len(found) == 1
