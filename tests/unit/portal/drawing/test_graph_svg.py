"""Pictures of graphs as SVG: safe to put on a page whatever names say, and every link where it belongs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from headgate.portal.drawing.graph_cards import shortened
from headgate.portal.drawing.graph_picture import Card, Line, Mark, Picture, Row
from headgate.portal.drawing.graph_svg import draw

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>\' onload="x" \x00\x1b\u202e]]>&amp;'


def hostile() -> Picture:
    """A picture in which everything that is a text is as bad as it can be."""
    row = Row(HOSTILE, f"/x?{HOSTILE}", HOSTILE, HOSTILE)
    card = Card(
        key=HOSTILE, name=HOSTILE, note=HOSTILE, layer=HOSTILE, address=f"/x?{HOSTILE}",
        centre=f"/x?{HOSTILE}", opens=f"/x?{HOSTILE}", marks=(Mark(HOSTILE, HOSTILE, HOSTILE),),
        rows=(row, row),
    )  # fmt: skip
    lines = (Line(0, 1, 0, 1, how=HOSTILE), Line(1, 0, direct=False, how=HOSTILE), Line(0, 0, 0, 1))
    return Picture(HOSTILE, (card, card), lines)


def test_whatever_names_say_is_text_alone() -> None:
    told = str(draw(hostile()))
    assert "<script" not in told
    # What XML cannot hold at all was in titles; a page of HTML takes it as a sign that is none.
    root = ET.fromstring(re.sub(r"[\x00-\x08\x0b-\x1f]", "", told))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "defs", "marker", "g", "path", "rect", "text", "tspan", "title", "a"}
    for element in root.iter():
        for name in element.attrib:
            assert name != "style" and not name.startswith("on"), name
        assert re.fullmatch(r"[\w -]*", element.get("class", "")), element.get("class")
        if element.tag == f"{SVG}a":
            assert element.get("href", "").startswith("/x?")


def test_names_that_are_too_long_keep_their_begin_and_their_end() -> None:
    assert shortened("short", 10) == "short"
    assert shortened("fct_channel_activity_daily", 20) == "fct_channel_a…_daily"
    assert len(shortened("x" * 1_000, 24)) == 24
    assert shortened("a\u202eb\nc", 10) == "a·b·c"


def test_cards_come_in_the_order_in_which_they_are_read_and_edges_before_them() -> None:
    cards = tuple(Card(key=n, name=n, note="", layer="gold", address=f"/d/{n}") for n in "cab")
    told = draw(Picture("A picture", cards, (Line(1, 2), Line(2, 0))))
    root = ET.fromstring(str(told))
    assert [a.get("href") for a in root.iter(f"{SVG}a")] == ["/d/a", "/d/b", "/d/c"]
    assert root.get("aria-label") == "A picture"
    assert [g.get("class") for g in root.findall(f"{SVG}g/{SVG}g")] == ["edges", "cards"]


def test_a_circle_is_marked_and_told_apart_from_what_only_decides() -> None:
    cards = tuple(Card(key=n, name=n, note="", layer="gold") for n in "abc")
    lines = (Line(0, 1), Line(1, 2, direct=False, how="decides"), Line(2, 0), Line(0, 2, count=3))
    root = ET.fromstring(str(draw(Picture("A circle", cards, lines))))
    edges = [p for p in root.iter(f"{SVG}path") if p.get("class", "").startswith("edge")]
    assert [p.get("class") for p in edges] == [
        "edge direct", "edge indirect", "edge direct back", "edge direct several",
    ]  # fmt: skip
    assert [t.text for p in edges for t in p] == ["a → b", "b → c: decides", "c → a", "a → c"]
    assert [p.get("data-from") for p in edges] == ["0.-1", "1.-1", "2.-1", "0.-1"]
    for path in edges:  # Every way is of numbers alone.
        assert re.fullmatch(r"[MCH\d. eE-]+", path.get("d", ""))


def test_a_page_may_have_two_pictures() -> None:
    told = str(draw(hostile(), name="one")) + str(draw(hostile(), name="two"))
    ids = re.findall(r' id="([^"]+)"', told)
    assert len(ids) == len(set(ids)) == 8
