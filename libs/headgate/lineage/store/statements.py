"""What a run or a job says of an output: a set of edges, stored once however often it is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.graph_node import ROWS
from headgate.lineage.store import tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.naming import Named
from headgate.lineage.store.rows import insert
from headgate.lineage.store.told import IN_FULL, Piece, Pieces

MADE, LOOKED_UP, DECLARED = "made", "looked up", "declared"
#: Slots of a lake's own dataset by the kind of our job; other kinds say nothing of edges.
_SLOTS = {names.INGEST: MADE, names.BUILD: MADE, names.GATE: LOOKED_UP}
_MEMORY = "duckdb://:memory:"

Pair = tuple[str, str]


class Edge(NamedTuple):
    """``column`` of the output follows from another dataset's ``field``, by a way."""

    column: str
    namespace: str
    name: str
    field: str
    type: str
    subtype: str


@lru_cache(maxsize=10_000)
def slot_of(job: Pair, dataset: Pair) -> str | None:
    """What a newer statement of the job's on the dataset takes the place of; None: it says nothing.

    ``job`` stands for a slot of the job's own.
    """
    if names.lake_of(job[0]) is not None:
        try:
            kind = names.parse_job(job[1])[0]
        except UsageError:
            return "job"
        if names.lake_of(dataset[0]) is not None or kind not in _SLOTS:
            return _SLOTS.get(kind)
    return "job"


def edges(
    dataset: Pair, pieces: Pieces | None, inputs: Iterable[Pair], slot: str
) -> frozenset[Edge]:
    """All that is said of an output.

    Args:
        dataset: the output.
        pieces: what was told of its columns and rows.
        inputs: the other datasets that the run or job reads.
        slot: what kind of statement it is.
    """
    told = pieces.all if pieces else frozenset()
    read = set() if IN_FULL in told else set(inputs)
    read |= {(namespace, name) for _, namespace, name, *_ in told if namespace}
    read.discard(dataset)
    if slot == LOOKED_UP:
        return frozenset(Edge("", *other, "", "INDIRECT", "LOOKUP") for other in read)
    return frozenset(_edges(dataset, told - {IN_FULL}, read))


def _edges(dataset: Pair, told: frozenset[Piece], read: set[Pair]) -> Iterator[Edge]:
    for other in read:
        yield Edge("", *other, "", "", "")
        yield Edge(ROWS, *other, ROWS, "INDIRECT", "ROWS")
    follow = {piece[0] for piece in told if piece[1] and piece[0]}
    for piece in told:
        column = piece[0]
        if piece[1]:
            if column:
                yield Edge(*piece)
            continue
        if column not in follow:
            yield Edge(column, *dataset, column, "", "")  # told, and from nothing
        if ROWS in follow:
            yield Edge(column, *dataset, ROWS, "INDIRECT", "ROWS")


def digest(dataset: Pair, said: Iterable[Edge]) -> bytes:
    """What tells statements apart, whatever numbers the store gives."""
    return bytes.fromhex(ids.digest(hjson.dumps([dataset, sorted(said)])))


def named(dataset: Pair) -> Named:
    """The dataset as a row."""
    return Named(*dataset, dataset[0].startswith(_MEMORY))


def write(keys: Keys, given: Mapping[bytes, tuple[Pair, frozenset[Edge]]]) -> None:
    """See to it that the store has these statements, with all their edges.

    Args:
        keys: of this transaction.
        given: output and edges by digest.
    """
    new = keys.statements(list(given))
    if not new:
        return
    mine = [(given[digest][0], given[digest][1], digest) for digest in new]
    keys.datasets([named((e.namespace, e.name)) for _, said, _ in mine for e in said])
    datasets = keys.of(tables.dataset)
    fields: set[tuple[int, str]] = set()
    ways: set[Pair] = set()
    for dataset, said, _ in mine:
        own = datasets[dataset]
        for e in said:
            fields.add((own, e.column))
            fields.add((datasets[e.namespace, e.name], e.field))
            ways.add((e.type, e.subtype))
    keys.ways(ways)
    keys.fields(sorted(fields))
    known, way, statement = keys.of(tables.field), keys.of(tables.way), keys.of(tables.statement)
    rows = {
        (statement[digest], known[datasets[dataset], e.column],
         known[datasets[e.namespace, e.name], e.field], way[e.type, e.subtype])
        for dataset, said, digest in mine
        for e in said
    }  # fmt: skip
    columns = [column.name for column in tables.statement_edge.c]
    edges_ = [dict(zip(columns, row, strict=True)) for row in sorted(rows)]
    insert(keys.connection, tables.statement_edge, edges_)
