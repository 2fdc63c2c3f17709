"""Events of a small made-up world, in which everything happens to a few datasets within seconds."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import strategies as st

PRODUCER = "https://example.com/producer"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
LAKE = "headgate://local"
OURS = [(LAKE, name) for name in ("bronze.a.x", "bronze.a.y", "silver.a.z")]
FOREIGN = [("postgres://db:5432", "public.t"), ("file", "/data/u"), ("duckdb://:memory:", "m.s.v")]
DATASETS = OURS + FOREIGN
COLUMNS = ["a", "b"]
JOBS = [
    *((LAKE, f"{name}.{verb}") for _, name in OURS for verb in ("ingest", "build", "gate")),
    *(("airflow", "dag.task"), ("spark", "app"), ("dbt", "model"), (LAKE, "run"), (LAKE, "other")),
]


def facet(**values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": SCHEMA, **values}


def uid(number: int) -> str:
    return str(uuid.UUID(int=number + (4 << 76) + (2 << 62)))


def at(second: int) -> str:
    return f"2024-05-01T00:00:{second:02d}Z"


def event(
    job: tuple[str, str],
    second: int,
    *,
    run: int | None = 1,
    state: str | None = "COMPLETE",
    inputs: Any = (),
    outputs: Any = (),
    run_facets: Any = None,
    job_facets: Any = None,
) -> dict[str, Any]:
    """An event; inputs and outputs are names, or whole datasets."""
    found: dict[str, Any] = {
        "eventTime": at(second), "producer": PRODUCER, "schemaURL": SCHEMA,
        "job": {"namespace": job[0], "name": job[1], "facets": job_facets or {}},
        "inputs": [dataset(*d) if isinstance(d, tuple) else d for d in inputs],
        "outputs": [dataset(*d) if isinstance(d, tuple) else d for d in outputs],
    }  # fmt: skip
    if state is not None and run is not None:
        found["eventType"] = state
    if run is not None:
        found["run"] = {"runId": uid(run), "facets": run_facets or {}}
    return found


def dataset(namespace: str, name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": facets}


def column_lineage(
    fields: dict[str, list[tuple[tuple[str, str], str, str]]], rows: Any = ()
) -> Any:
    """``fields`` maps a column to (dataset, column, way) triples; a way is ``DIRECT IDENTITY``."""

    def of(found: Any) -> list[dict[str, Any]]:
        return [
            {"namespace": d[0], "name": d[1], "field": column,
             "transformations": [dict(zip(("type", "subtype"), way.split(), strict=True))]}
            for d, column, way in found
        ]  # fmt: skip

    return facet(fields={c: {"inputFields": of(i)} for c, i in fields.items()}, dataset=of(rows))


_ways = st.sampled_from(["DIRECT IDENTITY", "INDIRECT FILTER"])
_datasets = st.sampled_from(DATASETS)
_columns = st.sampled_from(COLUMNS)
_sources = st.lists(st.tuples(_datasets, _columns, _ways), max_size=2)


@st.composite
def _spoken(draw: st.DrawFn, *, out: bool) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if draw(st.booleans()):
        facets["schema"] = facet(fields=[{"name": c} for c in draw(st.sets(_columns))])
    if draw(st.booleans()):
        facets["version"] = facet(datasetVersion=str(draw(st.integers(1, 12))))
    if draw(st.integers(0, 4)) == 0:
        other = draw(_datasets)
        facets["symlinks"] = facet(
            identifiers=[{"namespace": other[0], "name": other[1], "type": "TABLE"}]
        )
    if out and draw(st.booleans()):
        fields = draw(st.dictionaries(_columns, _sources, max_size=2))
        facets["columnLineage"] = column_lineage(fields, draw(_sources))
    found = dataset(*draw(_datasets), **facets)
    if draw(st.integers(0, 3)) == 0:
        if out:
            found["outputFacets"] = {"outputStatistics": facet(rowCount=draw(st.integers(0, 9)))}
        else:
            results = draw(st.lists(st.booleans(), max_size=3))
            told = [{"assertion": "not_null", "success": one, "column": "a"} for one in results]
            found["inputFacets"] = {"dataQualityAssertions": facet(assertions=told)}
    return found


@st.composite
def _lineage_facet(draw: st.DrawFn) -> dict[str, Any]:
    target, source = draw(_datasets), draw(_datasets)
    told = {"namespace": source[0], "name": source[1], "type": "DATASET"}
    entry = {"namespace": target[0], "name": target[1], "type": "DATASET", "inputs": [told]}
    if draw(st.booleans()):
        entry["fields"] = {"a": {"inputs": [{**told, "field": draw(_columns)}]}}
    return facet(entries=[entry, {"type": "JOB", "inputs": [told]}])


@st.composite
def any_event(draw: st.DrawFn) -> dict[str, Any]:
    """An event of that world: of a run mostly, and of few runs."""
    second = draw(st.integers(0, 6))
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return {
            "eventTime": at(second), "producer": PRODUCER, "schemaURL": SCHEMA,
            "dataset": draw(_spoken(out=True)),
        }  # fmt: skip
    number = draw(st.integers(0, 4))
    # A run has one job, mostly.
    job = JOBS[(number * 5) % len(JOBS)] if draw(st.integers(0, 9)) else draw(st.sampled_from(JOBS))
    run_facets: dict[str, Any] = {}
    if draw(st.booleans()):
        parent = {"namespace": "airflow", "name": draw(st.sampled_from(["dag.one", "dag.two"]))}
        run_facets["parent"] = facet(run={"runId": uid(draw(st.integers(50, 52)))}, job=parent)
    if draw(st.integers(0, 3)) == 0:
        run_facets["errorMessage"] = facet(
            message=draw(st.sampled_from(["no", "never"])), programmingLanguage="PYTHON"
        )
    job_facets: dict[str, Any] = {}
    if draw(st.booleans()):
        job_facets["jobType"] = facet(
            processingType=draw(st.sampled_from(["BATCH", "STREAMING"])),
            integration=draw(st.sampled_from(["AIRFLOW", "SPARK"])),
        )
    if draw(st.integers(0, 3)) == 0:
        job_facets["sql"] = facet(query=draw(st.sampled_from(["select 1", "select 2"])))
    if draw(st.integers(0, 5)) == 0:
        job_facets["lineage"] = draw(_lineage_facet())
    states = ["START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL", "ABORT", "OTHER", None]
    return event(
        job, second, run=None if kind == 1 else number, state=draw(st.sampled_from(states)),
        inputs=draw(st.lists(_spoken(out=False), max_size=2)),
        outputs=draw(st.lists(_spoken(out=True), max_size=2)),
        run_facets=run_facets, job_facets=job_facets,
    )  # fmt: skip
