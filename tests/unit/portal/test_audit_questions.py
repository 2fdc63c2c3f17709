"""The twelve questions of docs/how-to/audit.md: each answered in at most three pages, by the pages' own links.

A small lake has the truths that are looked for; what people decide is put on record first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from starlette.routing import Match
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.orchestration import waiving
from headgate.orchestration.project import Project
from headgate.portal import opening
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.application import create_app
from tests.conftest import REPOSITORY
from tests.shown_lake import IRC, OWNER
from tests.unit.portal.page import Page, read

DOC = (REPOSITORY / "docs" / "how-to" / "audit.md").read_text("utf-8")
HEALTH = "gold.community.community_health_daily"


class Walk:
    """Pages opened one after another: each by a link or a form of the one before, the first by the
    navigation. What routes they are is held to what the document says."""

    def __init__(self, client: TestClient, number: int) -> None:
        self.client, self.routes = client, list[str]()
        (section,) = re.findall(rf"^## {number}\. .*?(?=^## )", DOC, re.MULTILINE | re.DOTALL)
        self.told = re.findall(r"^- `([^`]+)`:", section, re.MULTILINE)
        self.at = read(client.get("/"))
        self.address = "/"

    def follow(self, text: str = "", *, to: str = "", **typed: str) -> Page:
        """The page behind a link with that text (or one that leads to an address that begins so), or
        behind the form that goes there, filled in."""
        where = "header" if not self.routes else "main"
        links = [urljoin(self.address, a.get("href")) for a in self.at.links(
            "header.top" if where == "header" else "main") if (not text or text in a.text)]  # fmt: skip
        if typed:
            target = self._form(to, typed)
        else:
            found = [x for x in links if x.startswith(to)]
            assert found, (text, to, links)
            target = found[0]
        answer = self.client.get(target)
        assert answer.status_code == 200, target
        self.routes.append(self._route(target))
        self.at, self.address = read(answer), target
        return self.at

    def _form(self, to: str, typed: dict[str, str]) -> str:
        """The address that a form of this page leads to; a page's own filter counts as that page."""
        page = read(self.client.get(to)) if not self.routes else self.at
        for form in page.all("form"):
            fields = [f.get("name") for tag in ("input", "select") for f in form.all(tag)]
            if form.get("method", "get") == "get" and typed.keys() <= set(fields):
                return f"{form.get('action') or to}?{urlencode(typed)}"
        raise AssertionError(f"no form of {to} has {list(typed)}")

    def _route(self, address: str) -> str:
        scope = {"type": "http", "method": "GET", "path": urlsplit(address).path, "headers": []}
        for route in self.client.app.router.routes:  # type: ignore[attr-defined]
            if route.matches(scope)[0] is Match.FULL:
                return str(route.path)
        raise AssertionError(address)

    def done(self) -> None:
        """The pages are those of the document, and no more than three."""
        assert self.routes == self.told
        assert len(self.routes) <= 3


@pytest.fixture(scope="module")
def asked(
    shown_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], Walk]]:
    """Walks through a portal over a copy of the small lake, as a reviewer."""
    import shutil

    folder = tmp_path_factory.mktemp("audited") / "project"
    shutil.copytree(shown_folder, folder)
    project = Project.open(folder)
    _decide(project)
    with ExitStack() as ends:
        client = _client(project, ends, Person("rita@example.org", Role.REVIEWER))
        yield lambda number: Walk(client, number)


def _client(project: Project, ends: ExitStack, person: Person) -> TestClient:
    parts = ends.enter_context(opening.opened(project))
    app = create_app(parts, local=person)
    return ends.enter_context(
        TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000))
    )


def _decide(project: Project) -> None:
    """What people did: rows were waived, examples looked at, a report signed."""
    waiving.waive(project, IRC, by="olga@example.org", why="a bot wrote it", reason="type.accepted")
    with ExitStack() as ends:
        owner = _client(project, ends, Person("olga@example.org", Role.OWNER, frozenset({OWNER})))
        assert owner.get(f"/datasets/{IRC}/examples").status_code == 200
        page = read(owner.get("/quality/domains/irc"))
        (form,) = [f for f in page.all("form") if f.get("action") == "/quality/sign-offs"]
        fields = {f.get("name"): f.get("value", "") for f in form.all("input")}
        signed = owner.post("/quality/sign-offs", data={**fields, "note": "as agreed"})
        assert signed.status_code == 200, signed.text


Ask = Callable[[int], Walk]


def test_the_document_has_twelve_questions() -> None:
    assert re.findall(r"^## (\d+)\. .+\?$", DOC, re.MULTILINE) == [str(n) for n in range(1, 13)]


def test_1_where_does_this_number_come_from(asked: Ask) -> None:
    walk = asked(1)
    walk.follow(to="/catalogue", q="new_authors")
    walk.follow(HEALTH)
    page = walk.follow("new_authors", to=f"/datasets/{HEALTH}/columns/")
    steps = page.table("Every step, from here back to the sources")
    assert any(s["is made of"] == f"{IRC}.author" for s in steps)
    assert "added up" in steps[0]["how"]
    walk.done()


