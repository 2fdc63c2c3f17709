"""Data Docs as the portal serves them, in a real browser: found from a dataset, readable, and with no power."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from tests.browser.conftest import Browser
from tests.browser.portal_process import Portal
from tests.shown_lake import HOSTILE, IRC

pytestmark = pytest.mark.servers

LINK = "Great Expectations' Data Docs"


@pytest.fixture(scope="module")
def portal(shown: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal over a lake whose Data Docs Great Expectations built."""
    root = tmp_path_factory.mktemp("data-docs") / "project"
    shutil.copytree(Path(shown.settings.root), root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(root))
        assert invoke(["docs", "--dataset", IRC]) == 0
    served = Portal(root)
    served.start()
    yield served
    assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_reviewer_finds_the_way_there_and_back(
    browser: Browser, portal: Portal, scripts: bool
) -> None:
    watched = browser.watch(home=portal.address, scripts=scripts)
    page = watched.go(f"{portal.address}/quality/domains/irc")
    page.get_by_role("link", name=LINK).click()
    page.wait_for_url("**/quality/data-docs/")
    page.get_by_role("link", name=IRC).click()
    page.wait_for_url(f"**/quality/data-docs/{IRC}/index.html")
    page.locator("tr", has_text="first.jsonl").get_by_role("link").first.click()
    assert "published in part" in page.inner_text("h1")
    page.get_by_role("link", name="Portal: the batch").click()
    page.wait_for_url(f"**/datasets/{IRC}/batches/*")
    page.get_by_role("link", name=LINK).click()
    assert "published in part" in page.inner_text("h1")
    assert (watched.outside, watched.complaints) == ([], [])


def test_a_page_is_styled_and_what_it_quotes_runs_nothing(
    browser: Browser, portal: Portal, tmp_path: Path
) -> None:
    watched = browser.watch(home=portal.address)
    page = watched.go(f"{portal.address}/quality/data-docs/{IRC}/index.html")
    page.locator("tr", has_text="first.jsonl").get_by_role("link").first.click()
    page.screenshot(path=tmp_path / "batch.png", full_page=True)
    assert HOSTILE in page.inner_text("main")
    assert "taken over" not in page.title()
    assert page.locator("main img, main script, main link").count() == 0
    style = "getComputedStyle(document.querySelector('header')).borderBottomStyle"
    assert page.evaluate(style) == "solid"
    assert (watched.outside, watched.complaints) == ([], [])
