"""OpenLineage's own examples are taken, and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from headgate.core import json as hjson
from headgate.lineage.store import tables
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.taking import take
from tests.unit.lineage.store.small_events import dataset, event

#: Of what kind a facet is, by the end of its example's folder; the others are of datasets.
KINDS = {
    "RunFacet": "run",
    "JobFacet": "job",
    "InputDatasetFacet": "in",
    "OutputDatasetFacet": "out",
}
#: Facets of both datasets and jobs, and of a subset of a dataset.
MIXED = {"LineageFacet": "job", "BaseSubsetDatasetFacet": "in"}


def examples(spec: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every example as an event: those of facets in one of the kind that they belong to."""
    full = [spec.parent / "example_full_event.json", spec / "tests" / "example_full_event.json"]
    for path in full:
        yield str(path), json.loads(path.read_text("utf-8"))
    for path in sorted(spec.glob("tests/*/*.json")):
        found = json.loads(path.read_text("utf-8"))
        yield str(path), wrapped(path.parent.name, found, len(str(path)))


def wrapped(folder: str, facets: dict[str, Any], number: int) -> dict[str, Any]:
    kind = MIXED.get(folder) or next(
        (k for end, k in KINDS.items() if folder.endswith(end)), "dataset"
    )
    if kind == "job" and "entries" not in facets.get("lineage", {"entries": 1}):
        kind = "dataset"
    told: dict[str, Any] = {"job_facets": facets} if kind == "job" else {}
    told |= {"run_facets": facets} if kind == "run" else {}
    one = dataset("ns", "name", **(facets if kind == "dataset" else {}))
    one |= {f"{kind}putFacets": facets} if kind in ("in", "out") else {}
    side = "inputs" if kind == "in" else "outputs"
    return event(("ns", folder), 1, run=number, **told, **{side: [one]})


def test_every_example_is_taken_and_comes_back(real_data: Path, tmp_path: Path) -> None:
    given = dict(examples(real_data / "openlineage" / "spec"))
    assert len(given) > 40
    store = open_store(tmp_path / "lineage.db")
    for path, one in given.items():
        outcome = take(store, [one])
        assert not outcome.refused, (path, outcome.refused)
    with store.reading() as connection:
        bodies = connection.execute(sa.select(tables.event.c.body)).scalars().all()
        back = {hjson.dumps(unpacked(body)) for body in bodies}
    assert back == {hjson.dumps(one) for one in given.values()}
    store.close()
