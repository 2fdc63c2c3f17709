"""What is an event: as OpenLineage's own schema says, but for what we say we do otherwise."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headgate.lineage.store.told import read
from headgate.lineage.store.valid import NotAnEvent, check
from tests.unit.lineage.openlineage_spec import CORE, Spec
from tests.unit.lineage.server.made_events import run_event
from tests.unit.lineage.store.small_events import any_event, dataset, event, facet
from tests.unit.lineage.store.test_official_examples import examples

#: The facets whose shape is read, as OpenLineage's files are called.
READ = [
    "SchemaDatasetFacet", "DatasetVersionDatasetFacet", "SymlinksDatasetFacet",
    "ColumnLineageDatasetFacet", "OwnershipDatasetFacet", "TagsDatasetFacet",
    "DocumentationDatasetFacet", "DataQualityAssertionsDatasetFacet",
    "InputStatisticsInputDatasetFacet", "OutputStatisticsOutputDatasetFacet", "ParentRunFacet",
    "ErrorMessageRunFacet", "TagsRunFacet", "JobTypeJobFacet", "SQLJobFacet", "OwnershipJobFacet",
]  # fmt: skip
GOOD = event(("ns", "job"), 1, inputs=[("ns", "a")], outputs=[("ns", "b")])


def refused(value: Any) -> str | None:
    """Where the value is no event, None if it is one."""
    try:
        check(value)
        read(value, 0, None)
    except NotAnEvent as error:
        return error.place
    except ValueError:
        return ""
    return None


@pytest.fixture(scope="module")
def official(real_data: Path) -> Any:
    """Whether OpenLineage's schemas take a value: the event's own, and those of facets that are read."""
    spec = Spec(real_data / "openlineage" / "spec")
    registry = jsonschema_rs.Registry(list(spec.schemas.items()))

    def validator(uri: str) -> Any:
        return jsonschema_rs.validator_for({"$ref": uri}, registry=registry)

    event_schema = validator(CORE)
    facets = [validator(uri) for uri in spec.schemas if Path(uri).stem in READ]
    assert len(facets) == len(READ)
    # Its own file takes either kind wherever it stands.
    lineage = next(uri for uri in spec.schemas if Path(uri).stem == "LineageFacet")
    of_job = validator(f"{lineage}#/$defs/LineageJobFacet")
    of_dataset = validator(f"{lineage}#/$defs/LineageDatasetFacet")

    def accepts(value: Any) -> bool:
        if not event_schema.is_valid(value):
            return False
        job = (value.get("job") or {}).get("facets") or {}
        if "lineage" in job and not of_job.is_valid(job["lineage"]):
            return False
        owners = [(value.get("run") or {}).get("facets"), (value.get("job") or {}).get("facets")]
        sides = [*(value.get("inputs") or ()), *(value.get("outputs") or ())]
        if "job" not in value:
            owners.append(value["dataset"].get("facets"))
        for one in sides:
            owners += [one.get("facets"), one.get("inputFacets"), one.get("outputFacets")]
        datasets = [told for told in owners[2:] if told and "lineage" in told]
        return all(one.is_valid(told) for told in owners if told for one in facets) and all(
            of_dataset.is_valid(told["lineage"]) for told in datasets
        )

    return accepts


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in items:
        found += places(one, (*path, key))
    return found


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """The value with another one at that place, or without it."""
    found = copy.deepcopy(value)
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    if to is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return found


GONE = object()
OTHERS = st.sampled_from([GONE, 5, "x", [], {}, True, [5], ["x"], {"x": 5}, [{}], 1.5])


def deliberate(value: Any, path: tuple[Any, ...], to: Any) -> bool:
    """Whether we may think otherwise of it than OpenLineage (see event_schema)."""
    return (
        path[-1] in ("eventTime", "runId")  # a format, which the schema only describes
        or ("dataset" in value and "job" in value)
        # Parts of facets that nothing here reads; what is not read may hold what it likes.
        or any(key in UNREAD for key in path)
        or ("parent" in path and "facets" in path[path.index("parent") :])
        or ("schema" in path and path.count("fields") > 1)
    )


UNREAD = {
    "ordinal_position", "fields_of_fields", "params", "emissionPattern", "stackTrace", "dialect",
    "contentType", "content", "expected", "actual", "description", "transformationType",
    "transformationDescription", "programmingLanguage", "facets_of_parent", "masking", "jobType",
    "type", "nested", "_deleted", "processingType",
}  # fmt: skip


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data(), any_event())
def test_it_is_taken_if_the_official_schema_takes_it(
    official: Any, data: st.DataObject, value: dict[str, Any]
) -> None:
    assert (refused(value) is None) == official(value)
    for _ in range(4):
        path = data.draw(st.sampled_from(places(value)))
        to = data.draw(OTHERS)
        other = changed(value, path, to)
        if not deliberate(other, path, to):
            assert (refused(other) is None) == official(other), (path, to)


def test_every_change_of_the_official_examples(official: Any, real_data: Path) -> None:
    tried, bad = 0, 0
    for _, value in examples(real_data / "openlineage" / "spec"):
        for path in places(value):
            for to in (GONE, 5, "x", [{}]):
                other = changed(value, path, to)
                if not deliberate(other, path, to):
                    ok = official(other)
                    tried, bad = tried + 1, bad + (not ok)
                    assert (refused(other) is None) == ok, (path, to, json.dumps(other))
    assert tried > 2_000
    assert bad > 500


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([], ""), ({}, ""), ({**GOOD, "eventTime": "yesterday"}, "/eventTime"),
        ({**GOOD, "eventTime": "0000-01-01T00:00:00Z"}, "/eventTime"),
        ({**GOOD, "eventTime": "2024-02-30T00:00:00Z"}, "/eventTime"),
        ({**GOOD, "run": {"runId": "1"}}, "/run/runId"),
        ({**GOOD, "inputs": [{"namespace": "n"}]}, "/inputs/0"),
        ({**GOOD, "inputs": [dataset("n", "a\x00b")]}, "/inputs/0"),
        ({**GOOD, "outputs": [dataset("n", "\ud800")]}, "/outputs/0"),
        ({**GOOD, "outputs": [dataset("n", "x" * 2_001)]}, "/outputs/0/name"),
        ({**GOOD, "outputs": [dataset("n", "é" * 1_500)]}, "/outputs/0"),
        ({**GOOD, "outputs": [dataset("n", "a", schema=facet(fields=[{"name": "\x00"}]))]},
         "/outputs/0/facets/schema/fields/0"),
        ({**GOOD, "more": float("nan")}, ""), ({**GOOD, "more": 10**5000}, ""),
        ({k: v for k, v in GOOD.items() if k != "run"} | {"dataset": dataset("n", "a")}, ""),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(value: Any, place: str) -> None:
    assert refused(value) == place


@pytest.mark.parametrize(
    "time",
    ["2024-05-01T00:00:00", "2024-05-01 00:00:00Z", "2016-12-31T23:59:60Z", "0001-01-01T00:00:00Z",
     "2024-05-01T00:00:00.123456789+05:30", "9999-12-31T23:59:59.999999Z"],
)  # fmt: skip
def test_times_that_producers_write(time: str) -> None:
    assert refused({**GOOD, "eventTime": time}) is None


def test_depth_has_an_end() -> None:
    deep: Any = []
    for _ in range(190):
        deep = [deep]
    assert refused({**GOOD, "more": deep}) is None
    # Brackets in texts are none.
    assert refused({**GOOD, "more": ["[" * 300, "}" * 300]}) is None
    for _ in range(20):
        deep = [deep]
    assert refused({**GOOD, "more": deep}) == ""
    hidden = json.loads('["]",' * 300 + "1" + ',"["]' * 300)  # by brackets in texts
    assert refused({**GOOD, "more": hidden}) == ""


def test_names_that_tell_nothing_apart_may_hold_anything() -> None:
    told = {"_producer": "https://x.example", "_schemaURL": "https://x.example/schema"}
    owned, named = copy.deepcopy(run_event(1)), copy.deepcopy(run_event(2))
    owned["job"]["facets"] = {"ownership": {**told, "owners": [{"name": "a\x00b", "type": "O"}]}}
    named["outputs"][0]["name"] = "a\x00b"

    check(owned)
    assert read(owned, 0, None).job_facets.all == owned["job"]["facets"]
    check(named)
    with pytest.raises(NotAnEvent, match="NUL"):
        read(named, 0, None)
