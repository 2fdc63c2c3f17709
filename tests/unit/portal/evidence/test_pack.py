"""The evidence of a release: what it holds is that release's, adds up, and tells nobody's data."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.orchestration import lineage_store, waiving
from headgate.orchestration.project import Project
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.evidence import packing
from headgate.portal.evidence.concealing import HIDDEN
from headgate.portal.evidence.pack import Pack
from headgate.portal.records import chain, exceptions, signoffs
from headgate.portal.records.opening import Records, open_records
from headgate.portal.reports.counting import Counts
from tests.shown_lake import HOSTILE, IRC, PERSONAL, SAID
from tests.unit.portal.conftest import AsRole

ADA = Person("ada@example.org", Role.REVIEWER)


class Packs:
    """Packs of a project's releases, with records of their own."""

    def __init__(self, project: Project, records: Records) -> None:
        self.project, self.records = project, records
        self.lineage = lineage_store.open_for(project)
        self.counts = Counts(project.settings)

    def bytes(self, number: int) -> bytes:
        """The pack of a release as the log is now."""
        made = Pack(self.project.settings, self.counts, self.lineage, self.records, number,
                    chain.head(self.records))  # fmt: skip
        return b"".join(made.stream())

    def read(self, number: int) -> dict[str, bytes]:
        """Its files."""
        with zipfile.ZipFile(io.BytesIO(self.bytes(number))) as pack:
            return {name: pack.read(name) for name in pack.namelist()}


@pytest.fixture
def packs(shown: Project, tmp_path: Path) -> Iterator[Packs]:
    with closing(open_records(tmp_path / "portal.db")) as records:
        made = Packs(shown, records)
        yield made
        made.lineage.close()


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_it_holds_the_tables_and_contracts_of_its_release_alone(packs: Packs) -> None:
    for number in packs.project.releases.ids():
        release, files = packs.project.releases.get(number), packs.read(number)
        assert {
            r["dataset"]: int(r["version"]) for r in table(files["tables.csv"])
        } == release.versions
        assert {f"contracts/{d}.json" for d in release.tables} <= files.keys()
        assert {f"verdicts/{d}.json" for d in release.tables} <= files.keys()
        assert json.loads(files["release.json"])["id"] == number
    versions = {n: json.loads(packs.read(n)[f"contracts/{IRC}.json"])["version"] for n in (1, 2, 3)}
    assert versions == {1: "1.0.0", 2: "1.0.0", 3: "1.1.0"}


def test_contracts_are_as_committed_or_say_that_they_are_not(packs: Packs) -> None:
    files = packs.read(3)
    told = table(files["contracts.csv"])
    assert {row["as_committed"] for row in told} == {"yes", "no"}
    for row in told:
        data = files[row["file"]]
        assert (ids.digest(data) == row["contract_hash"]) == (row["as_committed"] == "yes")
        assert (HIDDEN.encode() in data) == (row["as_committed"] == "no")
        kept = packs.project.lake.storage.read(
            f"_contracts/{row['dataset']}/{row['contract_hash']}.json"
        )
        assert kept is not None
        if row["as_committed"] == "yes":
            assert data == kept


def test_accounts_add_up_and_tell_what_was_refused(packs: Packs) -> None:
    rows = table(packs.read(2)["accounts.csv"])
    for row in rows:
        parts = ("published", "quarantined", "deduplicated", "refused")
        assert int(row["read"]) == sum(int(row[p]) for p in parts), row
    refused = [r for r in rows if r["outcome"] == "refused"]
    assert [(r["dataset"], r["read"], r["made_it"]) for r in refused] == [(IRC, "10", "no")]
    made = {r["dataset"]: int(r["version"]) for r in rows if r["made_it"] == "yes"}
    assert made == packs.project.releases.get(2).versions
    later = {r["batch_id"] for r in table(packs.read(3)["accounts.csv"])}
    assert not {r["batch_id"] for r in refused} & later


