"""The picture of the whole platform, kept until something moves: composing it puts every node there is
into its group."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from headgate.portal.drawing import graph_svg
from headgate.portal.graphs.compose import Composed, compose

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.portal.graphs.about import Knowledge
    from headgate.portal.graphs.asked import Asked
    from headgate.portal.graphs.reached import Reached

#: So many pictures are kept: of a platform they differ by grouping and by what was opened.
_MOST = 16


@dataclass(frozen=True, eq=False)
class Drawn:
    """A composed picture and its SVG."""

    composed: Composed
    svg: Markup


class Pictures:
    """Pictures of the platform as it is now; they are the same for whoever asks."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: dict[Asked, tuple[Graph, Knowledge, Drawn]] = {}

    def of(self, found: Reached, knowledge: Knowledge, asked: Asked) -> Drawn:
        """The picture of what was found, from what is known."""
        if found.start is not None or asked.as_of or asked.against:
            return _drawn(found, knowledge, asked)
        key = dataclasses.replace(
            asked, after=""
        )  # which part of the table is shown is in no picture
        kept = self._kept.get(key)
        if kept is not None and kept[0] is found.graph and kept[1] is knowledge:
            return kept[2]
        drawn = _drawn(found, knowledge, asked)
        # Replaced as a whole: requests are answered by several threads.
        now = {k: v for k, v in self._kept.items() if v[0] is found.graph and v[1] is knowledge}
        self._kept = dict([*now.items(), (key, (found.graph, knowledge, drawn))][-self._most :])
        return drawn


def _drawn(found: Reached, knowledge: Knowledge, asked: Asked) -> Drawn:
    composed = compose(found, knowledge, asked)
    return Drawn(composed, graph_svg.draw(composed.picture))
