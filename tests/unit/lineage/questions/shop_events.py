"""Events of a small shop: people are taken, made into persons, and looked at by others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.lineage.store.small_events import LAKE, column_lineage, dataset, event, facet, uid

PEOPLE, PERSONS, TOTALS = "bronze.a.people", "silver.a.persons", "gold.a.totals"
DASHBOARD = ("postgres://bi:5432", "public.dashboard")
#: Column to its tags; ``how`` is what `anonymized` says.
Tags = Mapping[str, Mapping[str, str]]
SECRET = {"classification": "confidential", "personal_data": "true"}
PLAIN = {"classification": "internal"}
COUNTED = {**PLAIN, "anonymized": "Counted."}
PEOPLE_TAGS: Tags = {"id": SECRET, "name": SECRET, "city": PLAIN}
PERSONS_TAGS: Tags = {"id": SECRET, "initial": PLAIN, "city": PLAIN, "n": COUNTED}
TOTALS_TAGS: Tags = {"n": PLAIN, "letter": PLAIN, "flag": PLAIN}


def described(name: str, tags: Tags, owner: str, **facets: Any) -> dict[str, Any]:
    """A dataset of the lake with what its contract says."""
    listed = [
        {"key": key, "value": value, "field": column, "source": "CONTRACT"}
        for column, own in tags.items()
        for key, value in own.items()
    ]
    return dataset(
        LAKE, name, tags=facet(tags=listed), ownership=facet(owners=[{"name": owner, "type": "OWNER"}]),
        schema=facet(fields=[{"name": c} for c in tags]), **facets,
    )  # fmt: skip


def ingest(second: int = 1, tags: Tags = PEOPLE_TAGS) -> dict[str, Any]:
    """People come from a file."""
    source = ("file", "landing/people")
    made = column_lineage({c: [(source, c, "DIRECT IDENTITY")] for c in tags})
    out = described(PEOPLE, tags, "intake", columnLineage=made)
    job = (LAKE, f"{PEOPLE}.ingest")
    return event(job, second, run=1 + second * 10, inputs=[source], outputs=[out])


def build(second: int = 2, tags: Tags = PERSONS_TAGS, called: str = "") -> dict[str, Any]:
    """Persons are made of people."""
    people = (LAKE, PEOPLE)
    made = column_lineage(
        {
            "id": [(people, "id", "DIRECT IDENTITY")],
            "initial": [(people, "name", "DIRECT TRANSFORMATION")],
            "city": [(people, "city", "DIRECT IDENTITY"), (people, "name", "INDIRECT CONDITIONAL")],
            "n": [(people, "id", "DIRECT AGGREGATION")],
        },
        [(people, "city", "INDIRECT FILTER")],
    )
    out = described(PERSONS, tags, "people-team", columnLineage=made)
    parent = {"run": {"runId": uid(900)}, "job": {"namespace": LAKE, "name": called}}
    root = {
        "run": {"runId": uid(901)},
        "job": {"namespace": LAKE, "name": called.partition(".")[0]},
    }
    facets = {"parent": facet(**parent, root=root)} if called else {}
    job = (LAKE, f"{PERSONS}.build")
    return event(
        job, second, run=2 + second * 10, inputs=[people], outputs=[out], run_facets=facets
    )


def total(second: int = 3) -> dict[str, Any]:
    """Totals are made of persons."""
    persons = (LAKE, PERSONS)
    made = column_lineage(
        {
            "n": [(persons, "n", "DIRECT IDENTITY")],
            "letter": [(persons, "initial", "DIRECT IDENTITY")],
            "flag": [(persons, "id", "INDIRECT CONDITIONAL")],
        }
    )
    out = described(TOTALS, TOTALS_TAGS, "people-team", columnLineage=made)
    return event((LAKE, f"{TOTALS}.build"), second, run=3 + second * 10, inputs=[persons], outputs=[out])  # fmt: skip


def show(second: int = 4) -> dict[str, Any]:
    """Somebody outside shows persons."""
    persons = (LAKE, PERSONS)
    made = column_lineage({"shown": [(persons, "id", "DIRECT IDENTITY")]})
    out = dataset(*DASHBOARD, columnLineage=made)
    return event(("superset", "refresh"), second, run=4 + second * 10, inputs=[persons], outputs=[out])  # fmt: skip


def judge(second: int, name: str, *assertions: Mapping[str, Any]) -> dict[str, Any]:
    """A gate judges a dataset by rules; one may look keys up in people."""
    judged = {
        **dataset(LAKE, name),
        "inputFacets": {"dataQualityAssertions": facet(assertions=list(assertions))},
    }
    job = (LAKE, f"{name}.gate")
    return event(job, second, run=5 + second * 10, inputs=[judged, (LAKE, PEOPLE)], outputs=[(LAKE, name)])  # fmt: skip


def release(second: int, number: int, versions: Mapping[str, int]) -> dict[str, Any]:
    """A release shows versions."""
    inputs = [
        dataset(LAKE, name, version=facet(datasetVersion=str(version)))
        for name, version in versions.items()
    ]
    tags = facet(tags=[{"key": "release_id", "value": str(number), "source": "HEADGATE"}])
    return event((LAKE, "release"), second, run=6 + second * 10, inputs=inputs, run_facets={"tags": tags})  # fmt: skip


ALL = (ingest, build, total, show)