def test_verdicts_are_validation_results_that_agree_with_the_accounts(packs: Packs) -> None:
    files = packs.read(1)
    batches = {r["dataset"]: r["batch_id"] for r in table(files["tables.csv"])}
    for dataset, batch in batches.items():
        told = json.loads(files[f"verdicts/{dataset}.json"])
        assert told["meta"]["batch_id"] == batch
        assert told["statistics"]["evaluated_expectations"] == len(told["results"]) > 0
    irc = json.loads(files[f"verdicts/{IRC}.json"])
    assert not irc["success"]


def test_lineage_is_as_of_the_release(packs: Packs) -> None:
    rows = table(packs.read(1)["lineage/columns.csv"])
    into = {(r["from_dataset"], r["from_column"]) for r in rows
            if (r["dataset"], r["column"]) == ("silver.chat.messages", "author_id")}  # fmt: skip
    assert (IRC, "author") in into


def test_no_value_of_a_row_is_in_it(packs: Packs) -> None:
    for number in (1, 2, 3):
        whole = b"\n".join(packs.read(number).values())
        for value in (PERSONAL, SAID, HOSTILE, "hello 3", "nick1", "no sign", "{oops"):
            assert value.encode() not in whole, value
            assert hjson.dumps(value)[1:-1].encode() not in whole, value


def test_the_same_state_gives_the_same_bytes_and_each_record_shows(packs: Packs) -> None:
    before = packs.bytes(2)
    assert packs.bytes(2) == before
    assert packing.check(io.BytesIO(before))[1] == []
    release = packs.project.releases.get(2)
    day = release.published_at.date()
    signed = signoffs.sign(packs.records, by=ADA, subject="domain:irc", first=day, last=day,
                           figures={"datasets": {}, "broken": []}, digest="d" * 64)  # fmt: skip
    signoffs.sign(packs.records, by=ADA, subject="domain:irc", first=day - timedelta(9),
                  last=day - timedelta(1), figures={}, digest="e" * 64)  # fmt: skip
    granted = exceptions.grant(packs.records, by=ADA, dataset=IRC, rule="type.accepted",
                               reason="being mended", until=clock.now().date())  # fmt: skip
    chain.append(packs.records, by=ADA, action="sample_seen", subject=IRC)
    files = packs.read(2)
    (line,) = files["sign_offs.jsonl"].splitlines()
    assert json.loads(line)["number"] == signed.number
    (row,) = table(files["exceptions.csv"])
    assert (row["entry"], row["in_force_when_released"]) == (str(granted.number), "no")
    told = [json.loads(one) for one in files["log.jsonl"].splitlines()]
    assert [one["number"] for one in told] == [signed.number, granted.number]
    assert files["log-head.txt"].decode().strip() == str(chain.head(packs.records))
    assert str(chain.head(packs.records)).encode() in files["README.txt"]


def test_waivers_say_who_and_why(
    own_project: Project, tmp_path: Path, serve: Callable[..., TestClient]
) -> None:
    waiving.waive(own_project, IRC, by="ada", why="a bot's line", reason="type.accepted")
    with closing(open_records(tmp_path / "portal.db")) as records:
        packs = Packs(own_project, records)
        rows = table(packs.read(1)["waivers.csv"])
        packs.lineage.close()
    assert [(r["dataset"], r["rows"], r["by"], r["why"]) for r in rows] == [(IRC, "2", "ada", "a bot's line")]  # fmt: skip


def test_it_is_taken_away_from_its_page_and_the_log_says_so(as_role: AsRole) -> None:
    client = as_role(Role.REVIEWER)
    answer = client.get("/releases/1/evidence.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert "evidence-release-1.zip" in answer.headers["content-disposition"]
    count, wrong = packing.check(io.BytesIO(answer.content))
    assert count > 30 and not wrong
    assert "release:1" in client.get("/audit?action=exported").text
    assert as_role(Role.VIEWER).get("/releases/1/evidence.zip").status_code == 403
    assert client.get("/releases/999/evidence.zip").status_code == 404
