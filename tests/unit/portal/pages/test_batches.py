"""Batches: all of them, a page at a time, and each with its verdict, its contract and its files."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.told import batches, reasons
from headgate.portal.told.asking import Asking
from tests.shown_lake import IRC, OWNER
from tests.unit.portal.page import read

CAPTION = "Batches, the newest first"


def test_pages_follow_one_another_without_a_gap(portal: TestClient) -> None:
    every = [
        r["judged"] + r["from"] for r in read(portal.get(addresses.batches(IRC))).table(CAPTION)
    ]
    found, address = [], f"{addresses.batches(IRC)}?limit=1"
    for _ in every:
        page = read(portal.get(address))
        (row,) = page.table(CAPTION)
        found.append(row["judged"] + row["from"])
        following = [a.get("href") for a in page.links() if a.text == "Next page"]
        address = addresses.batches(IRC) + following[0] if following else ""
    assert found == every
    assert address == ""


def test_only_refused_ones_can_be_asked_for(portal: TestClient) -> None:
    (row,) = read(portal.get(f"{addresses.batches(IRC)}?outcome=refused")).table(CAPTION)
    assert row["refused"] == "10"
    assert portal.get(f"{addresses.batches(IRC)}?outcome=other").status_code == 422
    assert portal.get(f"{addresses.batches(IRC)}?after=nonsense").status_code == 404
    assert portal.get(f"{addresses.batches(IRC)}?limit=201").status_code == 422


def test_a_refused_batch_says_which_rule_refused_it(portal: TestClient) -> None:
    page = read(portal.get(f"{addresses.batches(IRC)}?outcome=refused"))
    (link,) = [a.get("href") for a in page.links() if "/batches/0" in a.get("href")]
    one = read(portal.get(link))
    rules = {r["rule"]: r for r in one.table("Every rule that was judged, the broken first")}
    assert "batch refused" in rules["max_quarantine_share"]["verdict"]
    assert rules["channel.pattern"]["found"] == "10 of 10 rows"
    assert "Nothing of it is in the table" in one.text("main")
    assert "committed nothing" in one.text("main")
    then = read(portal.get(one.link("as it was then, version 1.0.0")))
    assert "maxLength: 512" in then.text("main")


def test_a_published_batch_names_its_files(portal: TestClient, shown: Project) -> None:
    page = read(portal.get(addresses.batches(IRC)))
    one = read(
        portal.get(next(a.get("href") for a in page.links() if "/batches/0" in a.get("href")))
    )
    (file,) = one.table("Files that it added")
    snapshot = shown.lake.snapshot(IRC)
    assert snapshot is not None
    assert file["file"] in {f.path for f in snapshot.files}
    assert file["rows"] == "25"


def test_what_is_no_batch_is_told(portal: TestClient) -> None:
    for number in ("nothing", "' OR TRUE --"):
        assert portal.get(addresses.batch(IRC, number)).status_code == 404


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("pattern", "0 of 64 rows"),
        ("max_quarantine_share", "0.0625"),
        ("unique", "3 keys with several rows"),
        ("row_count", "1e+06"),
        ("missing_share", "4 of 80 rows (5%)"),
        ("snapshot_deletes", "2 records cannot be read"),
        ("great_expectations", "2 of 60 rows"),
    ],
)
def test_counts_are_no_values(shown: Project, kind: str, text: str) -> None:
    assert not _masked(shown, kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("great_expectations", "2 of 60 rows, such as ada"),
        ("great_expectations", "41"),
        ("sql", "1979"),
        ("sql", "no answer: 'ada' is no number"),
    ],
)
def test_what_may_be_a_value_is_masked(shown: Project, kind: str, text: str) -> None:
    assert _masked(shown, kind, text)


def _masked(shown: Project, kind: str, text: str) -> bool:
    """Whether a viewer sees it masked; its owner never does."""
    at = batches.accounts(Asking(shown.settings), IRC).accounts[0].at
    one = batches.Judged("b", "x", kind, "author", "warn", "table", False, 1, text, "", at)
    contract = shown.contracts[IRC]
    owner = Person("o", Role.OWNER, frozenset({OWNER}))
    assert not reasons.observed(contract, one, owner).masked
    told = reasons.observed(contract, one, Person("v", Role.VIEWER))
    assert told.masked == (told.text != text)
    return told.masked
