"""The picture of what was reached: datasets and groups as cards, their columns as rows, edges put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headgate.lineage.graph_arrays import Ints
from headgate.portal.drawing.graph_picture import Change, Line, Picture
from headgate.portal.graphs import cards
from headgate.portal.graphs.about import LAYERS, Knowledge
from headgate.portal.graphs.asked import Asked
from headgate.portal.graphs.cards import Told
from headgate.portal.graphs.grouping import Grouped, Member, grouped
from headgate.portal.graphs.reached import ADDED, GONE, Reached
from headgate.portal.graphs.words import how

#: No more nodes are drawn, and no more edges; so many nodes are drawn without being asked for.
MOST_DRAWN, MOST_LINES, ALONE = 200, 800, 90
#: How many columns a card shows, and how many if it was opened.
_ROWS, _ROWS_OPEN = 8, 40
#: An open group of columns is called so, then comes the dataset's name.
COLUMNS = "columns:"
_CHANGES: dict[int, Change] = {ADDED: "added", GONE: "gone"}
#: Of an edge whose group is told of so many times its words are left out.
_MOST_WORDS = 3


@dataclass(frozen=True)
class Composed:
    """A picture, and how it is grouped. ``datasets`` counts those that were reached, ``undrawn`` the edges
    between cards for which there is no room."""

    picture: Picture
    grouped: Grouped
    datasets: int
    undrawn: int = 0


def compose(
    reached: Reached,
    knowledge: Knowledge,
    asked: Asked,
    *,
    alone: int = ALONE,
    most: int = MOST_DRAWN,
) -> Composed:
    """The picture of what was reached: at most ``most`` nodes, of which ``alone`` are drawn without being
    asked for; fewer of these, if there were more than :data:`MOST_LINES` edges between them."""
    told = _told(reached, knowledge, asked)
    opened = tuple(k for k in asked.opened if not k.startswith(COLUMNS))
    # Of the whole platform nobody is nearer than another.
    by = "domain" if reached.start is None and asked.by == "distance" else asked.by
    members = [t.member for t in told]
    for few in (alone, alone // 2, alone // 4):
        found = grouped(members, by=by, opened=opened, alone=few, most=most)
        drawn = cards.drawn(found.units, told, reached, asked)
        ends, count, by_end, begin = _ends(reached, told, drawn)
        if len(ends) <= MOST_LINES:
            break
    # What stands for the fewest edges is left out.
    thick = np.sort(np.argsort(-count, kind="stable")[:MOST_LINES])
    lines = tuple(_lines(reached, ends[thick], count[thick], by_end, begin[thick]))
    picture = Picture(_title(asked, reached), drawn.cards, lines)
    return Composed(picture, found, len(told), len(ends) - len(thick))


def _told(reached: Reached, knowledge: Knowledge, asked: Asked) -> list[Told]:
    """Every dataset that was reached, with those of its columns that are; where it began comes first,
    then the others by layer and name."""
    known = reached.graph.names
    place = known.dataset_of[reached.node]
    order = np.lexsort((reached.node, place))
    begins = np.flatnonzero(np.diff(place[order], prepend=-1))
    # Where it is nearest, and there on which side.
    near = (reached.depth * 4 + reached.side + 1)[order]
    nearest = np.minimum.reduceat(near, begins) if len(begins) else near
    node = reached.node[order]
    is_column = (~known.is_whole[node]).tolist()
    nodes = node.tolist()
    ends = [*begins[1:].tolist(), len(nodes)][: len(begins)]
    opened = {k for k in asked.opened if k.startswith(COLUMNS)}
    found = []
    for own, begin, end, at in zip(
        place[order][begins].tolist(), begins.tolist(), ends, nearest.tolist(), strict=True
    ):
        about = knowledge.of(own)
        shown = tuple(nodes[n] for n in range(begin, end) if is_column[n])
        most = _ROWS_OPEN if COLUMNS + about.name in opened else _ROWS
        weight = max(1, min(len(shown), most + 1))
        found.append(Told(Member(about, at % 4 - 1, at // 4, weight), shown, most))
    start = reached.start
    if start is not None and not any(t.member.about.name == start.dataset for t in found):
        about = knowledge.of(known.places[start.dataset])
        found.append(Told(Member(about, 0, 0), (), _ROWS))
    found.sort(key=_by_layer_and_name)
    return found


def _by_layer_and_name(told: Told) -> tuple[int, int, str]:
    about = told.member.about
    return told.member.depth > 0, LAYERS.index(about.layer), about.name


def _ends(
    reached: Reached, told: Sequence[Told], drawn: cards.Drawn
) -> tuple[Ints, Ints, Ints, Ints]:
    """The edges as they are drawn, each once: rows of card, row, card, row, whether it is direct and its
    change; for how many each stands; and which those are, one edge's after the other's, with where
    each begins."""
    card = np.full(len(reached.graph.names.ids), -1, np.int64)
    for number, unit in enumerate(drawn.units):
        for member in unit.members:
            card[told[member].member.about.place] = number
    row = np.full(len(reached.graph.names.field_ids) + 1, -1, np.int64)
    for node, number in drawn.rows.items():
        row[node] = number
    of = reached.graph.names.dataset_of
    rows = np.stack(
        [
            card[of[reached.source]], row[reached.source], card[of[reached.target]],
            row[reached.target], reached.graph.ways.direct[reached.ways].astype(np.int64),
            reached.change,
        ],
        axis=1,
    )  # fmt: skip
    same = rows[:, 0] == rows[:, 2]
    # Within a card there is something to draw only from one of its rows to another.
    inside = same & ((rows[:, 1] == rows[:, 3]) | (rows[:, 1] < 0) | (rows[:, 3] < 0))
    chosen = np.flatnonzero(~inside)
    ends, inverse, count = np.unique(rows[chosen], axis=0, return_inverse=True, return_counts=True)
    by_end = chosen[np.argsort(inverse.reshape(-1), kind="stable")]
    return ends, count, by_end, np.append(0, np.cumsum(count))


def _lines(reached: Reached, ends: Ints, count: Ints, by_end: Ints, begin: Ints) -> list[Line]:
    found = []
    for number, (source, from_row, target, to_row, direct, change) in enumerate(ends.tolist()):
        some = by_end[begin[number] : begin[number] + _MOST_WORDS]
        words = sorted({how(reached, int(edge)) for edge in some})
        found.append(
            Line(
                source, target, from_row, to_row,
                direct=bool(direct), count=int(count[number]),
                how=", ".join(words) if count[number] <= _MOST_WORDS else f"{count[number]} edges",
                change=_CHANGES.get(change, ""),
            )
        )  # fmt: skip
    return found


def _title(asked: Asked, reached: Reached) -> str:
    what = str(reached.start) if reached.start is not None else "the whole platform"
    told = {"both": "", "up": ", what it is made from", "down": ", what is made from it"}
    return f"Lineage of {what}{told[asked.direction] if reached.start is not None else ''}"
