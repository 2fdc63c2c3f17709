"""Signing in by a real browser at a real provider: its own forms are filled in, and the page asked for comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from headgate.portal.records import chain
from tests.browser.conftest import Browser, Watched
from tests.servers.sign_in_process import Running, project_in, serve

pytestmark = pytest.mark.servers

#: What is asked for before anybody is signed in; all of it has to come back.
ASKED = "/audit?action=signed_in&since=2020-01-01"
#: Where the portal and the provider both are.
HERE = "http://127.0.0.1:"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A portal, and the provider at which its people sign in."""
    yield from serve(project_in(tmp_path_factory.mktemp("sign-in") / "project"))


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def watched(request: pytest.FixtureRequest, browser: Browser) -> Watched:
    """A browser that nobody has signed in with."""
    return browser.watch(home=HERE, scripts=request.param)


def to_the_provider(watched: Watched, running: Running, asked: str = ASKED) -> Any:
    """The provider's first page, to which the portal's lead who asks for one of them."""
    page = watched.go(running.portal + asked)
    assert page.url.startswith(f"{running.portal}/sign-in?next=")
    assert (watched.outside, watched.complaints) == ([], [])
    page.get_by_role("link", name="Sign in at").click()
    page.wait_for_url(f"{running.issuer}/**")
    return page


def sign_in(page: Any, name: str) -> None:
    """Fill in what the provider asks, and agree to what it tells of oneself."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()


def cookies(page: Any) -> dict[str, Any]:
    return {c["name"]: c for c in page.context.cookies()}


def test_somebody_signs_in_comes_to_the_page_asked_for_and_signs_out(
    watched: Watched, running: Running
) -> None:
    page = to_the_provider(watched, running)
    sign_in(page, "ann")
    page.wait_for_url(running.portal + ASKED)
    watched.outside.clear()  # what the provider's own pages asked for
    watched.complaints.clear()
    page.reload()
    assert page.inner_text(".who") == "ann@example.org (reviewer)"
    assert "signed in" in page.inner_text("main table")
    session = cookies(page)["headgate_session"]
    assert session["httpOnly"] and session["sameSite"] in ("Lax", "Strict")
    assert page.input_value("#action") == "signed_in"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    assert "ann@example.org" not in page.inner_text("header")
    assert "headgate_session" not in cookies(page)
    page.goto(running.portal + ASKED)
    assert page.url.startswith(f"{running.portal}/sign-in?next=")
    assert (watched.outside, watched.complaints) == ([], [])
    newest = [e.action for e in chain.entries(running.records, by="ann@example.org", limit=2)]
    assert newest == ["signed_out", "signed_in"]


def test_what_was_held_of_one_session_opens_nothing_after_it_ended(
    browser: Browser, running: Running
) -> None:
    watched = browser.watch(home=HERE)
    page = to_the_provider(watched, running, "/")
    sign_in(page, "ann")
    page.wait_for_url(running.portal + "/")
    held = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    page.context.add_cookies(held)
    page.goto(running.portal + "/audit")
    assert page.url.startswith(f"{running.portal}/sign-in")


def test_who_has_no_role_is_told_so_and_stays_out(browser: Browser, running: Running) -> None:
    watched = browser.watch(home=HERE)
    page = to_the_provider(watched, running)
    sign_in(page, "eve")
    page.wait_for_url(f"{running.portal}/sign-in/callback**")
    assert "eve@example.org" in page.inner_text("main")
    assert page.locator(".who").count() == 0
    page.goto(running.portal + ASKED)
    assert page.url.startswith(f"{running.portal}/sign-in?next=")


def test_who_turns_back_at_the_provider_stays_out(browser: Browser, running: Running) -> None:
    watched = browser.watch(home=HERE)
    page = to_the_provider(watched, running)
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url(f"{running.portal}/sign-in/callback**")
    assert page.locator("h1").count() == 1 and page.locator(".who").count() == 0
    assert "Signing in was broken off." in page.inner_text("main")
