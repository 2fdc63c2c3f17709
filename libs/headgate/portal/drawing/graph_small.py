"""A small picture of lineage for other pages: a dataset or column, one step up and one step down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from headgate.core.errors import NotFoundError
from headgate.lineage.store import loading
from headgate.portal.drawing import graph_svg
from headgate.portal.graphs import reached
from headgate.portal.graphs.about import Knowledge
from headgate.portal.graphs.asked import Asked
from headgate.portal.graphs.compose import compose

if TYPE_CHECKING:
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store
    from headgate.portal.knowing.known import Known

#: If there are more, they are put in groups.
_MOST = 14


@dataclass(frozen=True)
class Small:
    """A picture to be put into a ``<div class="graph-frame" role="region" aria-label=… tabindex="0">``;
    the page loads ``graph.css``. ``address`` is that of the whole graph."""

    drawn: Markup
    address: str


def around(store: Store | PlainStore, now: Known, dataset: str, column: str = "") -> Small | None:
    """The picture around a dataset, or one of its columns; None if lineage knows nothing next to it.

    Raises:
        LakeError: the lineage store is broken, or cannot be reached.
    """
    if dataset not in loading.graph(store).names.places:
        return None  # asked for, it would be answered with the nearest of ten thousand names
    asked = Asked(dataset=dataset, column=column, depth=1)
    try:
        found = reached.find(store, asked)
    except NotFoundError:
        return None
    if not len(found.source):
        return None
    whole = Asked(dataset=dataset, column=column)
    composed = compose(
        found, Knowledge.at(found.graph.names, now), whole, alone=_MOST, most=2 * _MOST
    )
    return Small(graph_svg.draw(composed.picture, name="small-graph"), whole.address())
