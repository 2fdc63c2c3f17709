"""What holds for every page: it can be read by a screen reader, runs nothing of its own, and says what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from headgate.orchestration.project import Project
from headgate.portal.access.roles import Role
from tests.browser.portal_pages import PAGES, names
from tests.shown_lake import HOSTILE
from tests.unit.portal.conftest import AsRole
from tests.unit.portal.page import Element, Page, read


@pytest.fixture(scope="session")
def named(shown: Project) -> Mapping[str, str]:
    """What the words of addresses stand for."""
    return names(shown)


@pytest.fixture(scope="session", params=PAGES)
def page(request: pytest.FixtureRequest, as_role: AsRole, named: Mapping[str, str]) -> Page:
    """Each page, well formed, and with the heading that it is to have."""
    kind = PAGES[request.param]
    answer = as_role(Role.ADMIN).get(kind.at(named))
    found = read(answer)
    assert answer.status_code == kind.status, found.text("main")
    assert kind.heading.format_map(named) in found.text("main h1")
    return found


def test_it_can_be_read_aloud(page: Page) -> None:
    assert page.one("html").get("lang") == "en"
    for landmark in ("header.top", "main", "footer", "head title"):
        assert page.text(landmark), landmark
    assert len(page.all("h1")) == 1
    assert page.text("head title") != "Headgate · Headgate"
    _headings_follow(page)
    for table in page.all("table"):
        assert table.all("caption") and table.all("caption")[0].text
        assert all(
            head.get("scope") in ("col", "row", "colgroup", "rowgroup") for head in table.all("th")
        )
    for drawing in page.all("svg"):
        assert (
            drawing.get("aria-hidden")
            or drawing.get("aria-label")
            or drawing.get("aria-labelledby")
        )
    for link in page.links("body"):
        assert link.text or link.get("aria-label"), link
    ids = [e.get("id") for e in page.below() if e.get("id")]
    assert len(ids) == len(set(ids)), sorted(i for i in ids if ids.count(i) > 1)
    for element in page.below():
        for attribute in ("aria-labelledby", "aria-describedby", "for"):
            for wanted in element.get(attribute, "").split():
                assert wanted in ids, (element, wanted)


def test_every_field_has_a_label(page: Page) -> None:
    labelled = {label.get("for") for label in page.all("label")}
    for field in [e for tag in ("input", "select", "textarea") for e in page.all(tag)]:
        if field.get("type") in ("hidden", "submit"):
            continue
        named = field.get("id") in labelled or field.get("aria-label") or _inside_label(field)
        assert named or field.get("aria-labelledby"), field


def test_it_runs_nothing_of_its_own_and_asks_nobody_else(page: Page) -> None:
    for element in page.below():
        assert "style" not in element.attributes, element
        assert not any(name.startswith("on") for name in element.attributes), element
        assert element.tag != "style" and (element.tag != "script" or element.get("src"))
        for attribute in ("src", "href", "action", "xlink:href"):
            address = element.get(attribute, "")
            assert not re.match(r"(https?:)?//|javascript:|data:", address), element
    assert not any("onerror" in e.attributes for e in page.all("img"))
    assert HOSTILE not in str([e.attributes for e in page.all("img")])


def test_forms_that_change_something_carry_their_token(page: Page) -> None:
    for form in page.all("form"):
        if form.get("method", "get").lower() == "post":
            assert form.all("input[name=form_token]"), form


def _headings_follow(page: Page) -> None:
    """No heading is left out between one and the next below it."""
    before = 0
    for heading in page.one("main").below():
        if re.fullmatch(r"h[1-6]", heading.tag):
            level = int(heading.tag[1])
            assert level <= before + 1, heading.text
            before = level


def _inside_label(field: Element) -> bool:
    at = field.parent
    while at is not None and at.tag != "label":
        at = at.parent
    return at is not None


#: What is no page to look at, or is there only once somebody has done something.
ELSEWHERE = re.compile(
    r"/static/.*|/health|.*\.(pdf|csv|zip)|/sign-in.*"
    r"|.*/replays/\{number\}|/quality/sign-offs/\{number\}"
)


def test_every_page_is_in_the_list(as_role: AsRole, named: Mapping[str, str]) -> None:
    app: Any = as_role(Role.ADMIN).app
    asked = [kind.at(named).partition("?")[0] for kind in PAGES.values() if kind.status == 200]
    missing = []
    for route in app.routes:
        if "GET" in route.methods and not ELSEWHERE.fullmatch(route.path):
            found = [p for p in asked if route.path_regex.fullmatch(unquote(p))]
            missing += [] if found else [route.path]
    assert missing == []