def test_2_who_uses_this_column(asked: Ask) -> None:
    walk = asked(2)
    walk.follow(to="/catalogue", q="irc author")
    walk.follow(IRC)
    page = walk.follow("author", to=f"/datasets/{IRC}/columns/author")
    users = page.table("Datasets that follow from it, the nearest first")
    assert users[0]["dataset"] == "silver.chat.messages"
    assert HEALTH in {u["dataset"] for u in users}
    walk.done()


def test_3_what_personal_data_is_where(asked: Ask) -> None:
    walk = asked(3)
    page = walk.follow("Personal data")
    found = {row["column"].replace(" ", "") for row in page.table("Columns")}
    assert {f"{IRC}author", f"{IRC}text"} <= found
    assert "Every column that personal or classified data flows into declares it" in page.text()
    ended = {row["column"].replace(" ", "") for row in page.table("Declared anonymisations")}
    assert f"{HEALTH}new_authors" in ended
    walk.done()


def test_4_what_failed_last_night_and_which_rows(asked: Ask) -> None:
    walk = asked(4)
    page = walk.follow(to="/runs", outcome="", day=clock.now().date().isoformat())
    assert [r["refused"] for r in page.table("Runs")] == ["0", "1", "0"]
    (first,) = [r["run"] for r in page.table("Runs")][-1:]
    page = walk.follow(first)
    (irc,) = [b for b in page.table("Batches of this run") if b["dataset"].startswith(IRC)]
    assert irc["quarantined"] == "4" and "type.accepted" in irc["rules that did not hold"]
    page = walk.follow("4", to=f"/datasets/{IRC}/quarantine")
    assert "first.jsonl" in page.table("Refused rows")[0]["where"]
    walk.done()


def test_5_who_owns_it(asked: Ask) -> None:
    walk = asked(5)
    page = walk.follow(to="/catalogue", q="community_health_daily")
    assert page.table("Datasets")[0]["owner"] == "community-insights"
    assert "Owner: community-insights." in walk.follow(HEALTH).text()
    walk.done()


def test_6_what_changed(asked: Ask) -> None:
    walk = asked(6)
    page = walk.follow("Releases")
    assert [r["release"].split(" readers")[0].split("✓")[0].strip() for r in page.table("Releases")] == ["release 3", "release 2", "release 1"]  # fmt: skip
    page = walk.follow("release 2", to="/releases/2")
    assert HEALTH in {m["dataset"] for m in page.table("Tables that differ")}
    page = walk.follow("why it changed", to=f"/releases/2/why?dataset={HEALTH}")
    assert "bronze.chat.messages (new rows" in page.text("p.note")
    causes = [
        c for c in page.table("Causes in bronze.chat.messages") if c["cause"].endswith("rows")
    ]
    assert sum(int(c["rows"]) for c in causes) == 18
    assert all("second.json" in c["what happened"] for c in causes)
    walk.done()


def test_7_who_approved_it_and_when(asked: Ask) -> None:
    walk = asked(7)
    walk.follow("Releases")
    page = walk.follow("release 3")
    (row,) = page.table("Sign-offs that cover its day")
    assert (row["report"], row["by"]) == ("domain:irc", "olga@example.org")
    page = walk.follow("domain:irc")
    assert "as agreed" in page.text() and f"{clock.now():%Y-%m-%d}" in page.text("dl.facts")
    walk.done()


def test_8_who_looked_at_samples(asked: Ask) -> None:
    walk = asked(8)
    page = walk.follow(to="/audit", action="examples_seen")
    (row,) = page.table("Entries, the newest first")
    assert "olga@example.org" in row["who"] and row["of what"] == IRC
    walk.done()


def test_9_which_rows_were_waived_by_whom_and_why(asked: Ask) -> None:
    walk = asked(9)
    walk.follow(to="/catalogue", q=IRC)
    walk.follow(IRC)
    walk.follow("Quarantine")
    waived = read(walk.client.get(urljoin(walk.address, walk.at.link("waived (2)"))))
    rows = waived.table("Refused rows")
    assert len(rows) == 2
    assert all("olga@example.org" in r["state"] and "a bot wrote it" in r["state"] for r in rows)
    walk.done()


def test_10_what_did_readers_see_at_a_date(asked: Ask) -> None:
    walk = asked(10)
    at = walk.client.app.state.served.project.releases.get(2).published_at  # type: ignore[attr-defined]
    page = walk.follow(to="/releases", at=f"{at:%Y-%m-%dT%H:%M:%S.%fZ}")
    assert "readers saw release 2" in page.text("p.note")
    page = walk.follow("release 2")
    versions = {m["dataset"]: m["version after"] for m in page.table("Tables that differ")}
    assert versions["bronze.chat.messages"] == "1"
    walk.done()


def test_11_is_the_data_as_fresh_as_promised(asked: Ask) -> None:
    walk = asked(11)
    page = walk.follow(to="/catalogue", q=HEALTH)
    (row,) = page.table("Datasets")
    assert "good" in row["health"] and "every 1 day promised" in row["published"]
    assert "Its contract allows 1 day between publications." in walk.follow(HEALTH).text()
    walk.done()


def test_12_can_it_be_proven_that_the_log_was_not_altered(asked: Ask) -> None:
    walk = asked(12)
    page = walk.follow("Audit")
    assert "as it was written" in page.text()
    assert re.search(r"ends with \d+:[0-9a-f]{64}", page.text())
    walk.done()
