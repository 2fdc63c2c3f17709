"""What Spark's listener tells is put right: names, inputs, ends."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from headgate.core import ids
from headgate.lineage.spark_events import Job, mended, of_job
from headgate.lineage.steps import State
from headgate.lineage.store.valid import check

RUN, STATEMENT = ids.new_id(), ids.new_id()
JOB = Job("chat.enrich", "spark", RUN, "local", PurePosixPath("/data/lake"))
ENDED_AT = 1_795_350_530_257
TIMES = {"START": "2026-11-22T12:28:49.000Z", "COMPLETE": "2026-11-22T12:28:50.257Z"}


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "file", "name": name, "facets": facets}


def told(kind: str, *, job_type: str = "SQL_JOB", **sides: Any) -> dict[str, Any]:
    """An event as the listener has it."""
    job_facet = {"_producer": "urn:x", "_schemaURL": "urn:x", "processingType": "BATCH",
                 "integration": "SPARK", "jobType": job_type}  # fmt: skip
    return {
        "eventTime": TIMES[kind], "eventType": kind, "producer": "urn:listener",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": STATEMENT, "facets": {"spark_kept": {"_producer": "urn:x", "_schemaURL": "urn:x"}}},
        "job": {"namespace": "spark", "name": "chat_enrich.execute_merge", "facets": {"jobType": job_facet}},
        "inputs": sides.get("inputs", []), "outputs": sides.get("outputs", [dataset("/mart/t")]),
    }  # fmt: skip


def columns(*fields: tuple[str, str]) -> dict[str, Any]:
    given = [{"namespace": "file", "name": name, "field": field} for name, field in fields]
    return {"_producer": "urn:x", "_schemaURL": "urn:x", "fields": {"made": {"inputFields": given}}}


def end(ends: dict[int, str], **sides: Any) -> dict[str, Any]:
    (found,) = mended([told("COMPLETE", **sides)], JOB, ends)
    check(found)
    return found


@pytest.mark.parametrize(
    ("ends", "state"),
    [({ENDED_AT: ""}, "COMPLETE"), ({ENDED_AT: "boom"}, "FAIL"), ({ENDED_AT + 1: ""}, "ABORT")],
)
def test_a_statement_ends_as_spark_says(ends: dict[int, str], state: str) -> None:
    found = end(ends)
    assert found["eventType"] == state
    error = found["run"]["facets"].get("errorMessage", {}).get("message", "")
    assert bool(error) == (state != "COMPLETE")
    assert state != "FAIL" or error == "boom"


def test_what_began_and_never_ended_is_aborted() -> None:
    start, left = mended([told("START")], JOB, {})
    assert (start["eventType"], left["eventType"]) == ("START", "ABORT")
    assert left["run"]["runId"] == STATEMENT
    check(left)


def test_a_lakes_table_goes_by_its_own_name_wherever_it_stands() -> None:
    path = "/data/lake/bronze/irc/messages"
    lineage = columns((path, "text"), ("/data/elsewhere/x", "y"))
    found = end({}, inputs=[dataset(path)], outputs=[dataset("/mart/t", columnLineage=lineage)])
    (given, more) = found["inputs"]
    assert (given["namespace"], given["name"]) == ("headgate://local", "bronze.irc.messages")
    (link,) = given["facets"]["symlinks"]["identifiers"]
    assert (link["namespace"], link["name"], link["type"]) == ("file", path, "LOCATION")
    assert more["name"] == "/data/elsewhere/x", "read, as the columns say, and not told as an input"
    fields = found["outputs"][0]["facets"]["columnLineage"]["fields"]["made"]["inputFields"]
    assert [f["name"] for f in fields] == ["bronze.irc.messages", "/data/elsewhere/x"]


@pytest.mark.parametrize(
    "name", ["/data/lake", "/data/lake/a/b", "/data/lake/Gold/x/y", "/data/lakes/gold/x/y"]
)
def test_what_is_no_table_of_the_lake_keeps_its_name(name: str) -> None:
    (found,) = end({}, inputs=[dataset(name)])["inputs"]
    assert (found["namespace"], found["name"]) == ("file", name)


def test_a_statement_is_of_its_job_and_keeps_what_it_has_besides() -> None:
    found = end({})
    parent = found["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == parent["root"]["run"]["runId"] == RUN
    assert parent["job"]["name"] == "chat.enrich"
    assert found["job"]["name"] == "chat.enrich.execute_merge"
    assert "spark_kept" in found["run"]["facets"]


def test_the_application_and_what_says_nothing_are_left_out() -> None:
    application = told("START", job_type="APPLICATION")
    assert list(mended([application, told("START", outputs=[])], JOB, {})) == []


@pytest.mark.parametrize("state", list(State))
def test_the_jobs_own_event_is_valid(state: State) -> None:
    found = of_job(JOB, state, error="it broke" if state == State.FAIL else "")
    check(found)
    assert ("errorMessage" in found["run"]["facets"]) == (state == State.FAIL)
