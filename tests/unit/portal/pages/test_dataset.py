"""The page of a dataset says what its ledgers, its contract and lineage say."""

from __future__ import annotations

from starlette.testclient import TestClient

from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.portal import addresses
from tests.shown_lake import IRC
from tests.unit.portal.page import read

MODEL = "gold.community.dim_users"


def test_accounts_are_the_ledgers(portal: TestClient, shown: Project) -> None:
    page = read(portal.get(addresses.dataset(IRC)))
    with connect(shown.settings) as con:
        entered = ledger.rows(
            shown.lake, con, ledger.BATCHES, f"dataset = '{IRC}'", "committed_at DESC"
        )
    told = page.table("The newest batches")
    names = {"read": "read", "published": "published", "set aside": "quarantined",
             "known already": "deduplicated", "refused": "refused"}  # fmt: skip
    for row, one in zip(told, entered, strict=True):
        assert {head: int(row[head]) for head in names} == {h: one[n] for h, n in names.items()}
    assert [row["outcome"][1:] for row in told] == ["published", "refused", "published in part"]
    # The chart has the same figures, the oldest first.
    drawn = page.table("Rows of the last batches")
    assert [int(r["refused"]) for r in drawn] == [b["refused"] for b in reversed(entered)]
    assert int(drawn[0]["quarantined"]) == entered[-1]["quarantined"] > 0


def test_it_says_what_waits_and_why(portal: TestClient) -> None:
    page = read(portal.get(addresses.dataset(IRC)))
    reasons = {row["reason"]: row for row in page.table("Refused rows by reason")}
    assert set(reasons) == {"type.accepted", "author.max_length", "malformed_json"}
    assert reasons["type.accepted"]["open"] == "2"
    assert "at most 200 characters" in reasons["author.max_length"]["what it means"]
    assert reasons["malformed_json"]["what it means"] == "the record is not JSON"
    asked = page.link("author.max_length")
    rows = read(portal.get(asked)).table("Refused rows")
    assert len(rows) == 1


def test_columns_have_their_class_their_makers_and_their_users(
    portal: TestClient, shown: Project
) -> None:
    page = read(portal.get(addresses.dataset(MODEL)))
    columns = {row["column"].split()[0]: row for row in page.table("Columns of the stored table")}
    assert list(columns) == list(shown.contracts[MODEL].table_columns)
    assert "bronze.chat.users.nickname" in columns["name"]["made of"]
    assert "personal" in columns["user_id"]["class"]
    made = {row["dataset"] for row in page.table("Made from")}
    assert made == {"bronze.chat.users", "gold.community.fct_user_activity_daily"}


def test_rules_are_drawn_batch_by_batch(portal: TestClient) -> None:
    page = read(portal.get(addresses.dataset(IRC)))
    drawn = {row["rule"]: list(row.values())[1:] for row in page.table("How each rule was judged, batch by batch")}  # fmt: skip
    assert drawn["channel.pattern"] == ["held", "quarantined", "held"]
    assert drawn["type.accepted"][0] == "quarantined"
    assert drawn["max_quarantine_share"] == ["held", "refused", "held"]


def test_releases_that_moved_it_are_told(portal: TestClient, shown: Project) -> None:
    told = read(portal.get(addresses.dataset(IRC))).table("Releases in which its version changed")
    moved = []
    before = None
    for number in shown.releases.ids():
        version = shown.releases.get(number).versions.get(IRC)
        if version != before:
            moved.append(f"release {number}")
        before = version
    assert [row["release"] for row in told] == moved[::-1]
    assert len(moved) == 2


def test_promises_are_told_in_words(portal: TestClient) -> None:
    page = read(portal.get(addresses.dataset(IRC)))
    facts = dict(
        zip((e.text for e in page.all("dt")), (e.text for e in page.all("dd")), strict=True)
    )
    assert facts["fresh"] == "published anew within 24 hours"
    assert facts["key"] == "file, line"
    assert facts["contract"] == "version 1.1.0, active"


def test_a_ledger_has_a_page_too(portal: TestClient) -> None:
    answer = portal.get(addresses.dataset(ledger.BATCHES))
    assert answer.status_code == 200
    assert "Headgate's own record" in read(answer).text("main")


def test_what_is_no_dataset_names_no_others(portal: TestClient) -> None:
    for path in ("", "/contract", "/code", "/batches", "/examples", "/quarantine", "/columns/x"):
        answer = portal.get(f"/datasets/bronze.irc.nothing{path}")
        assert answer.status_code == 404, path
        assert IRC not in answer.text
    assert portal.get(addresses.column(IRC, "nothing")).status_code == 404


def test_the_code_is_as_it_was_compiled(portal: TestClient) -> None:
    page = read(portal.get(addresses.code(MODEL)))
    assert "model:dim_users" in page.text("main")
    assert any("SELECT" in pre.text.upper() for pre in page.all("pre"))
    assert "taken from a source" in read(portal.get(addresses.code(IRC))).text("main")
    assert "not kept" in read(portal.get(addresses.code(MODEL, "../../_contracts"))).text("main")
