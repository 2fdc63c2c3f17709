"""Graphs that are laid out: no box upon another, edges one way but those that close a circle, always alike."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from headgate.portal.drawing import graph_order
from headgate.portal.drawing.graph_layout import COLUMN_GAP, ROW_GAP, Join, Laid, lay
from headgate.portal.drawing.graph_ranks import ranks, turned

Sizes = list[tuple[float, float]]
#: Coordinates are rounded to a tenth.
NEAR = 0.21


def some_graph(seed: int) -> tuple[Sizes, list[Join]]:
    """A graph of up to 60 boxes: sparse or dense, with circles or without, parted or not."""
    chance = random.Random(seed)
    count = chance.randrange(1, 60)
    sizes: Sizes = [(256.0, 50.0 + 22 * chance.randrange(9)) for _ in range(count)]
    joins = []
    for _ in range(chance.randrange(0, 3 * count)):
        one, other = sorted(chance.choices(range(count), k=2))
        if chance.random() < 0.1:
            one, other = other, one
        joins.append(Join(one, other, chance.uniform(-20, 20), chance.uniform(-20, 20)))
    return sizes, joins


def pairs(joins: list[Join]) -> set[tuple[int, int]]:
    return {(j.source, j.target) for j in joins if j.source != j.target}


@pytest.fixture(params=range(24))
def graph(request: pytest.FixtureRequest) -> tuple[Sizes, list[Join], Laid]:
    sizes, joins = some_graph(request.param)
    return sizes, joins, lay(sizes, joins)


def test_no_box_stands_upon_another_and_all_are_within(graph: Any) -> None:
    sizes, _, laid = graph
    assert [(p.width, p.height) for p in laid.places] == sizes
    for place in laid.places:
        assert place.x >= 0 and place.x + place.width <= laid.width
        assert place.y >= -NEAR and place.y + place.height <= laid.height + NEAR
    for one, other in combinations(laid.places, 2):
        if one.rank != other.rank:
            assert abs(one.x - other.x) >= 256 + COLUMN_GAP - NEAR
        else:
            above, below = sorted((one, other), key=lambda p: p.y)
            assert above.y + above.height + ROW_GAP <= below.y + NEAR


def test_edges_lead_to_the_right_but_those_that_close_a_circle(graph: Any) -> None:
    _, joins, laid = graph
    for source, target in pairs(joins):
        begin, end = laid.places[source].rank, laid.places[target].rank
        assert (begin > end) == ((source, target) in laid.turned)
        assert begin != end
    # What is turned closes a circle: without it none is left, and with it there is one.
    onward = pairs(joins) - laid.turned
    for source, target in laid.turned:
        assert reaches(onward, target, source)


def reaches(onward: set[tuple[int, int]], start: int, end: int) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for source, target in onward:
            if source == here and target not in seen:
                seen.add(target)
                waiting.append(target)
    return end in seen


def test_an_edge_passes_every_column_between_its_ends_and_no_box(graph: Any) -> None:
    _, joins, laid = graph
    for source, target in pairs(joins):
        begin, end = laid.places[source].rank, laid.places[target].rank
        passed = laid.passages[source, target]
        assert len(passed) == abs(begin - end) - 1
        assert [p.begin for p in passed] == sorted(
            (p.begin for p in passed), reverse=(source, target) in laid.turned
        )
        for passage in passed:
            for place in laid.places:
                if place.x == passage.begin:
                    assert not place.y - NEAR < passage.y < place.y + place.height + NEAR


def test_the_same_graph_is_always_drawn_alike_whatever_order_its_edges_come_in() -> None:
    for seed in range(8):
        sizes, joins = some_graph(seed)
        known = lay(sizes, joins)
        assert lay(list(sizes), iter(joins)) == known
        plain = [Join(j.source, j.target) for j in joins]
        shuffled = random.Random(seed).sample(plain, len(plain))
        assert lay(sizes, sorted(shuffled, key=lambda j: (j.source, j.target))) == lay(
            sizes, sorted(plain, key=lambda j: (j.source, j.target))
        )


def test_a_chain_is_a_straight_line_and_nothing_is_turned() -> None:
    laid = lay([(256.0, 66.0)] * 5, [Join(n, n + 1) for n in range(4)])
    assert [p.rank for p in laid.places] == [0, 1, 2, 3, 4]
    assert len({p.y for p in laid.places}) == 1
    assert not laid.turned


def test_a_circle_is_broken_once_and_what_leads_to_itself_is_no_circle() -> None:
    assert turned(3, [(0, 1), (1, 2), (2, 0), (1, 1)]) == {(2, 0)}
    assert not lay([(1.0, 1.0)], [Join(0, 0)]).turned


def test_a_source_stands_beside_what_it_serves() -> None:
    # 0 -> 1 -> 2 -> 3, and 4 -> 3 alone.
    assert ranks(5, [(0, 1), (1, 2), (2, 3), (4, 3)]) == [0, 1, 2, 3, 2]


def test_crossings_are_counted_and_sorted_out() -> None:
    left = [[], [], [1], [0]]
    right = [[3], [2], [], []]
    assert graph_order.crossings([[0, 1], [2, 3]], right, [0, 1, 0, 1]) == 1
    columns = graph_order.ordered([[0, 1], [2, 3]], left, right)
    place = [0] * 4
    for column in columns:
        for number, node in enumerate(column):
            place[node] = number
    assert graph_order.crossings(columns, right, place) == 0


def test_nothing_at_all_can_be_drawn() -> None:
    laid = lay([], [])
    assert (laid.width, laid.height, laid.places) == (0.0, 0.0, ())


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of Python it takes: no clock, and the same on every machine."""
    count = 0

    def step(_frame: Any, event: str, _given: Any) -> Any:
        nonlocal count
        count += event == "line"
        return step

    known = sys.gettrace()
    sys.settrace(step)
    try:
        work()
    finally:
        sys.settrace(known)
    return count


@pytest.mark.parametrize("shape", ["fan", "layers", "ladder"])
def test_four_times_the_graph_takes_no_sixteen_times_the_work(shape: str) -> None:
    def work(size: int) -> Callable[[], object]:
        if shape == "fan":
            joins = [Join(0, n) for n in range(1, size)]
        elif shape == "layers":
            joins = [Join(n, n + 20 + n % 3) for n in range(size - 23)]
        else:
            joins = [Join(n, min(n + step, size - 1)) for n in range(size - 1) for step in (1, 2)]
        return lambda: lay([(256.0, 66.0)] * size, joins)

    assert lines_run(work(240)) < 8 * lines_run(work(60))


def test_of_edges_that_are_too_many_and_too_long_the_longest_go_straight() -> None:
    size = 150
    joins = [Join(n, n + 1) for n in range(size - 1)] + [Join(n, size - 1) for n in range(size - 2)]
    laid = lay([(256.0, 66.0)] * size, joins)
    assert laid.passages[size - 3, size - 1] and not laid.passages[0, size - 1]
    assert len({(p.begin, p.y) for way in laid.passages.values() for p in way}) <= 2_000
