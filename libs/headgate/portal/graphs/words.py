"""How one thing follows from another, in a few words."""

from __future__ import annotations

from headgate.lineage import names
from headgate.lineage.graph_arrays import WaySet
from headgate.portal.graphs.reached import Reached

#: What OpenLineage calls the ways in which a column follows from another, for a reader.
_WAYS = {
    "IDENTITY": "taken as it is",
    "TRANSFORMATION": "worked out from it",
    "AGGREGATION": "counted or summed up",
    "JOIN": "decides what is joined",
    "GROUP_BY": "decides what is put together",
    "FILTER": "decides which rows are taken",
    "SORT": "decides the order",
    "WINDOW": "decides which rows are looked at together",
    "CONDITIONAL": "decides which value is taken",
    "ROWS": "which rows there are",
    "LOOKUP": "keys are looked up in it",
}
_VERBS = {
    names.INGEST: "taken in", names.BUILD: "built", names.GATE: "judged", names.REPLAY: "replayed",
    names.WAIVE: "waived",
}  # fmt: skip


def how(reached: Reached, edge: int) -> str:
    """How the target of an edge follows from its source."""
    ways = reached.graph.ways.sets[int(reached.ways[edge])]
    return of_ways(ways) if ways else of_job(reached.graph.job(int(reached.saying[edge]))[1])


def of_ways(ways: WaySet) -> str:
    """Ways in words."""
    return ", ".join(
        _WAYS.get(kind_of.upper(), kind_of.lower().replace("_", " ") or kind.lower())
        for kind, kind_of in ways
    )


def of_job(name: str) -> str:
    """What a job does, as far as its name says it."""
    verb = name.rpartition(".")[2]
    return _VERBS.get(verb, f"made by {name}" if name else "declared")
