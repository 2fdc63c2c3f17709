"""What a question is about: the graph as of then, and the node in it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from headgate.lineage.graph_node import Node
from headgate.lineage.store import as_of as times
from headgate.lineage.store import loading

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store


def graph_of(
    store: Store | PlainStore, as_of: str | datetime | AsOf | None
) -> tuple[AsOf | None, Graph]:
    """When is meant, None for now, and the graph as of then.

    Raises:
        NotFoundError: there is no such run or release.
        UsageError: ``as_of`` is none.
        LakeError: the store is broken, or cannot be reached.
    """
    when = times.at(store, as_of) if isinstance(as_of, str | datetime) else as_of
    return when, loading.graph(store, when)


def node_of(graph: Graph, what: str | Node, namespace: str | None) -> Node:
    """The node that ``what`` is or names, in ``namespace`` where its name alone does not say it.

    Raises:
        NotFoundError: there is none.
    """
    if isinstance(what, Node):
        return what
    return graph.find(f"{namespace}/{what}" if namespace else what)
