"""Pictures of what a question reaches: at most 200 nodes of however many, and every edge in them once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from headgate.core.errors import NotFoundError
from headgate.lineage.graph import Graph
from headgate.lineage.graph_node import ROWS, Node
from headgate.portal.drawing.graph_picture import Picture
from headgate.portal.drawing.graph_svg import draw
from headgate.portal.graphs import reached
from headgate.portal.graphs.about import Knowledge
from headgate.portal.graphs.asked import Asked
from headgate.portal.graphs.compose import MOST_DRAWN, MOST_LINES, Composed, compose
from tests.unit.lineage.made_up_graphs import PLAIN, MadeUp, plain_walk

IDENTITY, FILTER = ("DIRECT", "IDENTITY"), ("INDIRECT", "FILTER")
LAYERS = ("bronze", "silver", "gold")


def made_up(count: int, seed: int, *, inputs: int = 2, columns: int = 0) -> MadeUp:
    """A platform: each dataset is made from some of an earlier layer, or of its own; some go in circles."""
    chance = random.Random(seed)
    names = [f"{LAYERS[n * 3 // count]}.d{chance.randrange(5)}.t{n}" for n in range(count)]
    made = MadeUp()
    for number, name in enumerate(names):
        told = []
        sources = names[max(0, number - count // 3) : number] or ["landing"]
        if chance.random() < 0.03:
            sources = names
        for source in chance.sample(sources, min(inputs, len(sources))):
            told.append((source, "", "", PLAIN))
            for column in range(columns):
                way = IDENTITY if chance.random() < 0.7 else FILTER
                told.append((source, f"c{chance.randrange(columns)}", f"c{column}", way))
            if columns:
                told.append((source, "c0", ROWS, FILTER))
                told.append((name, ROWS, "c0", ("INDIRECT", "ROWS")))
        made.say(name, told, 1)
    return made


def composed(made: MadeUp | Graph, asked: Asked) -> Composed:
    graph = made if isinstance(made, Graph) else Graph(made.history())
    return compose(reached.within(graph, None, asked), Knowledge(graph.names, None), asked)


def ends(picture: Picture) -> Iterator[tuple[Node, Node, bool]]:
    """The edges of a picture as a person reads them, of one in which nothing is put together."""
    for line in picture.lines:
        assert line.count == 1
        both = []
        for card, row in ((line.source, line.from_row), (line.target, line.to_row)):
            shown = picture.cards[card]
            column = shown.rows[row].text if row >= 0 else ""
            both.append(Node(shown.key, ROWS if column == "which rows it has" else column))
        yield both[0], both[1], line.direct


def plainly(
    made: MadeUp, start: Node, directions: Sequence[str], *, indirect: bool
) -> set[tuple[Node, Node, bool]]:
    """What a plain walk over dictionaries says of the same."""
    found = set()
    for direction in directions:
        for _, source, target, ways, _ in plain_walk(made, start, direction, indirect=indirect):
            direct = not ways or any(kind == "DIRECT" for kind, _ in ways)
            if source != target:
                found.add((Node(*source), Node(*target), direct))
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("direction", ["both", "up", "down"])
def test_a_picture_of_a_dataset_has_every_edge_that_a_walk_finds(seed: int, direction: str) -> None:
    made = made_up(40, seed)
    name = random.Random(seed).choice([d for d in made.datasets if d != "landing"])
    picture = composed(made, Asked(dataset=name, direction=direction)).picture
    ways = ("up", "down") if direction == "both" else (direction,)
    told = list(ends(picture))
    assert set(told) == plainly(made, Node(name), ways, indirect=True)
    assert len(told) == len(set(told))
    assert [c.key for c in picture.cards if c.is_start] == [name]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("indirect", [True, False])
def test_a_picture_of_a_column_has_every_edge_that_a_walk_finds(seed: int, indirect: bool) -> None:
    made = made_up(12, seed, columns=3)
    name = [d for d in made.datasets if d.startswith("gold")][-1]
    asked = Asked(dataset=name, column="c1", indirect="yes" if indirect else "no")
    picture = composed(made, asked).picture
    told = list(ends(picture))
    assert set(told) == plainly(made, Node(name, "c1"), ("up", "down"), indirect=indirect)
    assert len(told) == len(set(told))


@pytest.mark.parametrize("by", ["domain", "owner", "distance"])
def test_of_thousands_of_datasets_no_more_than_200_are_drawn(by: str) -> None:
    made = made_up(3_000, 7, inputs=4)
    graph = Graph(made.history())
    hub = next(d for d in made.datasets if d.startswith("bronze"))
    for asked in (
        Asked(by=by), Asked(dataset=hub, by=by), Asked(by=by, opened=("*",)),
        Asked(by=by, opened=("all/gold/d1", "all/silver/d2", "all/gold/d0")),
    ):  # fmt: skip
        found = reached.within(graph, None, asked)
        picture = compose(found, Knowledge(graph.names, None), asked)
        assert picture.picture.drawn <= MOST_DRAWN
        assert len(picture.picture.lines) <= MOST_LINES
        members = [n for unit in picture.grouped.units for n in unit.members]
        assert sorted(members) == list(range(picture.datasets))
        assert str(draw(picture.picture)).count('<g class="card ') == len(picture.grouped.units)


def test_a_card_with_many_columns_shows_some_and_opens() -> None:
    made = MadeUp()
    made.say("silver.a.x", [("bronze.a.x", f"c{n}", "all", IDENTITY) for n in range(60)], 1)
    graph = Graph(made.history())
    asked = Asked(dataset="silver.a.x", column="all")
    card = next(c for c in composed(graph, asked).picture.cards if c.key == "bronze.a.x")
    assert [r.text for r in card.rows][-2:] == ["c7", "52 more columns"]
    assert "open=columns%3Abronze.a.x" in card.rows[-1].address
    more = composed(
        graph, Asked(dataset="silver.a.x", column="all", opened=("columns:bronze.a.x",))
    )
    card = next(c for c in more.picture.cards if c.key == "bronze.a.x")
    assert len(card.rows) == 41 and card.rows[-1].text == "20 more columns"
    assert sum(line.count for line in more.picture.lines) == 60


def test_a_column_of_which_no_value_is_recorded_shows_what_decides_it() -> None:
    made = MadeUp()
    made.say("gold.a.n", [("silver.a.x", "day", "count", FILTER)], 1)
    graph = Graph(made.history())
    found = reached.within(graph, None, Asked(dataset="gold.a.n", column="count"))
    assert found.indirect and len(found.source) == 1
    found = reached.within(graph, None, Asked(dataset="gold.a.n", column="count", indirect="no"))
    assert (len(found.source), found.left_out) == (0, 1)


def test_two_moments_are_compared_edge_by_edge() -> None:
    made = MadeUp()
    made.say("silver.a.x", [("bronze.a.one", "", "", PLAIN), ("bronze.a.two", "", "", PLAIN)], 1)
    made.say("silver.a.x", [("bronze.a.two", "", "", PLAIN), ("bronze.a.new", "", "", PLAIN)], 5)
    history = made.history()
    graphs = [Graph(history, np.full(len(history.names.ids), when)) for when in (2, 6)]
    asked = Asked(dataset="silver.a.x", against="then")
    found = reached.within(graphs[1], graphs[0], asked)
    picture = compose(found, Knowledge(history.names, None), asked).picture
    cards = {c.key: c.change for c in picture.cards}
    assert cards == {
        "silver.a.x": "", "bronze.a.one": "gone", "bronze.a.two": "", "bronze.a.new": "added",
    }  # fmt: skip
    lines = {picture.cards[line.source].key: line.change for line in picture.lines}
    assert lines == {"bronze.a.one": "gone", "bronze.a.two": "", "bronze.a.new": "added"}


def test_what_is_not_there_is_said() -> None:
    graph = Graph(made_up(9, 1).history())
    with pytest.raises(NotFoundError, match="lineage knows no"):
        reached.within(graph, None, Asked(dataset="gold.a.nothing"))
    with pytest.raises(NotFoundError, match="has no column"):
        reached.within(graph, None, Asked(dataset="landing", column="nothing"))
