"""The picture of lineage in a real browser: zoom, drag, paths that light up, groups that open in place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Browser, Watched
from tests.browser.portal_process import Portal
from tests.shown_lake import shown_lake

pytestmark = pytest.mark.servers
COLUMN = "/lineage?dataset=gold.community.dim_users&column=name&indirect=yes"
WIDTH = "parseFloat(document.querySelector('svg.graph').getAttribute('width'))"
LIT = "document.querySelectorAll('svg.graph .edge.lit').length"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal over the small lake, as a process of its own."""
    project = shown_lake(tmp_path_factory.mktemp("graph") / "project")
    served = Portal(Path(project.settings.root))
    served.start()
    yield served
    assert served.stop() == 0


@pytest.fixture
def watched(browser: Browser, portal: Portal) -> Iterator[Watched]:
    """A page that may ask the portal alone, and complains of nothing."""
    found = browser.watch(home=portal.address)
    yield found
    assert (found.outside, found.complaints) == ([], [])
    found.page.context.close()


def test_the_picture_is_zoomed_by_buttons_keys_and_wheel(watched: Watched, portal: Portal) -> None:
    page = watched.go(portal.address + COLUMN)
    page.get_by_role("button", name="Actual size").click()
    before = page.evaluate(WIDTH)
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(WIDTH) == pytest.approx(before * 1.25)
    page.locator(".graph-frame").focus()
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert page.evaluate(WIDTH) == pytest.approx(before / 1.25)
    page.locator(".graph-frame").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    _until(page, f"{WIDTH} > {before / 1.25 + 1}")
    page.locator(".graph-frame").focus()
    page.keyboard.press("0")
    fits = "(f => f.scrollWidth <= f.clientWidth + 1)(document.querySelector('.graph-frame'))"
    assert page.evaluate(fits)


def test_the_frame_is_scrolled_by_arrows_and_by_dragging(watched: Watched, portal: Portal) -> None:
    page = watched.go(portal.address + COLUMN)
    for _ in range(3):
        page.get_by_role("button", name="Zoom in").click()
    left = "document.querySelector('.graph-frame').scrollLeft"
    page.evaluate(f"{left} = 200")
    page.locator(".graph-frame").focus()
    page.keyboard.press("ArrowRight")
    _until(page, f"{left} > 200")
    _until_still(page, left)  # An arrow scrolls smoothly: its rest would be added to what is set.
    page.evaluate(f"{left} = 300")
    box = page.locator(".graph-frame").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 400, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 100, steps=4)
    page.mouse.up()
    assert page.evaluate(left) == pytest.approx(400, abs=2)
    assert page.url == portal.address + COLUMN  # Who drags follows no link.


def test_a_columns_path_lights_up_under_the_mouse_and_with_the_keyboard(
    watched: Watched, portal: Portal
) -> None:
    page = watched.go(portal.address + COLUMN)
    assert page.evaluate(LIT) == 0
    row = page.locator("svg.graph g.row", has_text="nickname").first
    row.locator("rect").hover()
    _until(page, f"{LIT} > 0")
    assert page.evaluate(LIT) < page.locator("svg.graph .edge").count()
    lit = page.locator("svg.graph g.row.lit").all_text_contents()
    assert any("nickname" in one for one in lit)
    page.mouse.move(1, 1)
    _until(page, f"{LIT} == 0")
    row.locator("a").focus()
    _until(page, f"{LIT} > 0")


def test_a_group_opens_in_place_and_the_way_back_closes_it(
    watched: Watched, portal: Portal
) -> None:
    page = watched.go(portal.address + "/lineage")
    page.evaluate("window.kept = true")
    groups = page.locator("svg.graph g.group").count()
    page.locator("svg.graph a.open").first.focus()
    page.keyboard.press("Enter")
    _until(page, f"document.querySelectorAll('svg.graph g.group').length < {groups}")
    assert "open=" in page.url
    assert page.evaluate("window.kept") is True  # It was not loaded anew.
    assert page.evaluate("document.activeElement.className") == "graph-frame"
    assert page.get_by_role("link", name="Close ").count() == 1
    address, shown = page.url, page.locator("svg.graph").text_content()
    page.go_back()
    _until(page, f"document.querySelectorAll('svg.graph g.group').length == {groups}")
    # The address that is left is the same page for whoever opens it.
    assert _without_space(watched.go(address).locator("svg.graph").text_content()) == _without_space(shown)  # fmt: skip


def _until_still(page: Any, told: str) -> None:
    """Wait until an expression has kept its value for a third of a second."""
    kept, since = page.evaluate(told), 0
    for _ in range(200):
        page.wait_for_timeout(50)
        now = page.evaluate(told)
        kept, since = now, since + 1 if now == kept else 0
        if since == 7:
            return
    raise AssertionError(f"{told} does not rest: {kept}")


def _until(page: Any, told: str) -> None:
    """Wait until an expression is true; a page that runs no text as a script cannot wait for it itself."""
    for _ in range(200):
        if page.evaluate(told):
            return
        page.wait_for_timeout(50)
    raise AssertionError(told)


def _without_space(text: Any) -> str:
    return "".join(str(text).split())


def test_where_nothing_answers_a_link_is_still_a_link(browser: Browser, portal: Portal) -> None:
    found = browser.watch(home=portal.address)
    page = found.go(portal.address + "/lineage")
    page.evaluate("() => { window.fetch = () => Promise.reject(new Error('gone')); }")
    address = page.locator("svg.graph a.open").first.get_attribute("href")
    page.locator("svg.graph a.open").first.click()
    page.wait_for_url(portal.address + str(address))
    page.context.close()
