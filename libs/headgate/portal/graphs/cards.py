"""Cards of datasets, with those of their columns that are shown, and cards of groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headgate.lineage.graph_node import ROWS
from headgate.portal import addresses
from headgate.portal.drawing.graph_picture import Card, Change, Mark, Row
from headgate.portal.graphs.about import About
from headgate.portal.graphs.reached import ADDED, GONE, Reached

if TYPE_CHECKING:
    from headgate.portal.graphs.asked import Asked
    from headgate.portal.graphs.grouping import Member, Unit

#: The worst comes first; of the others nothing is to be done about.
_HEALTH = {
    "refused": Mark("✕ refused", "bad", "its newest batch was refused"),
    "late": Mark("! late", "warn", "its newest publication is older than its contract allows"),
    "quarantine": Mark("! quarantine", "warn", "rows of it wait for a decision in quarantine"),
    "never": Mark("· never", "quiet", "nothing of it was ever published"),
    "good": Mark("✓ good", "good", "published in time, and nothing waits for anybody"),
}
_PERSONAL = "personal"
#: The row that stands for which rows a dataset has.
WHICH_ROWS = "which rows it has"


class Told(NamedTuple):
    """A dataset that was reached; ``nodes`` are its columns by number, ``most`` how many are shown."""

    member: Member
    nodes: tuple[int, ...]
    most: int


@dataclass(frozen=True)
class Drawn:
    """The cards, one of each unit. ``rows`` has by number of a node in which row it is shown, or that it
    is among those of the last row."""

    units: Sequence[Unit]
    cards: tuple[Card, ...]
    rows: Mapping[int, int]


def drawn(units: Sequence[Unit], told: Sequence[Told], reached: Reached, asked: Asked) -> Drawn:
    """The cards of units."""
    rows: dict[int, int] = {}
    changes = _changes(reached)
    cards = []
    for unit in units:
        if unit.is_group:
            cards.append(_group(unit, told, asked))
            continue
        one = told[unit.members[0]]
        shown, more = _shown(one, reached, asked)
        rows |= {node: number for number, node in enumerate(shown)}
        rows |= dict.fromkeys(more, len(shown))
        cards.append(_dataset(one, shown, more, reached, asked, changes))
    return Drawn(units, tuple(cards), rows)


def _shown(one: Told, reached: Reached, asked: Asked) -> tuple[list[int], list[int]]:
    """The columns that are shown, and those that are not; the one that was asked about is."""
    nodes = list(one.nodes)
    start = reached.start
    if start is not None and start.dataset == one.member.about.name:
        names = reached.graph.names.field_names
        nodes.sort(key=lambda n: names[n] != start.column)
    if len(nodes) <= one.most + 1:
        return nodes, []
    return nodes[: one.most], nodes[one.most :]


def _dataset(
    one: Told, shown: list[int], more: list[int], reached: Reached, asked: Asked,
    changes: Mapping[int, Change],
) -> Card:  # fmt: skip
    about = one.member.about
    marks = [_HEALTH[about.health]] if about.health in _HEALTH else []
    if about.personal:
        told = ", ".join(sorted(about.personal))
        marks.insert(0, Mark(_PERSONAL, "personal", f"personal data: {told}"))
    rows = [_column(node, about, reached, asked, changes) for node in shown]
    if more:
        opens = asked.opening(f"columns:{about.name}") if one.most < 40 else ""
        rows.append(Row(f"{len(more)} more columns", opens, kind="more"))
    is_start = reached.start is not None and reached.start.dataset == about.name
    return Card(
        key=about.name,
        name=about.short,
        note=" · ".join((about.layer, about.domain, *([about.owner] if about.has_page else []))),
        layer=about.layer,
        kind="dataset" if about.has_page else "source",
        address=addresses.dataset(about.name) if about.has_page else "",
        centre="" if is_start and not asked.column else asked.around(about.name),
        marks=tuple(marks),
        rows=tuple(rows),
        is_start=is_start,
        change=_change_of(one, reached, changes),
    )


def _column(
    node: int, about: About, reached: Reached, asked: Asked, changes: Mapping[int, Change]
) -> Row:
    name = reached.graph.names.field_names[node]
    is_start = reached.start is not None and reached.start == (about.name, name)
    title = f"{about.name}: {WHICH_ROWS}" if name == ROWS else f"{about.name}.{name}"
    return Row(
        text=WHICH_ROWS if name == ROWS else name,
        address="" if is_start else asked.around(about.name, name),
        title=f"{title}, personal data" if name in about.personal else title,
        note=_PERSONAL if name in about.personal else "",
        kind="rows" if name == ROWS else "column",
        is_start=is_start,
        change=changes.get(node, ""),
    )


def _group(unit: Unit, told: Sequence[Told], asked: Asked) -> Card:
    abouts = [told[n].member.about for n in unit.members]
    health = Counter(a.health for a in abouts)
    worst = next((h for h in _HEALTH if health[h]), "")
    marks = []
    personal = sum(1 for a in abouts if a.personal)
    if personal:
        marks.append(Mark(_PERSONAL, "personal", f"{personal} of them hold personal data"))
    if worst:
        said = _HEALTH[worst]
        bad = worst not in ("good", "never")
        text = f"{said.text[0]} {health[worst]} {worst}" if bad else said.text
        marks.append(Mark(text, said.kind, f"{health[worst]} of them: {said.title}"))
    layers = {a.layer for a in abouts}
    return Card(
        key=unit.key,
        name=" · ".join(unit.words),
        note=f"{len(abouts)} datasets",
        layer=layers.pop() if len(layers) == 1 else "mixed",
        kind="group",
        opens=asked.opening(unit.key),
        address=asked.opening(unit.key),
        marks=tuple(marks),
    )


def _changes(reached: Reached) -> dict[int, Change]:
    """What is there in only one of two moments: a node of which all edges are new, or gone."""
    if reached.other is None:
        return {}
    found: dict[int, Change] = {}
    nodes = np.concatenate([reached.source, reached.target])
    change = np.concatenate([reached.change, reached.change])
    for which, word in ((ADDED, "added"), (GONE, "gone")):
        only = np.setdiff1d(nodes[change == which], nodes[change != which])
        found |= dict.fromkeys(only.tolist(), word)
    return found


def _change_of(one: Told, reached: Reached, changes: Mapping[int, Change]) -> Change:
    """That of all its columns, if it is the same; without columns that of the dataset as a whole."""
    nodes = one.nodes or (int(reached.graph.names.whole_of[one.member.about.place]),)
    found = {changes.get(node, "") for node in nodes}
    return found.pop() if len(found) == 1 else ""
