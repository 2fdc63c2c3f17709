"""Contracts that change under tables: what applies itself, what is refused, and how it is put right."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.core.errors import ContractError, NotFoundError, RefusedError, UsageError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.auditing import audit, settle
from headgate.orchestration.project import Project
from headgate.orchestration.rebuilding import rebuild
from headgate.orchestration.replay import replay
from headgate.orchestration.report import RunReport
from headgate.orchestration.rollback import rollback
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.conftest import REPOSITORY

THINGS = "bronze.test.things"
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "things",
    "name": THINGS,
    "version": "1.0.0",
    "status": "active",
    "team": {"name": "tests"},
    "customProperties": [
        {"property": "headgate.source", "value": {"format": "jsonl"}},
        {"property": "headgate.maxQuarantineShare", "value": 0.5},
    ],
    "schema": [
        {
            "name": "things",
            "dataGranularityDescription": "One row is one thing.",
            "properties": [
                {"name": "id", "logicalType": "integer", "primaryKey": True},
                {"name": "name", "logicalType": "string", "logicalTypeOptions": {"maxLength": 20}},
                {"name": "size", "logicalType": "string"},
                {"name": "seen", "logicalType": "timestamp"},
            ],
        }
    ],
}
ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "one", "size": "10", "seen": "2004-01-31T12:00:00Z"},
    {"id": 2, "name": "twenty-two", "size": "2.50", "seen": "2004-02-01T00:00:00.000001Z"},
    {"id": 3, "name": "three hundred", "size": "huge", "seen": None},
    {"id": 4, "name": None, "size": None, "seen": "1999-12-31T23:59:59Z"},
]


def write(folder: Path, document: dict[str, Any], name: str = "things") -> Project:
    for prop in document["schema"][0]["properties"]:
        prop.setdefault("classification", "internal")
        prop.setdefault("description", "Something.")
    place = folder / "data_contracts" / name / "contract.odcs.yaml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(yaml.safe_dump(document, sort_keys=False))
    return Project.open(folder)


def edited(change: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(CONTRACT))
    change(document, {p["name"]: p for p in document["schema"][0]["properties"]})
    return document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of one dataset with four rows, released."""
    place = tmp_path / "p"
    shutil.copytree(REPOSITORY / "data_contracts" / "ledger", place / "data_contracts" / "ledger")
    (place / "headgate.toml").write_text("")
    project = write(place, json.loads(json.dumps(CONTRACT)))
    report = deliver(project, "first", ROWS)
    assert (report.exit_code, report.release_id) == (0, 1), report.problems
    return place


def deliver(project: Project, name: str, rows: list[dict[str, Any]]) -> RunReport:
    path = project.settings.root / f"{name}.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return run(project, sources={THINGS: [str(path)]})


def stored(project: Project, columns: str = "*") -> list[tuple[Any, ...]]:
    snapshot = project.lake.snapshot(THINGS)
    assert snapshot is not None
    with connect(project.settings) as con:
        return con.execute(f"SELECT {columns} FROM {snapshot.relation()} ORDER BY id").fetchall()


def batches(project: Project, kind: str) -> list[dict[str, Any]]:
    with connect(project.settings) as con:
        return ledger.rows(project.lake, con, ledger.BATCHES, f"kind = '{kind}'")


def balanced(project: Project) -> bool:
    with connect(project.settings) as con:
        found = ledger.rows(project.lake, con, ledger.BATCHES)
    ended = ("published", "quarantined", "deduplicated", "refused")
    return bool(found) and all(b["read"] == sum(b[e] for e in ended) for b in found)


