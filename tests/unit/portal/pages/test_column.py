"""The page of a column: where it comes from, who uses it, how it is judged, where it flows."""

from __future__ import annotations

from starlette.testclient import TestClient

from headgate.portal import addresses
from headgate.portal.access.roles import Role
from tests.shown_lake import IRC, OWNER
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import read


def test_every_step_leads_back_to_the_sources(portal: TestClient) -> None:
    page = read(portal.get(addresses.column("gold.community.dim_users", "name")))
    steps = page.table("Every step, from here back to the sources")
    told = {(s["column"], s["is made of"]) for s in steps}
    assert ("gold.community.dim_users.name", "bronze.chat.users.nickname") in told
    assert any(source.startswith("landing/") for _, source in told)
    assert next(s for s in steps if s["is made of"] == "bronze.chat.users.nickname")["how"] == (
        "copied, decides which value is taken"
    )
    assert page.link("See it in the graph") == addresses.graph("gold.community.dim_users", "name")


def test_who_uses_it_is_told_the_nearest_first(portal: TestClient) -> None:
    page = read(portal.get(addresses.column(IRC, "author")))
    users = page.table("Datasets that follow from it, the nearest first")
    assert users[0]["dataset"] == "silver.chat.messages"
    assert users[0]["columns"] == "author_id"
    steps = [int(u["steps away"]) for u in users if u["how"] == "values are made of it"]
    assert steps == sorted(steps)
    assert "gold.community.dim_users" in {u["dataset"] for u in users}


def test_rules_come_with_the_newest_verdict(portal: TestClient) -> None:
    rules = {
        r["rule"]: r
        for r in read(portal.get(addresses.column(IRC, "author"))).table(
            "Rules on it, and how the newest verdict went"
        )
    }
    assert "held" in rules["author.max_length"]["newest verdict"]
    assert rules["author.max_length"]["found"] == "0 of 25 rows"


def test_where_personal_data_flows_is_told(portal: TestClient) -> None:
    page = read(portal.get(addresses.column(IRC, "author")))
    flows = {
        f["column"]: f for f in page.table("Columns that its values are in, the nearest first")
    }
    assert "declared there too" in flows["silver.chat.messages.author_id"]["state"]
    ended = flows["gold.community.fct_channel_activity_daily.authors"]
    assert "ends there" in ended["state"]
    assert ended["how it ends, or what is missing"]
    plain = portal.get(addresses.column(IRC, "channel"))
    assert "Where it flows as" not in plain.text


def test_who_sees_values_is_said(as_role: AsRole) -> None:
    address = addresses.column(IRC, "author")
    assert "(not by you)" in as_role(Role.REVIEWER).get(address).text
    assert "(not by you)" not in as_role(Role.OWNER, {OWNER}).get(address).text
