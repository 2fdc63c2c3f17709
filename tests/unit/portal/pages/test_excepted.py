"""Exceptions on the pages of a dataset, a column and a batch: who lets which rule be broken, and until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records import exceptions, signoffs
from headgate.portal.records.opening import Records
from tests.shown_lake import DISCORD, HOSTILE, IRC
from tests.unit.portal.page import Page, read

ADA = Person("ada@example.org", Role.REVIEWER)
CAPTION = "Exceptions to its rules"
BROKEN, LONG = "type.accepted", "author.max_length"


@pytest.fixture
def client(own_project: Project, serve: Callable[..., TestClient]) -> TestClient:
    """A portal over a lake of the test's own, asked by a viewer."""
    return serve(own_project, role=Role.VIEWER)


@pytest.fixture
def records(client: TestClient) -> Records:
    app: Any = client.app
    found: Records = app.state.served.records
    return found


def granted(
    records: Records, rule: str, ago: int, until: int, dataset: str = IRC, reason: str = "mending"
) -> exceptions.Granted:
    """An exception that was granted so many days ago, until so many days from now."""
    with clock.frozen(days_from_now(-ago)):
        return exceptions.grant(
            records, by=ADA, dataset=dataset, rule=rule, reason=reason,
            until=days_from_now(until + ago).date(),
        )  # fmt: skip


def days_from_now(days: int) -> datetime:
    return clock.now() + timedelta(days=days)


def exceptions_on(page: Page) -> dict[str, dict[str, str]]:
    """What a page tells of each exception, by rule."""
    return {row["rule"]: row for row in page.table(CAPTION)}


def oldest_batch(client: TestClient) -> str:
    """Where the batch is of which rows were set aside."""
    page = read(client.get(addresses.batches(IRC)))
    return next(str(a.get("href")) for a in reversed(page.links()) if "/batches/0" in a.get("href"))


def test_what_is_in_force_is_told_with_who_why_and_until(
    client: TestClient, records: Records
) -> None:
    made = granted(records, BROKEN, 0, 5, reason=HOSTILE)
    page = read(client.get(addresses.dataset(IRC)))
    told = exceptions_on(page)[BROKEN]
    assert "in force" in told["now"] and told["by"] == ADA.name and told["why"] == HOSTILE
    assert told["until (UTC day)"] == made.until.isoformat()
    assert not page.all("main script")
    report = page.link("the quality report of its domain")
    assert made.until.isoformat() in read(client.get(report)).text("main")
    listed = read(client.get(page.link("All exceptions of the dataset")))
    assert [row["rule"] for row in listed.table("Exceptions")] == [BROKEN]


def test_what_is_over_is_said_to_be_and_comes_last(client: TestClient, records: Records) -> None:
    granted(records, LONG, 9, -3)
    ended = granted(records, BROKEN, 2, 5)
    exceptions.end(records, ended.number, by=ADA, why="it was mended")
    granted(records, "channel.pattern", 20, 5)
    told = exceptions_on(read(client.get(addresses.dataset(IRC))))
    assert next(iter(told)) == "channel.pattern" and "in force" in told["channel.pattern"]["now"]
    assert "expired" in told[LONG]["now"]
    assert "ended" in told[BROKEN]["now"] and "it was mended" in told[BROKEN]["now"]
    text = read(client.get(oldest_batch(client))).text("main")
    assert "excepted until" in text  # the ended one held when the batch was judged


def test_a_column_tells_of_its_own_rules_alone(client: TestClient, records: Records) -> None:
    granted(records, BROKEN, 1, 5)
    made = granted(records, LONG, 1, 5)
    page = read(client.get(addresses.column(IRC, "author")))
    assert list(exceptions_on(page)) == [LONG]
    rules = {r["rule"]: r for r in page.table("Rules on it, and how the newest verdict went")}
    assert f"excepted until {made.until}" in rules[LONG]["newest verdict"]
    assert list(exceptions_on(read(client.get(addresses.column(IRC, "type"))))) == [BROKEN]
    assert "No exception to a rule on it" in read(client.get(addresses.column(IRC, "text"))).text(
        "main"
    )


def test_a_batch_tells_what_held_when_it_was_judged_and_what_does_now(
    client: TestClient, records: Records
) -> None:
    granted(records, "channel.pattern", 9, -3)  # over before the batch came
    before = granted(records, BROKEN, 1, 5)
    exceptions.end(records, before.number, by=ADA, why="mended")
    granted(records, LONG, 0, 5)
    page = read(client.get(oldest_batch(client)))
    told = {rule: row["when it was judged"][1:] for rule, row in exceptions_on(page).items()}
    assert told == {BROKEN: "in force", LONG: "not granted yet"}
    rules = {r["rule"]: r for r in page.table("Every rule that was judged, the broken first")}
    assert f"excepted until {before.until}" in rules[BROKEN]["verdict"]
    assert "rows set aside" in rules[BROKEN]["verdict"]
    assert "excepted" not in rules[LONG]["verdict"]


def test_those_of_another_dataset_are_not_told(client: TestClient, records: Records) -> None:
    contract: Any = client.app
    rule = contract.state.served.project.contracts[DISCORD].rules[0].id
    granted(records, rule, 1, 5, DISCORD)
    for address in (
        addresses.dataset(IRC), addresses.column(IRC, "author"), oldest_batch(client),
    ):  # fmt: skip
        page = read(client.get(address))
        assert CAPTION not in [c.text for c in page.all("table caption")], address
        assert "excepted" not in page.text("main")
    assert rule in exceptions_on(read(client.get(addresses.dataset(DISCORD))))


def test_sign_offs_of_days_on_which_it_held_are_linked(
    client: TestClient, records: Records
) -> None:
    granted(records, BROKEN, 9, 5)
    days = {"covers": (-20, -8), "before": (-20, -10), "withdrawn": (-9, 0)}
    signed = {
        name: signoffs.sign(
            records, by=ADA, subject="domain:irc", digest=name, figures={},
            first=days_from_now(first).date(), last=days_from_now(last).date(),
        )
        for name, (first, last) in days.items()
    }  # fmt: skip
    signoffs.withdraw(records, signed["withdrawn"].number, by=ADA, why="too early")
    page = read(client.get(addresses.dataset(IRC)))
    links = [a.get("href") for a in page.links() if "/sign-offs/" in a.get("href")]
    assert links == [f"/quality/sign-offs/{signed['covers'].number}"]
