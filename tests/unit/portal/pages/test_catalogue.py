"""The catalogue: search, filters and pages, each a link; whatever is asked for."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from headgate.orchestration.project import Project
from headgate.portal.knowing.watching import Watcher
from headgate.portal.pages.catalogue import marked
from tests.shown_lake import DISCORD, IRC
from tests.unit.portal.page import Page, read


def _found(page: Page) -> list[str]:
    return [row.all("a.dataset")[0].text for row in page.all("table tbody tr")]


def test_everything_is_there(portal: TestClient, shown: Project) -> None:
    page = read(portal.get("/catalogue"))
    known = Watcher(shown).now()
    assert set(_found(page)) == set(known.datasets)
    assert f"{len(known.datasets)} datasets" in page.text("main")


def test_what_was_found_is_marked(portal: TestClient) -> None:
    page = read(portal.get("/catalogue?q=Author"))
    assert page.all("table mark")
    assert all(m.text.lower() == "author" for m in page.all("table mark"))
    assert page.one("#search").get("value") == "Author" == page.one("#q").get("value")


def test_a_filter_is_a_link_that_can_be_taken_back(portal: TestClient) -> None:
    page = read(portal.get("/catalogue?q=messages"))
    gold = read(portal.get("/catalogue" + page.link("gold")))
    assert _found(gold) and all(d.startswith("gold.") for d in _found(gold))
    assert gold.one("#q").get("value") == "messages"
    (back,) = [a for a in gold.links() if "remove this filter" in a.text]
    assert "Layer: gold" in back.text
    assert _found(read(portal.get("/catalogue" + back.get("href")))) == _found(page)


def test_the_form_asks_for_the_same_as_the_links(portal: TestClient) -> None:
    page = read(portal.get("/catalogue?layer=silver"))
    chosen = {
        s.get("name"): [o.get("value") for o in s.all("option") if "selected" in o.attributes]
        for s in page.all("form.fields select")
    }
    assert chosen["layer"] == ["silver"]
    assert set(chosen) >= {"domain", "owner", "classification", "personal", "tag", "health", "sort"}
    labels = {label.get("for") for label in page.all("form.fields label")}
    assert {s.get("id") for s in page.all("form.fields select")} <= labels


def test_states_lead_to_what_waits(portal: TestClient) -> None:
    page = read(portal.get("/catalogue?health=quarantine"))
    assert _found(page) == [IRC]
    (link,) = [a for a in page.links() if a.text.endswith(" rows")]
    assert portal.get(link.get("href")).status_code == 200


def test_pages_follow_one_another(portal: TestClient) -> None:
    every, address = [], "/catalogue?limit=4&sort=-rows"
    for _ in range(20):
        page = read(portal.get(address))
        every += _found(page)
        following = [a.get("href") for a in page.links() if a.text == "Next page"]
        if not following:
            break
        assert "to " in page.text("main")
        address = "/catalogue" + following[0]
    assert every == _found(read(portal.get("/catalogue?sort=-rows")))


def test_a_typo_leads_on(portal: TestClient) -> None:
    page = read(portal.get("/catalogue?q=mesages"))
    assert not page.all("table")
    assert DISCORD in _found(read(portal.get("/catalogue" + page.link("messages"))))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/catalogue?q=zzzzzz", "Try fewer words"),
        ("/catalogue?owner=nobody", "Remove one of them"),
        ("/catalogue?q=%00%22", "Try fewer words"),
        ("/catalogue?q=messages&layer=%3Cscript%3E", "Remove one of them"),
    ],
)
def test_an_empty_answer_says_what_to_do(portal: TestClient, address: str, told: str) -> None:
    assert told in read(portal.get(address)).text("main")


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a" * 5000, "é", "🙂", '"'])
def test_what_was_asked_for_is_only_text(portal: TestClient, text: str) -> None:
    page = read(portal.get(f"/catalogue?q={quote(text)}&tag={quote(text)}"))
    assert not page.all("main script")
    assert page.one("#q").get("value") == text[:200]


def test_odd_parameters_are_told_or_let_be(portal: TestClient) -> None:
    assert portal.get("/catalogue?sort=nonsense&after=nothing").status_code == 200
    assert portal.get("/catalogue?limit=0").status_code in (400, 422)


def test_an_empty_platform_says_what_would_fill_it(project: Project, serve: object) -> None:
    project.lake.root.mkdir()
    for path in project.settings.contracts_path.rglob("contract.odcs.yaml"):
        if "ledger" not in path.parts:
            path.unlink()
    page = read(serve(Project.open(project.settings.root)).get("/catalogue"))  # type: ignore[operator]
    assert "headgate new source" in page.text("main")


def test_only_beginnings_of_words_are_marked() -> None:
    assert marked("user_id & reuse <b>", ["us"]) == ("<mark>us</mark>er_id &amp; reuse &lt;b&gt;")
    assert marked("<mark>", []) == "&lt;mark&gt;"
