"""The first page: every number leads to the list behind it, and what needs one depends on who one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from starlette.testclient import TestClient

from headgate.core import clock
from headgate.lake.lake import log_key
from headgate.orchestration.project import Project
from headgate.portal import addresses
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.needing import needs
from headgate.portal.knowing.watching import Watcher
from headgate.portal.pages.home import days_chart
from headgate.portal.records.exceptions import Granted
from headgate.portal.records.signoffs import SignOff
from headgate.quality import quarantine
from tests.shown_lake import DISCORD, IRC, OWNER
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import Page, read

REFUSED = "Batches that the gate refused in the last 24 hours, the newest first"
WAITING = "Datasets with rows that wait for a decision, most rows first"


def _figures(page: Page) -> dict[str, tuple[str, str]]:
    """Each number that stands out by what it counts, and where it leads."""
    found = {}
    for figure in page.all("div.figure"):
        links = figure.all("a")
        number = figure.all("strong")[0].text
        told = (links[0] if links else figure.all("p")[0]).text.removeprefix(number).strip()
        found[told] = (number, links[0].get("href") if links else "")
    return found


def test_each_number_is_the_length_of_the_list_behind_it(portal: TestClient) -> None:
    figures = _figures(read(portal.get("/")))
    assert figures["later than promised"] == ("0", "")
    assert figures["batch refused today"][0] == "1"
    for what in ("datasets with nothing to do", "never published"):
        number, address = figures[what]
        assert f"{number} datasets" in read(portal.get(address)).text("main")
    number, address = figures["rows in quarantine"]
    (row,) = read(portal.get(address)).table("Datasets")
    assert number in row["health ▲"] if "health ▲" in row else number in row["health"]
    runs = read(portal.get(figures["batch refused today"][1]))
    assert runs.all("table tbody tr")


def test_refused_batches_and_waiting_rows_are_named(portal: TestClient, shown: Project) -> None:
    page = read(portal.get("/"))
    (batch,) = page.table(REFUSED)
    assert (batch["dataset"], batch["batch"], batch["rows read"]) == (IRC, "second.jsonl", "10")
    assert portal.get(page.link("second.jsonl")).status_code == 200
    (waiting,) = page.table(WAITING)
    rows = quarantine.list_rows(shown.lake, shown.contracts[IRC])
    assert (waiting["dataset"], waiting["rows"], waiting["owner"]) == (IRC, str(len(rows)), OWNER)


def test_releases_and_changes_are_named(portal: TestClient) -> None:
    page = read(portal.get("/"))
    releases = page.table("Releases, the newest first")
    assert [r["release"] for r in releases] == ["release 3", "release 2", "release 1"]
    assert "14 of 14 tables" in releases[-1]["what it moved"]
    (changed,) = page.table("Contracts that changed")
    assert (changed["dataset"], changed["version"]) == (IRC, "1.1.0")
    assert DISCORD in {r["dataset"] for r in page.table("Datasets that are new")} or page.text(
        "main"
    ).count("more.")


def test_what_needs_one_depends_on_who_one_is(as_role: AsRole) -> None:
    def told(role: Role, *teams: str) -> str:
        page = read(as_role(role, teams).get("/"))
        (section,) = [s for s in page.all("section") if s.get("aria-labelledby") == "needs"]
        return section.text

    assert f"refused rows of {IRC}" in told(Role.OWNER, OWNER)
    assert f"refused rows of {IRC}" in told(Role.ADMIN)
    # A viewer of that team may decide nothing; an owner of others has nothing there.
    assert "Nothing: none of your" in told(Role.VIEWER, OWNER)
    assert "Nothing: none of your" in told(Role.OWNER, "community-insights")
    assert "No dataset is owned by a team of yours" in told(Role.VIEWER)


def test_late_datasets_are_named_with_their_owners(
    own_project: Project, serve: Callable[..., TestClient]
) -> None:
    portal = serve(own_project)
    with clock.frozen(clock.now() + timedelta(days=400)):
        page = read(portal.get("/"))
        late = page.table("Datasets that are late, the latest first")
        assert late and all(r["owner"] and r["late since"] for r in late)
        number, address = _figures(page)["later than promised"]
        assert int(number) >= len(late)
        found = read(portal.get(address))
        assert f"{number} datasets" in found.text("main")
        assert (
            [r["dataset ▲"].split(" ")[0] for r in found.table("Datasets")][:1]
            == [late[0]["dataset"]]
            if "dataset ▲" in found.table("Datasets")[0]
            else late[0]["dataset"] in found.text("main")
        )


def test_what_cannot_be_shown_is_told(
    own_project: Project, serve: Callable[..., TestClient]
) -> None:
    path = own_project.contracts[DISCORD].path
    path.write_text(path.read_text() + "<script>: {")
    page = read(serve(own_project).get("/"))
    assert str(path) in page.text("main")
    assert not page.all("main script")


def test_a_look_that_failed_is_told(own_project: Project, serve: Callable[..., TestClient]) -> None:
    portal = serve(own_project)
    assert "last look" not in read(portal.get("/")).text("main")
    key = own_project.lake.key("system.ledger.batches")
    log = own_project.lake.root / log_key(key, 0)
    newest = sorted(log.parent.glob("*.json"))[-1]
    (log.parent / f"{int(newest.stem) + 1:020d}.json").write_bytes(b"torn")
    answer = portal.get("/")
    assert answer.status_code == 200
    assert "last look at the lake failed" in read(answer).text("main")


def _granted(until: date, dataset: str = IRC) -> Granted:
    return Granted(1, dataset, "rule", "why", "me", datetime(2026, 1, 1, tzinfo=UTC), until)


def test_exceptions_that_end_soon_are_told_to_whom_they_concern(shown: Project) -> None:
    known: Known = Watcher(shown).now()
    now = datetime(2026, 5, 4, tzinfo=UTC)
    soon, later = _granted(date(2026, 5, 8)), _granted(date(2026, 6, 8))

    def ending(person: Person) -> tuple[Granted, ...]:
        return needs(known, person, now, [soon, later], []).ending

    assert ending(Person("r", Role.REVIEWER)) == (soon,)
    assert ending(Person("o", Role.VIEWER, frozenset({OWNER}))) == (soon,)
    assert ending(Person("v", Role.VIEWER)) == ()


def test_a_reviewer_is_told_what_nobody_signed(shown: Project) -> None:
    known: Known = Watcher(shown).now()
    now = datetime(2026, 5, 4, tzinfo=UTC)
    signed = SignOff(
        1, "domain:irc", date(2026, 4, 1), date(2026, 4, 30), "", {}, "r", "reviewer", now
    )
    old = replace(signed, subject="domain:chat", last=date(2026, 3, 1))
    back = replace(signed, subject="domain:community", withdrawn_at=now)

    def unsigned(role: Role) -> set[str]:
        return set(needs(known, Person("p", role), now, [], [signed, old, back]).unsigned)

    assert unsigned(Role.REVIEWER) == set(known.domains) - {"irc"}
    assert unsigned(Role.VIEWER) == set()


def test_days_without_batches_are_drawn_too() -> None:
    until = date(2026, 5, 14)
    chart = days_chart([(date(2026, 5, 3), "refused", 2), (until, "published", 7)], until)
    assert len(chart.rows) == 14
    assert chart.rows[2] == ("2026-05-03", 0, 0, 2)
    assert chart.rows[-1] == ("2026-05-14", 7, 0, 0)
    assert not days_chart([], until).rows


def test_addresses_of_the_page_are_kept() -> None:
    assert addresses.catalogue(health="late", q="") == "/catalogue?health=late"
