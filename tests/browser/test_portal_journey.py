"""A reviewer's way through the portal in a real browser: from a word to the rows, and to a decision on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Browser, Watched
from tests.browser.portal_process import Portal
from tests.shown_lake import CHANGED, HOSTILE, IRC, shown_lake

pytestmark = pytest.mark.servers

COLUMN = "gold.community.dim_users"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal over a lake of its own, which these tests change."""
    project = shown_lake(tmp_path_factory.mktemp("journey") / "project")
    served = Portal(Path(project.settings.root))
    served.start()
    yield served
    assert served.stop() == 0


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def watched(request: pytest.FixtureRequest, browser: Browser, portal: Portal) -> Watched:
    """A page from which no request leaves the portal, with scripts and without."""
    return browser.watch(home=portal.address, scripts=request.param)


def test_from_a_word_to_a_column_to_its_source(watched: Watched, portal: Portal) -> None:
    page = watched.go(portal.address)
    page.get_by_label("Search datasets and columns").fill("dim_users")
    page.keyboard.press("Enter")
    page.locator("main").get_by_role("link", name=COLUMN, exact=True).first.click()
    assert COLUMN in page.inner_text("h1")
    page.locator("main").get_by_role("link", name="name", exact=True).first.click()
    assert "name" in page.inner_text("h1")
    assert "bronze.chat.users" in page.inner_text("main")
    page.goto(f"{portal.address}/lineage?dataset={COLUMN}&column=name&direction=up")
    assert "bronze.chat.users" in page.inner_text("main")
    assert page.locator("main svg").count() >= 1
    assert (watched.outside, watched.complaints) == ([], [])


def test_as_of_a_release_it_is_as_it_was(watched: Watched, portal: Portal) -> None:
    page = watched.go(f"{portal.address}/lineage?dataset={COLUMN}")
    field = page.locator("input[name=as_of]").first
    field.fill("release:1")
    field.press("Enter")
    page.wait_for_url("**as_of=release**")
    assert "release" in page.inner_text("main")
    page.goto(f"{portal.address}/lineage?dataset={COLUMN}&as_of=1999-01-01")
    assert page.locator("h1").count() == 1
    page.goto(f"{portal.address}/datasets/{IRC}/contract")
    told = page.inner_text("main")
    assert all(version.removeprefix("version: ") in told for version in CHANGED)


def test_from_the_refused_rows_to_a_waiver_on_record(watched: Watched, portal: Portal) -> None:
    """With scripts one row is waived, without them another; each is on record."""
    page = watched.go(f"{portal.address}/datasets/{IRC}")
    page.locator("main").get_by_role("link", name="Quarantine").first.click()
    said = page.inner_text("main")
    assert HOSTILE in said or "malformed_json" in said
    assert page.locator("main img").count() == 0
    before = page.locator("input[name=row]").count()
    page.locator("input[name=row]").first.check()
    why = f"The source is closed; waived with {before} open."
    page.get_by_label("Why").fill(why)
    page.get_by_role("button", name="Waive").click()
    page.wait_for_load_state()
    assert page.locator(".said").count() == 1, page.inner_text("main")
    page.goto(f"{portal.address}/datasets/{IRC}/quarantine")
    assert page.locator("input[name=row]").count() == before - 1
    page.goto(f"{portal.address}/datasets/{IRC}/quarantine?state=waived")
    assert why in page.inner_text("main")
    page.goto(f"{portal.address}/audit")
    told = page.inner_text("main")
    assert "waived refused rows" in told and IRC in told
    assert "saw refused rows" in told
    assert (watched.outside, watched.complaints) == ([], [])
