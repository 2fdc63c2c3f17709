"""Every event is valid OpenLineage, and says what the design promises."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate import __version__
from headgate.contracts.model import Contract
from headgate.core.errors import UsageError
from headgate.lineage import events, facets, names, own_facets, steps
from headgate.lineage.change import Change, HeldGroup, Late, Release, Waiver
from headgate.lineage.steps import Assertion, ColumnInput, DatasetRef, State, Statistics, Step
from tests.unit.lineage.openlineage_spec import Spec

RUN = "01890a5d-ac96-774b-bcce-b302099a8057"
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


CHANGE = Change(
    "ingest", "merge", "b1", "a.jsonl", 7, read=130, inserted=100, updated=20, deleted=1,
    quarantined=6, deduplicated=4, late=Late(3, "sent_at", "2026-01-01", "2026-01-02"),
    inputs={"gold.chat.fct_daily": 3}, code_hash="c", contract_version="1.0.0", contract_hash="h",
)  # fmt: skip
RELEASE = Release(
    4,
    3,
    "rollback",
    "to 2",
    (HeldGroup("shop", ("gold.shop.sales",), {"gold.shop.sales": 5}, ("why",)),),
)
WAIVER = Waiver(2, "ada", "blank lines")


@dataclass(frozen=True)
class Result:
    """What the gate says of one rule."""

    rule_id: str
    kind: str
    severity: str
    column: str | None
    scope: str
    passed: bool
    breaches: int
    observed: str | None
    expected: str


RESULTS = (
    Result("id.required", "required", "quarantine", "id", "row", False, 3, "3 rows", "a value"),
    Result("no_shouting", "predicate", "warn", None, "row", False, 7, "7 rows", "holds"),
    Result("enough", "row_count", "fail", None, "table", True, 0, "120", "more than 0"),
)


def all_steps(messages: Contract, daily: Contract) -> list[Step]:
    """One step of each kind, as full as it gets."""
    ingest = steps.ingest_step(messages, RUN, "b1", files=["landing/chat/a.jsonl"])
    gate = steps.gate_step(messages, RUN, "b1", parents=[DatasetRef.of(daily, version=3)])
    upstream = DatasetRef.of(messages, version=7, path="/lake/bronze/chat/messages")
    build = steps.build_step(daily, RUN, "b2", inputs=[upstream], sql="select 1", code="x = 1")
    return [
        steps.run_step(RUN, started=AT),
        replace(ingest, inputs=(replace(ingest.inputs[0], statistics=Statistics(9, 999, 1)),)),
        replace(
            gate,
            assertions=steps.assertions(RESULTS, messages),
            outputs=(
                DatasetRef.of(
                    messages, version=8, path="/lake/bronze/chat/messages",
                    statistics=Statistics(120, 4096, 2), change=CHANGE,
                ),
            ),
            tags={"batch_id": "b1", "read": 130, "published": 120, "refused": 0, "late": False},
        ),
        replace(
            build,
            column_lineage={
                "day": (ColumnInput("bronze.chat.messages", "text"),),
                "messages": (
                    ColumnInput("bronze.chat.messages", "id", "DIRECT", "AGGREGATION"),
                    ColumnInput("bronze.chat.messages", "id", "INDIRECT", "GROUP_BY"),
                ),
            },
            row_lineage=(ColumnInput("bronze.chat.messages", "author", "INDIRECT", "FILTER"),),
        ),
        steps.replay_step(messages, RUN, "b3"),
        replace(
            steps.release_step(
                RUN, {"bronze.chat.messages": 8, "gold.chat.fct_daily": 1},
                {"bronze.chat.messages": CHANGE, "gold.chat.fct_daily": Change("restore", same_as=0)},
            ),
            release=RELEASE,
        ),
        steps.waive_step(messages, RUN, WAIVER),
    ]  # fmt: skip


@pytest.mark.parametrize("state", list(State))
def test_every_event_is_valid_openlineage(
    state: State, messages: Contract, daily: Contract, spec: Spec
) -> None:
    found = all_steps(messages, daily)
    assert {s.kind for s in found} == {*names.DATASET_KINDS, *names.RUN_KINDS}
    for step in found:
        if state in (State.FAIL, State.ABORT):
            step = replace(step, error="bronze.chat.messages: 12 rows refused.")
        assert spec.problems(events.event(step, state, "local", AT)) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda e: e["run"].update(runId="no uuid"),
        lambda e: e.update(eventTime="yesterday"),
        lambda e: e.update(eventType="DONE"),
        lambda e: e.update(producer="headgate"),
        lambda e: e.pop("job"),
        lambda e: e["job"]["facets"]["jobType"].pop("integration"),
        lambda e: e["outputs"][0]["facets"]["schema"].update(fields=[{"type": "long"}]),
        lambda e: e["outputs"][0]["facets"]["version"].update(
            _schemaURL="https://x.invalid/V.json"
        ),
        lambda e: e["outputs"][0]["facets"].update(rows=e["outputs"][0]["facets"]["version"]),
        lambda e: e["inputs"][0]["inputFacets"]["dataQualityAssertions"].update(assertions=[{}]),
    ],
)
def test_the_witness_sees_damage(
    damage: Any, messages: Contract, daily: Contract, spec: Spec
) -> None:
    event = events.event(all_steps(messages, daily)[2], State.COMPLETE, "local", AT)
    damaged = copy.deepcopy(event)
    damage(damaged)
    assert spec.problems(event) == []
    assert spec.problems(damaged) != []


def test_no_node_is_neither_contract_nor_declared_source(
    messages: Contract, daily: Contract
) -> None:
    known = names.nodes([messages, daily], "prod")
    seen = set()
    for step in all_steps(messages, daily):
        event = events.event(step, State.COMPLETE, "prod", AT)
        assert event["job"]["namespace"] == "headgate://prod"
        seen |= {(d["namespace"], d["name"]) for d in event["inputs"] + event["outputs"]}
        for output in event["outputs"]:
            lineage = output["facets"].get("columnLineage", {"fields": {}})
            fields = [f for c in lineage["fields"].values() for f in c["inputFields"]]
            seen |= {(f["namespace"], f["name"]) for f in fields + lineage.get("dataset", [])}
    assert seen == known


def test_gate_carries_the_verdict_on_the_staged_batch(messages: Contract, daily: Contract) -> None:
    event = events.event(all_steps(messages, daily)[2], State.COMPLETE, "local", AT)
    staged, parent = event["inputs"]
    assert event["job"]["name"] == "bronze.chat.messages.gate"
    assert staged["name"] == "bronze.chat.messages"
    assert "version" not in staged["facets"]
    assert staged["inputFacets"]["subset"]["inputCondition"]["locations"] == ["staged:b1"]
    assert "dataQualityAssertions" not in parent["inputFacets"]
    required, shouting, enough = staged["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert required["assertion"] == "not_null"
    assert required["name"] == "id.required"
    assert (required["column"], required["success"], required["severity"]) == ("id", False, "warn")
    assert required["params"] == {
        "kind": "required", "severity": "quarantine", "scope": "row", "breaches": 3,
    }  # fmt: skip
    assert shouting["description"] == "Nobody shouts."
    assert (shouting["content"], shouting["contentType"]) == ("text <> upper(text)", "sql")
    assert (enough["severity"], enough["expected"], enough["actual"]) == (
        "error", "more than 0", "120",
    )  # fmt: skip


def test_facets_of_our_own_are_read_back_as_they_were(messages: Contract, daily: Contract) -> None:
    found = [
        json.loads(json.dumps(events.event(s, State.COMPLETE, "local", AT)))
        for s in all_steps(messages, daily)
    ]
    gate, release, waive = found[2], found[-2], found[-1]
    assert own_facets.change_of(gate["outputs"][0]["outputFacets"][own_facets.CHANGE]) == CHANGE
    told = release["inputs"][0]["inputFacets"][own_facets.CHANGE]
    assert own_facets.change_of(told) == CHANGE
    assert own_facets.release_of(release["run"]["facets"][own_facets.RELEASE]) == RELEASE
    assert own_facets.waiver_of(waive["inputs"][0]["inputFacets"][own_facets.WAIVER]) == WAIVER
    assert waive["outputs"] == []


def test_gate_output_has_version_place_and_statistics(messages: Contract, daily: Contract) -> None:
    event = events.event(all_steps(messages, daily)[2], State.COMPLETE, "local", AT)
    (output,) = event["outputs"]
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (120, 4096, 2)
    assert output["facets"]["version"]["datasetVersion"] == "8"
    assert output["facets"]["symlinks"]["identifiers"] == [
        {"namespace": "file", "name": "/lake/bronze/chat/messages", "type": "LOCATION"}
    ]
    assert output["facets"]["ownership"]["owners"] == [{"name": "team-chat", "type": "OWNER"}]
    assert output["facets"]["documentation"]["description"] == "Messages, as landed."
    fields = output["facets"]["schema"]["fields"]
    assert [f["name"] for f in fields] == list(messages.table_columns)
    assert fields[0] == {
        "name": "id", "type": "long", "description": "Its number.", "ordinal_position": 1,
    }  # fmt: skip
    tags = {(t.get("field"), t["key"], t["value"]) for t in output["facets"]["tags"]["tags"]}
    assert ("author", "personal_data", "true") in tags
    assert ("id", "classification", "internal") in tags
    assert (None, "contract_hash", messages.hash) in tags
    assert not any(t[:2] == ("id", "personal_data") for t in tags)


def test_ingest_reads_the_declared_source_and_maps_its_fields(messages: Contract) -> None:
    step = steps.ingest_step(messages, RUN, "b1", files=["landing/chat/a.jsonl"])
    event = events.event(step, State.COMPLETE, "local", AT)
    (source,), (output,) = event["inputs"], event["outputs"]
    assert (source["namespace"], source["name"]) == ("file", "landing/chat/*.jsonl")
    condition = source["inputFacets"]["subset"]["inputCondition"]
    assert condition["locations"] == ["landing/chat/a.jsonl"]
    lineage = output["facets"]["columnLineage"]["fields"]
    assert list(lineage) == ["id", "author", "text"]
    assert lineage["author"]["inputFields"] == [
        {
            "namespace": "file",
            "name": "landing/chat/*.jsonl",
            "field": "author_name",
            "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
        }
    ]


def test_column_lineage_joins_every_way_a_column_takes_part(
    messages: Contract, daily: Contract
) -> None:
    build = all_steps(messages, daily)[3]
    (output,) = events.event(build, State.COMPLETE, "local", AT)["outputs"]
    lineage = output["facets"]["columnLineage"]
    (one,) = lineage["fields"]["messages"]["inputFields"]
    assert one["transformations"] == [
        {"type": "DIRECT", "subtype": "AGGREGATION"},
        {"type": "INDIRECT", "subtype": "GROUP_BY"},
    ]
    assert [f["field"] for f in lineage["dataset"]] == ["author"]


def test_steps_point_to_their_run_and_the_run_to_none(messages: Contract, daily: Contract) -> None:
    run, *others, waive = [
        events.event(s, State.START, "local", AT) for s in all_steps(messages, daily)
    ]
    assert "parent" not in waive["run"]["facets"]  # that is done outside of any run
    assert "parent" not in run["run"]["facets"]
    assert run["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-03-01T12:30:00.000000Z"
    for event in others:
        parent = event["run"]["facets"]["parent"]
        assert parent["run"]["runId"] == parent["root"]["run"]["runId"] == RUN
        assert parent["job"] | {"facets": None} == {
            "namespace": "headgate://local", "name": "run", "facets": None,
        }  # fmt: skip
    assert len({e["run"]["runId"] for e in [run, *others]}) == len(others) + 1


def test_producer_names_this_version_everywhere(messages: Contract, daily: Contract) -> None:
    for step in all_steps(messages, daily):
        text = json.dumps(events.event(step, State.COMPLETE, "local", AT))
        assert text.count(f'roducer": "urn:headgate:{__version__}"') == text.count('roducer":')


def test_error_and_facts_of_the_execution_are_told(messages: Contract, daily: Contract) -> None:
    gate = replace(all_steps(messages, daily)[2], error="12 rows refused.")
    facets = events.event(gate, State.FAIL, "local", AT)["run"]["facets"]
    assert facets["errorMessage"]["message"] == "12 rows refused."
    tags = {t["key"]: t["value"] for t in facets["tags"]["tags"]}
    assert tags == {
        "batch_id": "b1", "late": "false", "published": "120", "read": "130", "refused": "0",
    }  # fmt: skip


def test_same_step_same_event(messages: Contract, daily: Contract) -> None:
    for first, second in zip(all_steps(messages, daily), all_steps(messages, daily), strict=True):
        told = [json.dumps(events.event(s, State.COMPLETE, "local", AT)) for s in (first, second)]
        assert told[0] == told[1]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "guess"},
        {"dataset": None},
        {"dataset": "chat messages"},
        {"inputs": ()},
        {"outputs": (DatasetRef("bronze.chat.messages__quarantine"),)},
        {"run_id": "42"},
        {"column_lineage": {"a": (ColumnInput("no such place", "b"),)}},
    ],
)
def test_a_step_that_names_nothing_of_ours_is_refused(
    change: dict[str, Any], messages: Contract, daily: Contract
) -> None:
    gate = all_steps(messages, daily)[2]
    with pytest.raises((UsageError, ValueError)):
        events.event(replace(gate, **change), State.COMPLETE, "local", AT)


TEXT = st.text(max_size=40)


@settings(
    derandomize=True, max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    columns=st.dictionaries(TEXT, st.sampled_from(["string", "long", "decimal(9,2)"]), max_size=4),
    texts=st.tuples(TEXT, TEXT, TEXT, TEXT),
    numbers=st.tuples(*[st.integers(0, 2**63) | st.none()] * 3),
    passed=st.booleans(),
)
def test_whatever_text_and_numbers_come_the_event_stays_valid(
    columns: dict[str, str],
    texts: tuple[str, str, str, str],
    numbers: tuple[int | None, int | None, int | None],
    passed: bool,
    spec: Spec,
) -> None:
    ref = DatasetRef(
        "gold.chat.fct_daily", columns=columns, description=texts[0], owner=texts[1],
        column_tags={c: {texts[2]: texts[3]} for c in columns}, statistics=Statistics(*numbers),
        locations=(texts[3],),
    )  # fmt: skip
    result = Assertion(texts[0], texts[1], passed, texts[2], texts[3], observed=texts[0])
    step = Step(
        "gate", RUN, "gold.chat.fct_daily", inputs=(ref,), outputs=(ref,), assertions=(result,),
        error=texts[1], tags={texts[2]: texts[0]}, parent_run_id=RUN,
        column_lineage={c: (ColumnInput("gold.chat.fct_daily", texts[3]),) for c in columns},
    )  # fmt: skip
    assert spec.problems(events.event(step, State.FAIL, "local", AT)) == []


def test_events_are_made_without_importing_openlineage() -> None:
    code = (
        "import sys; import headgate.lineage.emitter, headgate.lineage.steps as s;"
        "from headgate.lineage import events;"
        f"events.event(s.run_step({RUN!r}), s.State.START, 'local');"
        "sys.exit('openlineage' in sys.modules or 'attr' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_facets_name_the_editions_that_openlineage_python_does() -> None:
    import importlib
    import pkgutil

    from openlineage.client import generated

    theirs: dict[str, str] = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for name, made in vars(
            importlib.import_module(f"{generated.__name__}.{module.name}")
        ).items():
            if hasattr(made, "_get_schema"):
                theirs[name] = made._get_schema()
    assert theirs["RunEvent"] == facets.EVENT_SCHEMA
    assert {n: facets.address(n) for n in facets.EDITIONS} == {
        n: theirs[n] for n in facets.EDITIONS
    }
