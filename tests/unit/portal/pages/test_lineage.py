"""The lineage page: what it draws and lists is what lineage answers, now and then, and every part is a link."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from headgate.core import clock
from headgate.lineage.graph_node import ROWS, Node
from headgate.lineage.questions.trace import trace
from headgate.lineage.store import instants, loading
from headgate.portal.drawing import graph_small
from headgate.portal.graphs.cards import WHICH_ROWS
from tests.unit.portal.page import Element, Page, read

USERS, IRC = "gold.community.dim_users", "bronze.irc.messages"
EDGES = "Edges, the nearest first"
HOSTILE = "\"><script>alert(1)</script>'"


def ask(portal: TestClient, status: int = 200, **query: str | list[str]) -> Page:
    answer = portal.get("/lineage", params=query)
    assert answer.status_code == status, answer.text[:500]
    return read(answer)


def rows(portal: TestClient, **query: str) -> list[dict[str, str]]:
    """The rows of the table, on all its pages."""
    page, found = ask(portal, limit="20", **query), []
    if not page.all("section table"):
        assert "Nothing leads here or from here." in page.text("main")
        return []
    while True:
        found += page.table(EDGES)
        following = [a for a in page.links() if a.get("rel") == "next"]
        if not following:
            return found
        page = read(portal.get("/lineage" + following[0].get("href", "")))


def told(node: Node) -> str:
    column = WHICH_ROWS if node.column == ROWS else node.column
    return f"{node.dataset} {column}".strip()


def ends(page: Page) -> set[tuple[str, str]]:
    """The edges of the picture, by what their ends are called in full."""
    called: dict[str, str] = {}
    for card in page.all("svg.graph g.card"):
        number = card.get("data-card")
        called[f"{number}.-1"] = card.all("title")[0].text.partition(",")[0]
        for row in card.all("g.row"):
            name = row.all("title")[0].text.removesuffix(", personal data")
            dataset = called[f"{number}.-1"]
            is_rows = name == f"{dataset}: {WHICH_ROWS}"
            called[row.get("data-row")] = (
                f"{dataset} {WHICH_ROWS if is_rows else name.removeprefix(f'{dataset}.')}"
            )
    edges = page.all("svg.graph g.edges path")
    return {(called[e.get("data-from")], called[e.get("data-to")]) for e in edges}


def test_the_platform_is_drawn_in_groups_and_each_opens_by_a_link(portal: TestClient) -> None:
    page = ask(portal)
    assert page.text("h1") == "Lineage"
    groups = page.all("svg.graph g.group")
    assert {"gold · community", "bronze · chat"} <= {g.all("text")[0].text for g in groups}
    for group in groups:
        opened = read(portal.get(group.all("a")[0].get("href")))
        name = group.all("text")[0].text
        assert name not in {t.text for t in opened.all("svg.graph g.group text")}
        closing = read(portal.get(opened.link(f"Close {name}")))
        assert len(closing.all("svg.graph g.group")) == len(groups)
    everything = read(portal.get(page.link("Open all groups")))
    assert not everything.all("svg.graph g.group")
    cards = {a.get("href") for a in everything.all("svg.graph a.to")}
    assert f"/datasets/{USERS}" in cards and f"/datasets/{IRC}" in cards


@pytest.mark.parametrize("start", [Node(USERS, "name"), Node("silver.chat.messages", "author_id")])
@pytest.mark.parametrize("direction", ["up", "down", "both"])
@pytest.mark.parametrize("indirect", ["yes", "no"])
def test_a_column_is_drawn_and_listed_back_to_its_sources_as_lineage_answers(
    portal: TestClient, start: Node, direction: str, indirect: str
) -> None:
    asked = {**start._asdict(), "direction": direction, "indirect": indirect}
    store = portal.app.state.served.lineage  # type: ignore[attr-defined]
    ways = ("up", "down") if direction == "both" else (direction,)
    edges = [
        edge for way in ways for edge in trace(store, start, way, indirect=indirect == "yes").edges  # type: ignore[arg-type]
    ]  # fmt: skip
    expected = {(told(e.source), told(e.target)) for e in edges}
    listed = rows(portal, **asked)
    assert {(row["From"], row["To"]) for row in listed} == expected
    assert len(listed) == len({(e.source, e.target, e.ways, e.job) for e in edges})
    # Of cards with many columns all have to be open to be compared.
    cards = [f"columns:{node.dataset}" for e in edges for node in (e.source, e.target)]
    page = ask(portal, **asked, open=sorted(set(cards)))
    assert ends(page) == expected
    if direction != "down":
        assert any(source.startswith("landing/discord") for source, _ in expected)


def test_the_table_says_by_which_job_and_run_since_when(portal: TestClient) -> None:
    page = ask(portal, dataset=USERS, direction="up", depth="1")
    listed = page.table(EDGES)
    assert {r["From"] for r in listed} == {"bronze.chat.users", "gold.community.fct_user_activity_daily"}  # fmt: skip
    for row in listed:
        assert (row["How"], row["By the job"]) == ("built", f"{USERS}.build")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", row["Since"])
    known = portal.app.state.served.knowing.now()  # type: ignore[attr-defined]
    runs = {f"/runs/{release.run}" for release in known.releases}
    linked = {a.get("href") for a in page.links("table") if a.get("href", "").startswith("/runs/")}
    assert linked and linked <= runs


def test_cards_say_whose_they_are_how_they_are_and_what_is_personal(portal: TestClient) -> None:
    page = ask(portal, dataset=IRC)
    card = next(c for c in page.all("svg.graph g.card") if "start" in c.get("class").split())
    assert [t.text for t in card.all("text")][:2] == ["messages", "bronze · irc · chat-platform"]
    assert "personal" in card.text
    known = portal.app.state.served.knowing.now()  # type: ignore[attr-defined]
    assert known.datasets[IRC].health in card.text
    source = next(c for c in page.all("svg.graph g.card") if "source" in c.get("class").split())
    assert not source.all("a.to") and source.all("a.centre")


def test_direct_and_indirect_edges_differ_in_line_and_in_word(portal: TestClient) -> None:
    page = ask(portal, dataset=USERS, column="name", indirect="yes", limit="200")
    classes = [set(e.get("class").split()) for e in page.all("svg.graph g.edges path")]
    assert {"edge", "direct"} in classes and {"edge", "indirect"} in classes
    listed = page.table(EDGES)
    assert any(r["How"].endswith("(indirect)") for r in listed)
    assert any(r["How"] == "taken as it is" for r in listed)
    alone = ask(portal, dataset=USERS, column="name")
    assert not alone.all("svg.graph g.edges path.indirect")
    assert any("left out" in a.text for a in alone.links())


def moments(portal: TestClient) -> list[str]:
    """The instants at which anything was said, from the first on."""
    store = portal.app.state.served.lineage  # type: ignore[attr-defined]
    begins = sorted(set(loading.graph(store).history.spans.begin.tolist()))
    return [clock.iso(instants.moment(at)) for at in begins]


def test_the_graph_is_shown_as_it_was_then(portal: TestClient) -> None:
    first = moments(portal)[0]
    half = moments(portal)[len(moments(portal)) // 2]
    then, now = ask(portal, as_of=half, open="*"), ask(portal, open="*")
    assert f"As of {half}" in then.text("main")
    assert 0 < len(ends(then)) < len(ends(now))
    assert ends(then) < ends(now)
    page = ask(portal, dataset=USERS, as_of=first)
    assert f"As of {first} nothing was recorded for {USERS}" in page.text("main")
    assert "Nothing leads here or from here." in page.text("main")
    assert [c.get("class") for c in page.all("svg.graph g.card")] == [
        "card dataset layer-gold start"
    ]
    released = ask(portal, dataset=USERS, as_of="release:1")
    assert ends(released) == ends(ask(portal, dataset=USERS))


def test_what_was_not_known_yet_is_said_with_the_form_to_ask_anew(portal: TestClient) -> None:
    page = ask(portal, 404, dataset=USERS, as_of="2001-01-01")
    assert "nothing was recorded as of 2001-01-01 yet. Lineage begins at" in page.text(
        "p[role=alert]"
    )
    assert page.one("input[name=as_of]").get("value") == "2001-01-01"
    assert page.one("input[name=dataset]").get("value") == USERS
    assert "no time, run or release" in ask(portal, 400, as_of="soon").text("p[role=alert]")
    assert "The newest is 3" in ask(portal, 404, as_of="release:99").text("p[role=alert]")


def test_two_moments_are_compared(portal: TestClient) -> None:
    first = moments(portal)[0]
    page = ask(portal, dataset=USERS, direction="up", against=first)
    changes = {r["Change"] for r in page.table(EDGES)}
    assert changes == {"new", "the same"} or changes == {"new"}
    assert page.all("svg.graph g.edges path.added")
    back = ask(portal, dataset=USERS, direction="up", as_of=first, against="release:1")
    assert {r["Change"] for r in back.table(EDGES)} == {"gone"}
    assert len(back.all("svg.graph path.gone")) >= len(back.table(EDGES))


@pytest.mark.parametrize(
    ("query", "status"),
    [({"dataset": HOSTILE}, 404), ({"dataset": USERS, "column": HOSTILE}, 404), ({"q": HOSTILE}, 200),
     ({"as_of": HOSTILE}, 400), ({"against": HOSTILE}, 400), ({"open": HOSTILE}, 200),
     ({"open": [f"a/{n}" for n in range(61)]}, 400), ({"depth": "0"}, 400), ({"depth": "٣"}, 400),
     ({"direction": HOSTILE}, 400), ({"limit": "201"}, 400), ({"after": HOSTILE}, 404),
     ({"after": "9.9.9.9.9"}, 200), ({"after": f"1.1.1.1.{'9' * 30}"}, 404), ({"by": "x"}, 400),
     ({"dataset": "x\0y"}, 400), ({"dataset": "x" * 1_001}, 400), ({"dataset": "x" * 900}, 404)],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_and_nothing_of_it_runs(
    portal: TestClient, query: dict[str, str | list[str]], status: int
) -> None:
    page = ask(portal, status, **query)
    assert all("alert(1)" not in e.text for e in page.all("script")) and harmless(page.below())
    assert page.all("h1") and page.all("form[action=/lineage]")


def harmless(elements: Iterable[Element]) -> bool:
    names = {name for e in elements for name in e.attributes}
    return not any(name == "style" or name.startswith("on") for name in names)


def test_every_link_of_the_picture_leads_to_a_page(portal: TestClient) -> None:
    page = ask(portal, dataset=USERS, column="name", indirect="yes")
    assert harmless(page.below())
    links = {a.get("href") for a in page.all("svg.graph a")}
    assert len(links) > 10
    for address in sorted(links):
        if address.startswith("/lineage"):
            assert portal.get(address).status_code == 200, address
        else:
            assert re.fullmatch(r"/datasets/[a-z_.]+", address)


def test_a_dataset_is_found_by_a_part_of_its_name(portal: TestClient) -> None:
    page = ask(portal, q="dim_users", as_of="release:2")
    address = next(a.get("href") for a in page.links() if a.text == USERS)
    assert parse_qs(urlsplit(address).query) == {"dataset": [USERS], "as_of": ["release:2"]}
    assert "No dataset" in ask(portal, q="zzzzzz").text("main")


def test_other_pages_get_a_small_picture(portal: TestClient) -> None:
    parts = portal.app.state.served  # type: ignore[attr-defined]
    small = graph_small.around(parts.lineage, parts.knowing.now(), USERS)
    assert small is not None
    page = read(f"<div>{small.drawn}</div>")
    assert {"bronze.chat.users", USERS, "gold.community.community_health_daily"} <= {
        t.text.partition(",")[0] for t in page.all("g.card a.to title")
    }
    assert "silver.chat.messages" not in small.drawn
    assert portal.get(small.address).status_code == 200
    column = graph_small.around(parts.lineage, parts.knowing.now(), USERS, "name")
    assert column is not None and 'data-row="' in column.drawn
    assert graph_small.around(parts.lineage, parts.knowing.now(), "gold.a.nothing") is None
