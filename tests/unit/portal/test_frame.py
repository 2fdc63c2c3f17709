"""The frame of every page: where one can go, who one is, what is said once, and errors as pages."""

from __future__ import annotations

import pytest
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from headgate.core import errors
from headgate.portal import rules, showing
from headgate.portal.access.roles import Right, Role
from headgate.portal.pages.problems import Problem
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import read

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def failing(portal: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The portal with a page `/fails` that raises what the test put into ``app.state.error``, and
    one that says something and goes home."""

    def fails(request: Request) -> Response:
        raise request.app.state.error

    def says(request: Request, text: str) -> Response:
        return showing.redirect(request, "/", said=text)

    monkeypatch.setitem(rules.RULES, ("GET", "/fails"), Right.SEE)
    monkeypatch.setitem(rules.RULES, ("GET", "/says"), Right.SEE)
    own = [APIRoute("/fails", fails), APIRoute("/says", says)]
    monkeypatch.setattr(portal.app.router, "routes", [*own, *portal.app.router.routes])
    return portal


def test_every_page_says_who_asks_and_where_one_can_go(portal: TestClient) -> None:
    page = read(portal.get("/"))
    assert "local:admin" in page.text("header")
    places = [a.text for a in page.links("header nav")]
    assert places == ["Home", "Catalogue", "Lineage", "Runs", "Releases", "Quality",
                      "Personal data", "Audit", "People"]  # fmt: skip
    assert [a.text for a in page.links("header nav") if a.get("aria-current") == "page"] == ["Home"]
    assert page.links("body")[0].text == "Skip to the content"
    assert page.one("form[role=search] input[name=q]").get("type") == "search"
    assert "Readers see release" in page.text("footer")


def test_nobody_is_shown_a_way_that_is_not_theirs(as_role: AsRole) -> None:
    places = [a.text for a in read(as_role(Role.VIEWER).get("/")).links("header nav")]
    assert "Audit" not in places and "People" not in places and "Quality" in places
    assert "Audit" in [a.text for a in read(as_role(Role.REVIEWER).get("/")).links("header nav")]


def test_every_link_of_the_frame_leads_somewhere(portal: TestClient) -> None:
    for link in read(portal.get("/")).links("header"):
        assert portal.get(link.get("href", "")).status_code == 200, link.get("href")


def test_what_was_done_is_said_once_as_text(failing: TestClient) -> None:
    first = failing.get("/says", params={"text": f"Café: {HOSTILE}"})
    assert first.url.path == "/"
    assert read(first).text("main .said") == f"Café: {HOSTILE}"
    assert "said" not in read(failing.get("/")).classes()


@pytest.mark.parametrize("cookie", ["", "!", "AAA", "/w==", "a" * 5000])
def test_a_cookie_that_is_no_message_says_nothing(portal: TestClient, cookie: str) -> None:
    answer = portal.get("/", headers={"Cookie": f"headgate_said={cookie}"})
    assert answer.status_code == 200


def test_what_is_not_there_is_told_as_a_page(portal: TestClient) -> None:
    found = portal.get("/nothing/here")
    assert found.status_code == 404
    assert read(found).text("h1") == "There is no such thing here"
    told = portal.get("/nothing/here", headers={"Accept": "application/json"})
    assert told.json()["status"] == 404
    assert portal.post("/lineage").status_code in (403, 405)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFoundError("no such row.", remedy="Look again."), 404),
        (errors.UsageError("that is none.", place="q"), 400),
        (errors.ConflictError("somebody was first."), 409),
        (errors.RefusedError("the gate refused it."), 409),
        (errors.LakeBusyError("a run holds the lake."), 503),
        (errors.ResourceError("the disk is full."), 503),
        (errors.LakeError("it is broken."), 503),
        (errors.ModelError("it failed."), 500),
        (OSError(28, "No space left on device"), 503),
        (Problem(403, "not yours.", remedy="Ask."), 403),
        (KeyError("secret inside"), 500),
    ],
)
def test_an_error_is_a_page_with_its_place_and_remedy(
    failing: TestClient, error: Exception, status: int
) -> None:
    failing.app.state.error = error
    found = failing.get("/fails")
    assert found.status_code == status
    page = read(found)
    assert len(page.all("h1")) == 1 and page.links("header nav")
    if isinstance(error, errors.HeadgateError):
        assert error.message in page.text("main")
        assert error.remedy in page.text("main") and error.place in page.text("main")
    assert "secret inside" not in found.text and "Traceback" not in found.text
    assert ("retry-after" in found.headers) == (status == 503)
    told = failing.get("/fails", headers={"Accept": "application/json"})
    assert told.headers["content-type"] == "application/problem+json"
    assert told.json()["status"] == status


def test_a_hostile_error_is_text(failing: TestClient) -> None:
    failing.app.state.error = errors.UsageError(f"no {HOSTILE}.", remedy=HOSTILE, place=HOSTILE)
    found = failing.get("/fails")
    assert HOSTILE not in found.text
    assert HOSTILE in read(found).text("main")


def test_pages_are_kept_by_nobody_and_run_nothing_from_elsewhere(portal: TestClient) -> None:
    for path in ("/", "/nothing"):
        headers = portal.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_head_of_a_page_is_answered_as_the_page(portal: TestClient) -> None:
    head, page = portal.head("/"), portal.get("/")
    assert head.status_code == page.status_code == 200
    assert head.headers["content-type"] == page.headers["content-type"]


@pytest.mark.parametrize(
    ("asked", "changed", "address"),
    [
        ("/?q=a&after=9", {"sort": "rows"}, "?q=a&sort=rows"),
        ("/?sort=rows&q=a%26b", {"sort": None}, "?q=a%26b"),
        ("/", {}, "?"),
        ("/?q=%22%3E%3Cb%3E", {}, "?q=%22%3E%3Cb%3E"),
    ],
)
def test_a_list_is_turned_by_a_link_to_itself(
    asked: str, changed: dict[str, str | None], address: str
) -> None:
    query = asked.partition("?")[2].encode()
    request = Request({"type": "http", "path": "/", "query_string": query, "headers": []})
    assert showing.again(request, **changed) == address
