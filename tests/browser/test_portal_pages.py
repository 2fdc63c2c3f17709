"""Every page of the portal in a real browser: light, dark, narrow, printed, without scripts, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from headgate.orchestration.project import Project
from tests.browser.conftest import Browser, Watched
from tests.browser.portal_pages import PAGES, names
from tests.browser.portal_process import Portal

pytestmark = pytest.mark.servers

#: Gives the page of a sort of reader.
Watch = Callable[[str], Watched]
#: What people who cannot see well, or use no mouse, would be stopped by.
GRAVE = {"serious", "critical"}
VISIBLE = "e => { const b = e.getBoundingClientRect(); return b.width > 1 && b.height > 1; }"
#: Whether whoever tabs sees where they are: a line around, of some width.
FOCUS = """() => { const e = document.activeElement; const s = getComputedStyle(e);
  return [e.tagName, e.textContent.trim().slice(0, 40), s.outlineStyle, parseFloat(s.outlineWidth)]; }"""


@pytest.fixture(scope="module")
def addresses(shown: Project, portal: Portal) -> Mapping[str, str]:
    """Where every kind of page is."""
    named = names(shown)
    return {name: portal.address + kind.at(named) for name, kind in PAGES.items()}


@pytest.fixture(scope="module")
def kept(browser: Browser, portal: Portal) -> dict[str, Watched]:
    """A page of each sort of reader, used for one address after the other."""
    sorts: dict[str, dict[str, Any]] = {
        "wide": {}, "narrow": {"width": 360}, "dark": {"dark": True}, "bare": {"scripts": False},
    }  # fmt: skip
    return {name: browser.watch(home=portal.address, **how) for name, how in sorts.items()}


@pytest.fixture
def watch(kept: Mapping[str, Watched]) -> Callable[[str], Watched]:
    """``watch("wide")``: that page, of which nothing is told yet."""

    def fresh(sort: str) -> Watched:
        kept[sort].outside.clear()
        kept[sort].complaints.clear()
        return kept[sort]

    return fresh


@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_stopped(
    watch: Watch, addresses: Mapping[str, str], name: str, tmp_path: Path
) -> None:
    watched = watch("wide")
    page = watched.go(addresses[name])
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert _grave(page) == []
    # A page that is not there is a complaint of the browser's own.
    expected = "404" if PAGES[name].status == 404 else "\0"
    complaints = [c for c in watched.complaints if expected not in c]
    assert (watched.outside, complaints) == ([], [])


@pytest.mark.parametrize("name", PAGES)
def test_everything_can_be_read_in_the_dark(
    watch: Watch, addresses: Mapping[str, str], name: str, tmp_path: Path
) -> None:
    page = watch("dark").go(addresses[name])
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(int(part) < 40 for part in re.findall(r"\d+", paper)[:3])
    assert _grave(page, only="color-contrast") == []


def _grave(page: Any, only: str | None = None) -> list[tuple[Any, ...]]:
    """What axe finds that is serious or worse, by one of its rules or by all."""
    rules = {"runOnly": {"type": "rule", "values": [only]}} if only else {}
    found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response
    return [
        (v["id"], v["impact"], [n["html"][:120] for n in v["nodes"][:3]])
        for v in found["violations"]
        if v["impact"] in GRAVE
    ]


def test_axe_would_notice(watch: Watch, addresses: Mapping[str, str]) -> None:
    page = watch("wide").go(addresses["home"])
    page.evaluate("document.querySelector('label[for=search]').remove()")
    page.evaluate("document.querySelector('#search').removeAttribute('placeholder')")
    assert "label" in {found[0] for found in _grave(page)}


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_sideways_scrolling(
    watch: Watch, addresses: Mapping[str, str], name: str, tmp_path: Path
) -> None:
    page = watch("narrow").go(addresses[name])
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_nothing_is_missing(
    watch: Watch, addresses: Mapping[str, str], name: str
) -> None:
    without = watch("bare").go(addresses[name])
    words = set(without.inner_text("main").split())
    assert len(words) > 5
    with_scripts = set(watch("wide").go(addresses[name]).inner_text("main").split())
    # Times go on, and scripts may add buttons; they take nothing away and tell nothing new.
    assert len(words - with_scripts) <= 3


@pytest.mark.parametrize("name", PAGES)
def test_it_prints_as_a_document(watch: Watch, addresses: Mapping[str, str], name: str) -> None:
    page = watch("dark").go(addresses[name])
    page.emulate_media(media="print")
    try:
        _printed(page)
    finally:
        page.emulate_media(media="screen")


def _printed(page: Any) -> None:
    for left_out in page.locator("header nav, .skip, .search, .pager, main button").all():
        assert not left_out.is_visible(), left_out.inner_text()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(0, 0, 0)"
    for box in page.locator("main .wide").all():
        assert box.evaluate("e => getComputedStyle(e).overflowX") == "visible"
    # Wide enough for what is on it: nothing is cut off at the edge of a page of A4 (at 96 dpi).
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize(
    "name", ["home", "dataset", "quarantine", "lineage of a column", "quality"]
)
def test_whoever_tabs_sees_where_they_are(
    watch: Watch, addresses: Mapping[str, str], name: str
) -> None:
    page = watch("wide").go(addresses[name])
    seen = []
    for _ in range(30):
        page.keyboard.press("Tab")
        tag, text, line, width = page.evaluate(FOCUS)
        if tag == "BODY":
            break
        assert line != "none" and width >= 2, (tag, text)
        assert page.evaluate(f"({VISIBLE})(document.activeElement)"), (tag, text)
        seen.append(text)
    assert seen[:2] == ["Skip to the content", "Headgate"]
    assert len(seen) > 12


def test_by_keyboard_alone_from_search_to_a_dataset(
    watch: Watch, addresses: Mapping[str, str]
) -> None:
    page = watch("bare").go(addresses["home"])
    page.keyboard.press("Tab")
    assert page.locator(".skip").is_visible()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page = watch("bare").go(addresses["home"])
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("dim_users")
    page.keyboard.press("Enter")
    page.wait_for_url("**/catalogue?q=dim_users")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "gold.community.dim_users":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/gold.community.dim_users")
    assert "dim_users" in page.inner_text("h1")


def test_a_stroke_leads_to_the_search_where_scripts_run(
    watch: Watch, addresses: Mapping[str, str]
) -> None:
    page = watch("wide").go(addresses["releases"])
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("a/b")
    assert page.input_value("#search") == "a/b"


def test_values_of_the_data_run_nothing(watch: Watch, addresses: Mapping[str, str]) -> None:
    page = watch("wide").go(addresses["quarantine"])
    assert "taken over" not in page.title()
    assert page.locator("main img, main script, main link").count() == 0
