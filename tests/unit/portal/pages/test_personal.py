"""The map of personal data: every column that a contract declares, no other, and who sees it."""

from __future__ import annotations

import csv
import io

from starlette.testclient import TestClient

from headgate.orchestration.project import Project
from headgate.portal.access import masking
from headgate.portal.access.roles import Role
from tests.shown_lake import IRC
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import read


def _declared(project: Project) -> set[tuple[str, str]]:
    return {
        (c.id, column.name)
        for c in project.contracts.values()
        if c.name.layer != "system"
        for column in c.columns
        if column.personal
    }


def test_it_has_every_personal_column_and_no_other(as_role: AsRole, shown: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(as_role(Role.REVIEWER).get("/personal-data.csv").text)))
    assert {(r["dataset"], r["column"]) for r in rows} == _declared(shown)
    for row in rows:
        contract = shown.contracts[row["dataset"]]
        assert row["seen_by"] == masking.least(contract, row["column"])
        assert row["owner"] == contract.owner
        assert row["retention_days"] == str(contract.retention_days or "")


def test_pages_of_it_add_up(portal: TestClient, shown: Project) -> None:
    found, address = [], "/personal-data?limit=7"
    while address:
        page = read(portal.get(address))
        found += [row["column"] for row in page.table("Columns")]
        more = [a.get("href") for a in page.links() if a.text == "Next page"]
        address = f"/personal-data{more[0]}" if more else ""
    assert len(found) == len(set(found)) == len(_declared(shown))


def test_filters_and_classes(portal: TestClient, shown: Project) -> None:
    page = read(portal.get("/personal-data?domain=irc"))
    wanted = {c for d, c in _declared(shown) if d == IRC}
    assert {row["column"].removeprefix(IRC).strip() for row in page.table("Columns")} == wanted
    everything = read(portal.get("/personal-data?limit=200&all=yes")).table("Columns")
    assert len(everything) >= len(_declared(shown))


def test_flows_of_a_dataset_say_where_they_end_in_the_contracts_words(
    portal: TestClient, shown: Project
) -> None:
    page = read(portal.get(f"/personal-data?dataset={IRC}"))
    flows = {row["to"]: row for row in page.table("Where author flows")}
    ended = flows["gold.community.community_health_daily.new_authors"]
    column = shown.contracts["gold.community.community_health_daily"].column("new_authors")
    assert column.anonymized and ended["how"] == column.anonymized
    assert "it ends here" in ended["what is said of it"]
    assert "it says so itself" in flows["silver.chat.messages.author_id"]["what is said of it"]


def test_what_nobody_has_is_an_empty_page_that_says_so(portal: TestClient) -> None:
    page = read(portal.get("/personal-data?dataset=none.of.these"))
    assert "No column is as asked." in page.text("main")
    assert "Lineage knows nothing of none.of.these yet." in page.text("main")
