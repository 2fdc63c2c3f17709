"""One store upon another: what a lake that began as another one knows, with what it knows itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headgate.lineage import names
from headgate.lineage.graph_arrays import Ints
from headgate.lineage.graph_history import Rows, SpanRow
from headgate.lineage.graph_names import DatasetRow
from headgate.lineage.store import loading
from headgate.lineage.store.fetching import PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store


#: Slots of a lake's own datasets, as statements.py has them, which loads SQLAlchemy.
_MADE, _LOOKED_UP = "made", "looked up"


@dataclass(frozen=True)
class Below:
    """The store of the lake called ``lake``, as it was at an instant (microseconds); ``below`` is what
    that lake began as."""

    store: Store | PlainStore
    lake: str
    until: int
    below: Below | None = None


def upon(own: Rows, below: Below, home: str | None) -> Rows:
    """Rows of a lake's own store, and those of the one below where it says nothing of a dataset.

    Args:
        own: rows of the lake's own store, all.
        below: what it began as; its datasets are the lake's own ones, at their first.
        home: the lake.
    """
    with fetching(below.store) as fetch:
        base = loading.read(fetch, own.revision)
    if below.below is not None:
        base = upon(base, below.below, below.lake)
    datasets, numbers = _datasets(own.datasets, base.datasets, below.lake, home)
    fields, places = _fields(own, base, numbers)
    ways = dict(own.ways)
    known = {pair: number for number, pair in ways.items()}
    for pair in base.ways.values():
        ways.setdefault(known.setdefault(pair, max(ways, default=-1) + 1), pair)
    statement = max((int(s) for s in (*own.edges[:, 0], *(r[3] for r in own.spans))), default=0)
    job = max(own.jobs, default=0)
    edges = base.edges.copy()
    if len(edges):
        edges[:, 0] += statement
        for column in (1, 2):
            edges[:, column] = [places[int(i)] for i in base.edges[:, column]]
        edges[:, 3] = [known[base.ways[int(i)]] for i in base.edges[:, 3]]
        edges = edges[np.lexsort(edges.T[::-1])]
    spans = [
        (numbers[d], slot if slot in (_MADE, _LOOKED_UP) else f"below {slot}", j + job, s + statement, a, b)
        for d, slot, j, s, a, b in base.spans
    ]  # fmt: skip
    return Rows(
        own.revision, datasets, fields,
        own.jobs | {number + job: told for number, told in base.jobs.items()}, ways,
        np.concatenate([own.edges, edges]), [*own.spans, *_before(spans, own.spans, below.until)],
        own.again,
    )  # fmt: skip


def _datasets(
    own: Sequence[DatasetRow], base: Sequence[DatasetRow], lake: str, home: str | None
) -> tuple[list[DatasetRow], Mapping[int, int]]:
    """All datasets, and the numbers that those of the base have now."""
    known = {(row[1], row[2]): row[0] for row in own}
    number = max((row[0] for row in own), default=0)
    numbers: dict[int, int] = {}
    fresh: list[DatasetRow] = []
    for row in base:
        namespace = row[1]
        if home is not None and namespace == names.namespace(lake):
            namespace = names.namespace(home)
        found = known.get((namespace, row[2]))
        if found is None:
            number += 1
            found = number
            fresh.append((found, namespace, row[2], row[3], row[4]))
        numbers[row[0]] = found
    named = [
        (i, namespace, name, None if other is None else numbers[other], transient)
        for i, namespace, name, other, transient in fresh
    ]
    return [*own, *named], numbers


def _fields(
    own: Rows, base: Rows, datasets: Mapping[int, int]
) -> tuple[tuple[Ints, Ints, list[str]], Mapping[int, int]]:
    """All fields, and the numbers that those of the base have now."""
    ids, of, told = own.fields
    known = dict(zip(zip(of.tolist(), told, strict=True), ids.tolist(), strict=True))
    number = int(ids[-1]) if len(ids) else 0
    numbers: dict[int, int] = {}
    fresh: list[tuple[int, int, str]] = []
    for field, dataset, name in zip(*(list(part) for part in base.fields), strict=True):
        key = (datasets[int(dataset)], name)
        if key not in known:
            number += 1
            known[key] = number
            fresh.append((number, *key))
        numbers[int(field)] = known[key]
    return (
        np.append(ids, np.array([f for f, _, _ in fresh], np.int64)),
        np.append(of, np.array([d for _, d, _ in fresh], np.int64)),
        [*told, *(n for _, _, n in fresh)],
    ), numbers


def _before(base: Sequence[SpanRow], own: Sequence[SpanRow], until: int) -> list[SpanRow]:
    """The base's spans as they were then, each until the lake itself said something of the dataset."""
    made: dict[int, int] = {}
    looked_up: dict[int, int] = {}
    for dataset, slot, _, _, begin, _ in own:
        first = looked_up if slot == _LOOKED_UP else made
        first[dataset] = min(first.get(dataset, begin), begin)
    found: list[SpanRow] = []
    for dataset, slot, job, statement, begin, end in base:
        ends = None if end is None or end > until else end
        own_first = made.get(dataset)
        if slot == _LOOKED_UP and dataset in looked_up:
            own_first = min(looked_up[dataset], own_first or looked_up[dataset])
        if own_first is not None:
            ends = own_first if ends is None else min(ends, own_first)
        if begin <= until and (ends is None or begin < ends):
            found.append((dataset, slot, job, statement, begin, ends))
    return found
