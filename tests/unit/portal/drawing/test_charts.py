"""Charts: what is drawn is what was counted, nothing in them runs, and every one has its figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from headgate.portal.drawing import bars, chart, lines, strips
from headgate.portal.drawing.chart import Chart, Series

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\" onload='x'"


def parsed(found: Chart) -> ElementTree.Element:
    """The drawing, which is well-formed and asks for nothing that the policy of pages forbids."""
    root = ElementTree.fromstring(str(found.svg))
    for element in root.iter():
        assert not any(name == "style" or name.startswith("on") for name in element.attrib)
        assert not str(element.tag).endswith(("script", "style", "foreignObject"))
    return root


def boxes(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if e.attrib.get("class") == kind]


def every_chart(name: str) -> list[Chart]:
    one = Series(name)
    return [
        bars.stacked(name, [(name, (1, 2, 3, 4))]),
        bars.ranked(name, [(name, 3)], what=name),
        lines.series(name, [(BEGIN, (0.5,))], series=[one], as_share=True, limit=0.9),
        strips.outcomes(name, [name], [(name, [name])]),
    ]


def test_bars_are_as_tall_as_their_rows_are_many() -> None:
    found = bars.stacked("Rows", [("a", (100, 50, 0, 0)), ("b", (200, 0, 0, 0))])
    tall = [float(e.attrib["height"]) for e in boxes(parsed(found), "fill published")]
    _key, first, second = tall
    assert second == pytest.approx(2 * first, rel=0.01)
    assert found.heads == ("batch", "published", "quarantined", "deduplicated", "refused")
    assert found.rows == (("a", 100, 50, 0, 0), ("b", 200, 0, 0, 0))


def test_one_row_among_millions_is_still_seen() -> None:
    found = bars.stacked("Rows", [("a", (5_000_000, 1, 0, 0))])
    assert [float(e.attrib["height"]) for e in boxes(parsed(found), "fill quarantined")][1] >= 1.5


def test_bars_of_one_batch_do_not_cover_one_another() -> None:
    found = parsed(bars.stacked("Rows", [("a", (40, 30, 20, 10))]))
    spans = []
    for one in bars.ACCOUNT:
        box = boxes(found, f"fill {one.kind}")[-1]
        top = float(box.attrib["y"])
        spans.append((top, top + float(box.attrib["height"])))
    spans.sort()
    for (_, floor), (top, _) in pairwise(spans):
        assert floor <= top + 0.11


def test_a_line_stops_where_nothing_is_known() -> None:
    moments = [(BEGIN + timedelta(days=n), (None if n == 2 else n / 4,)) for n in range(5)]
    found = lines.series("Quality", moments, series=[Series("held")], as_share=True)
    path = boxes(parsed(found), "stroke one")[0].attrib["d"]
    assert path.count("M") == 2
    assert [str(row[1]) for row in found.rows][0::4] == ["0\u00a0%", "100\u00a0%"]
    assert "none" in str(found.rows[2][1])


def test_moments_stand_as_far_apart_as_they_were() -> None:
    moments = [(BEGIN + timedelta(hours=h), (1.0,)) for h in (0, 1, 10)]
    found = parsed(lines.series("Quality", moments, series=[Series("held")]))
    x = [float(e.attrib["cx"]) for e in boxes(found, "fill one") if "cx" in e.attrib]
    assert (x[2] - x[0]) == pytest.approx(10 * (x[1] - x[0]), rel=0.01)


def test_every_outcome_has_a_sign_besides_its_colour() -> None:
    outcomes = ["held", "warned", "refused", "unknown", "something new", None]
    found = strips.outcomes("Verdicts", list("abcdef"), [("rule", outcomes)])
    root = parsed(found)
    assert [e.text for e in boxes(root, "sign")] == ["!", "×", "?", "?"]
    assert found.rows == (("rule", "held", "warned", "refused", "unknown", "something new", "–"),)
    assert "rule, b: warned" in "".join(root.itertext())


@pytest.mark.parametrize("found", every_chart(HOSTILE), ids=range(4))
def test_hostile_names_are_text(found: Chart) -> None:
    root = parsed(found)
    assert HOSTILE in "".join(root.itertext())
    ids = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
    assert ids and all(re.fullmatch(r"[a-z0-9-]+", i) for i in ids)


@pytest.mark.parametrize("found", every_chart("The same"), ids=range(4))
def test_a_chart_is_named_and_described(found: Chart) -> None:
    root = parsed(found)
    named = root.attrib["aria-labelledby"].split()
    told = {e.attrib["id"]: e.text for e in root.iter() if "id" in e.attrib}
    assert told[named[0]] == "The same" and told[named[1]]
    assert root.attrib["role"] == "img"


def test_nothing_gives_a_chart_without_rows() -> None:
    assert bars.stacked("Rows", []).rows == ()
    assert lines.series("Quality", [], series=[Series("held")]).rows == ()
    assert strips.outcomes("Verdicts", [], []).rows == ()
    assert bars.ranked("Open", [], what="rows").rows == ()


@pytest.mark.parametrize(
    ("most", "last"), [(0, 1), (1, 1), (7, 8), (99, 100), (101, 150), (0.3, 0.3), (2e9, 2e9)]
)
def test_a_scale_is_of_round_numbers_and_reaches_the_most(most: float, last: float) -> None:
    found = chart.ticks(most)
    assert found[0] == 0 and found[-1] == pytest.approx(last)
    assert 2 <= len(found) <= 6


def test_more_bars_than_can_be_seen_are_left_out_from_the_oldest() -> None:
    found = bars.stacked("Rows", [(str(n), (1, 0, 0, 0)) for n in range(500)])
    assert len(found.rows) == 200 and found.rows[-1][0] == "499"
