"""The graph of a store in PostgreSQL is that of one in a file, whoever takes the events."""

from __future__ import annotations

from pathlib import Path

import pytest

from headgate.lineage.graph import ROWS, Graph, Node
from headgate.lineage.store import loading
from headgate.lineage.store.as_of import at
from headgate.lineage.store.last_made import last_made
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.postgres import postgres, postgres_server
from tests.unit.lineage.test_graph import BUILD, INGEST, LATER, TOP, event, run_id

__all__ = ["postgres", "postgres_server"]
pytestmark = pytest.mark.servers


def _walks(graph: Graph) -> dict[object, object]:
    return {
        (node, direction): set(graph.walk(node, direction))
        for dataset in graph.datasets
        for node in (Node(dataset, c) for c in ("", ROWS, *graph.columns(dataset)))
        for direction in ("up", "down")
    }


def test_a_database_and_a_file_give_one_graph(postgres: str, tmp_path: Path) -> None:
    again = event("gold.a.y.build", ["bronze.a.x"], "gold.a.y", {"key": "bronze.a.x.day IDENTITY"}, at=LATER, run="r2")  # fmt: skip
    steps = (BUILD, TOP, again, INGEST)
    database, other, file = (
        open_store(postgres),
        open_store(postgres),
        open_store(tmp_path / "l.db"),
    )
    try:
        for step in steps:
            take(other, [step])
            take(file, [step])
            assert _walks(loading.graph(database)) == _walks(loading.graph(file))
        for when in ("2024-01-01T12:00", f"run:{run_id('r1 gold.a.y.build')}", LATER):
            one, two = (loading.graph(s, at(s, when)) for s in (database, file))
            assert _walks(one) == _walks(two) != {}
            assert last_made(database, "gold.a.y", at(database, when)) == last_made(
                file, "gold.a.y", at(file, when)
            )
        assert _walks(loading.graph(database)) != _walks(
            loading.graph(database, at(database, "2024-01-01T12:00"))
        )
    finally:
        for store in (database, other, file):
            store.close()