def test_a_compatible_change_applies_itself(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        document["version"] = "1.1.0"
        columns["name"]["logicalTypeOptions"]["maxLength"] = 40
        new = {"name": "colour", "logicalType": "string"}
        document["schema"][0]["properties"].append(new)

    project = write(folder, edited(change))
    report = deliver(project, "second", [{"id": 5, "name": "x" * 30, "colour": "red"}])

    assert (report.exit_code, report.release_id) == (0, 2), report.problems
    assert stored(project, "id, colour") == [
        (1, None), (2, None), (3, None), (4, None), (5, "red"),
    ]  # fmt: skip


def test_a_tightened_rule_is_refused_until_an_audit_has_judged_what_is_stored(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["name"]["logicalTypeOptions"]["maxLength"] = 10

    project = write(folder, edited(change))
    fresh = [{"id": 5, "name": "five"}, {"id": 6, "name": "far too long a name"}]

    refused = deliver(project, "second", fresh)

    assert (refused.exit_code, refused.release_id, refused.held) == (1, None, ("test",))
    (problem,) = refused.problems
    assert "name.max_length" in problem and f"headgate audit {THINGS}" in problem
    assert "1 stored rows break" in problem
    assert len(stored(project)) == 4 and not refused.batches
    # Nothing else that commits gets past it either.
    idle = run(project)
    assert (idle.exit_code, idle.held) == (1, ("test",))

    found = audit(project, THINGS)
    assert (found.exit_code, found.rows, found.version) == (1, 4, 0)
    assert {r.rule_id: r.breaches for r in found.broken} == {"name.max_length": 1}
    assert found.keys == {"name.max_length": (("3",),)}
    assert len(stored(project)) == 4

    done = settle(project, THINGS)

    (batch,) = done.batches
    assert (batch.read, batch.published, batch.quarantined, batch.deduplicated) == (4, 0, 1, 3)
    assert (done.exit_code, done.release_id, done.held) == (0, 2, ())
    assert [i for (i,) in stored(project, "id")] == [1, 2, 4]
    (row,) = list_rows(project.lake, project.contracts[THINGS])
    assert (row.source.rpartition("/")[2], row.position) == ("first.jsonl", 3)
    assert [r["code"] for r in row.reasons] == ["name.max_length"]
    assert audit(project, THINGS).exit_code == 0

    again = deliver(project, "second", fresh)

    assert again.exit_code == 0, again.problems
    assert [i for (i,) in stored(project, "id")] == [1, 2, 4, 5]
    assert balanced(project)

    # Loosened again, what was set aside comes back as it was.
    project = write(folder, json.loads(json.dumps(CONTRACT)))
    back = replay(project, THINGS)

    assert sum(b.published for b in back.batches) == 2, back
    (third,) = [r for r in stored(project, "id, name, size, seen, _source, _position") if r[0] == 3]
    assert third[:4] == (3, "three hundred", "huge", None)
    assert (third[4].rpartition("/")[2], third[5]) == ("first.jsonl", 3)
    assert not list_rows(project.lake, project.contracts[THINGS])


def test_rows_of_several_deliveries_of_one_name_stay_apart_in_quarantine(folder: Path) -> None:
    project = Project.open(folder)
    fresh = [{"id": i + 10, "name": f"thing {i}", "size": "1"} for i in range(4)]
    assert deliver(project, "first", fresh).exit_code == 0

    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["size"]["quality"] = [
            {"id": "big", "type": "custom", "engine": "headgate", "implementation": "size > '5'"}
        ]
        document["customProperties"][1]["value"] = 1

    project = write(folder, edited(change))
    assert settle(project, THINGS).batches[0].quarantined == 6
    kept = list_rows(project.lake, project.contracts[THINGS])
    assert len({r.id for r in kept}) == 6 and len({(r.source, r.position) for r in kept}) == 4

    # Judged again by the same rule they all stay, and by none they all come back.
    again = replay(project, THINGS)
    assert sum(b.quarantined for b in again.batches) == 6
    assert {r.id for r in list_rows(project.lake, project.contracts[THINGS])} == {
        r.id for r in kept
    }
    project = write(folder, json.loads(json.dumps(CONTRACT)))
    assert sum(b.published for b in replay(project, THINGS).batches) == 6
    assert len(stored(project)) == 8 and balanced(project)


def test_an_audit_of_a_rule_that_refuses_batches_sets_nothing_aside(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["name"]["required"] = True
        severity = {"property": "headgate.severity", "value": "fail"}
        columns["name"]["customProperties"] = [severity]

    project = write(folder, edited(change))
    assert audit(project, THINGS).exit_code == 1

    with pytest.raises(RefusedError, match=r"name\.required"):
        settle(project, THINGS)

    assert len(stored(project)) == 4
    assert [b["outcome"] for b in batches(project, "audit")] == ["refused"]
    assert run(project).held == ("test",)


def test_an_audit_of_rows_that_all_hold_makes_the_contract_the_tables(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["id"]["logicalTypeOptions"] = {"minimum": 1}

    project = write(folder, edited(change))
    assert run(project).exit_code == 0
    assert audit(project, THINGS).exit_code == 0
    done = settle(project, THINGS)
    assert (done.exit_code, done.batches[0].quarantined) == (0, 0)
    assert not audit(project, THINGS).changes
    assert [b["contract_hash"] for b in batches(project, "audit")] == [
        project.contracts[THINGS].hash
    ]


def test_a_column_of_another_type_is_refused_until_the_table_is_rebuilt(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["size"] |= {"logicalType": "number", "physicalType": "decimal(10,2)"}
        columns["seen"] |= {"logicalType": "date"}

    project = write(folder, edited(change))

    refused = deliver(project, "second", [{"id": 5, "size": 7}])

    assert (refused.exit_code, refused.held) == (1, ("test",))
    assert f"headgate rebuild {THINGS}" in refused.problems[0]
    with pytest.raises(ContractError, match="rebuild"):
        audit(project, THINGS)

    # No stored instant is a whole day: too much would be lost, and nothing is touched.
    with pytest.raises(RefusedError, match="max_quarantine_share"):
        rebuild(project, THINGS)
    assert len(stored(project)) == 4
    assert [b["outcome"] for b in batches(project, "rebuild")] == ["refused"]

    def less(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["size"] |= {"logicalType": "number", "physicalType": "decimal(10,2)"}

    done = rebuild(write(folder, edited(less)), THINGS)

    (batch,) = done.batches
    assert (batch.read, batch.published, batch.quarantined) == (4, 3, 1)
    assert (done.exit_code, done.release_id, done.released) == (0, 2, (THINGS,))
    assert balanced(project)


def test_values_are_cast_where_nothing_is_lost_and_the_rest_is_set_aside(folder: Path) -> None:
    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        columns["size"] |= {"logicalType": "number", "physicalType": "decimal(10,2)"}
        columns["seen"] |= {"logicalType": "string"}
        columns["name"] |= {"name": "title", "physicalName": "name"}

    project = write(folder, edited(change))

    done = rebuild(project, THINGS)

    assert done.exit_code == 0, done.problems
    assert stored(project, "id, title, size, seen, _position") == [
        (1, "one", Decimal("10.00"), "2004-01-31T12:00:00.000000Z", 1),
        (2, "twenty-two", Decimal("2.50"), "2004-02-01T00:00:00.000001Z", 2),
        (4, None, None, "1999-12-31T23:59:59.000000Z", 4),
    ]
    snapshot = project.lake.snapshot(THINGS)
    assert snapshot is not None
    assert list(snapshot.columns)[:4] == ["id", "title", "size", "seen"]
    assert snapshot.columns["size"] == "decimal(10,2)"
    (row,) = list_rows(project.lake, project.contracts[THINGS])
    assert json.loads(row.raw) == {"id": 3, "size": "huge", "title": "three hundred"}
    assert [(r["code"], r["column"]) for r in row.reasons] == [("type_mismatch", "size")]

    # The table goes on from there, under its new contract.
    after = deliver(project, "second", [{"id": 5, "size": 7, "name": "five"}])
    assert after.exit_code == 0, after.problems
    assert stored(project, "id, size")[-1] == (5, Decimal("7.00"))

    # And a rollback gives the old shape back, under which the new contract is refused.
    rollback(project, 1)
    assert isinstance(stored(project, "id, seen")[0][1], dt.datetime)
    assert stored(project, "id, size, name")[2] == (3, "huge", "three hundred")
    assert run(project).held == ("test",)
    old = write(folder, json.loads(json.dumps(CONTRACT)))
    assert run(old).exit_code == 0


def test_another_key_sets_rows_that_contradict_each_other_aside(folder: Path) -> None:
    project = write(folder, json.loads(json.dumps(CONTRACT)))
    extra = [
        {"id": 7, "name": "one", "size": "10", "seen": "2004-01-31T12:00:00Z"},
        {"id": 8, "name": "eight", "size": "8"},
        {"id": 9, "name": "eight", "size": "9"},
    ]
    assert deliver(project, "second", extra).exit_code == 0

    def change(document: dict[str, Any], columns: dict[str, Any]) -> None:
        del columns["id"]["primaryKey"]
        columns["name"]["primaryKey"] = True
        document["customProperties"][1]["value"] = 0.8

    project = write(folder, edited(change))
    done = rebuild(project, THINGS)

    # "one" twice with other ids, "eight" twice with other sizes, and one row without a name.
    (batch,) = done.batches
    assert (batch.read, batch.published, batch.quarantined) == (7, 2, 5)
    assert [n for (n,) in stored(project, "name")] == ["twenty-two", "three hundred"]
    reasons = {
        (r.position, str(x["code"]))
        for r in list_rows(project.lake, project.contracts[THINGS])
        for x in r.reasons
    }
    assert {code for _, code in reasons} == {"conflicting_key", "name.required"}


def test_what_cannot_be_audited_or_rebuilt_is_said(folder: Path) -> None:
    project = Project.open(folder)
    for of in (audit, settle, rebuild):
        with pytest.raises(UsageError, match="no contract for dataset"):
            of(project, "bronze.test.nothing")
    with pytest.raises(UsageError, match="by Headgate itself"):
        rebuild(project, "system.ledger.runs")
    other = edited(lambda d, _: d.update({"name": "bronze.test.others"}))
    project = write(folder, other, "others")
    for of in (audit, settle, rebuild):
        with pytest.raises(NotFoundError, match="never written"):
            of(project, "bronze.test.others")
