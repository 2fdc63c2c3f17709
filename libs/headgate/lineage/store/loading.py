"""The graph of a store: loaded once, then brought up to what has changed, and shared by all who ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from headgate.lineage.graph import Graph
from headgate.lineage.graph_arrays import Ints
from headgate.lineage.graph_history import History, Rows
from headgate.lineage.store.edition import EPOCH
from headgate.lineage.store.fetching import Fetch, PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.layered import Below
    from headgate.lineage.store.opening import Store

#: Graphs as of other times that are kept for who asks again.
_KEPT_TIMES = 8
_IN_ONE_QUERY = 500


@dataclass(eq=False)
class _Kept:
    """What was loaded of one store."""

    home: str | None = None
    below: Below | None = None
    ahead: bool = False
    graph: Graph | None = None
    times: OrderedDict[tuple[int, str], Graph] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()
_lock = threading.Lock()


def graph(store: Store | PlainStore, as_of: AsOf | None = None) -> Graph:
    """What the store says now, or as of some time; any thread may ask.

    What was loaded before is brought up to what has changed since. A graph never changes.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    kept = _of(store)
    with fetching(store) as fetch:
        revision = _revision(fetch)
        found = kept.graph
        if found is None or found.revision < revision or _is_another(found, revision):
            with kept.lock:
                found = _brought_up(kept, fetch, revision)
    if as_of is None:
        return found
    return _as_of(kept, found, as_of)


def settle(
    store: Store | PlainStore,
    *,
    home: str | None = None,
    below: Below | None = None,
    ahead: bool = False,
) -> None:
    """Say of a store which lake's datasets go by their ids alone, and upon which other it lies.

    ``ahead``: many answers will be asked for as JSON, so that what these share is written as soon as
    the graph is loaded. To be said before its graph is asked for.
    """
    kept = _of(store)
    with kept.lock:
        kept.home, kept.below, kept.ahead, kept.graph = home, below, ahead, None
        kept.times.clear()


def home_of(store: Store | PlainStore) -> str | None:
    """The lake whose datasets go by their ids alone, if it was said."""
    return _of(store).home


def below_of(store: Store | PlainStore) -> Below | None:
    """The store that this one lies upon, if any."""
    return _of(store).below


def first_known(store: Store | PlainStore) -> int | None:
    """The first instant (microseconds) that what was loaded tells anything of; None if nothing was."""
    found = _of(store).graph
    begins = found.history.spans.begin if found else ()
    return int(np.min(begins)) if len(begins) else None


def _of(store: Store | PlainStore) -> _Kept:
    with _lock:
        return _kept.setdefault(store, _Kept())


def _brought_up(kept: _Kept, fetch: Fetch, revision: int) -> Graph:
    found = kept.graph
    if found is not None and _is_another(found, revision):
        found = None
        kept.times.clear()
    if found is not None and found.revision >= revision:
        return found  # somebody else was faster
    if kept.below is not None:
        from headgate.lineage.store import layered

        rows = layered.upon(read(fetch, revision), kept.below, kept.home)
        found = Graph(History.empty(kept.home).brought_up(rows))
    elif found is None:
        found = Graph(History.empty(kept.home).brought_up(read(fetch, revision)))
    else:
        found = Graph(found.history.brought_up(read(fetch, revision, found.history)))
    _ = found.names.places  # so that who asks first does not wait for names besides
    if kept.ahead:
        found.names.json(range(len(found.names.field_names)))
        found.history.jobs_json(list(found.history.jobs))
    kept.graph = found
    return found


def _is_another(known: Graph, revision: int) -> bool:
    """Whether the store was built anew since."""
    return revision < known.revision - EPOCH // 2


def _as_of(kept: _Kept, now: Graph, as_of: AsOf) -> Graph:
    key = (now.revision, as_of.key)
    with kept.lock:
        found = kept.times.get(key)
        if found is None:
            found = kept.times[key] = Graph(now.history, as_of.instants(now.names))
        kept.times.move_to_end(key)
        while len(kept.times) > _KEPT_TIMES:
            kept.times.popitem(last=False)
        return found


def _revision(fetch: Fetch) -> int:
    rows = fetch("SELECT revision FROM state")
    return int(rows[0][0]) if rows else 0


def read(fetch: Fetch, revision: int, known: History | None = None) -> Rows:
    """The store's rows, or those that are new or changed since what is known."""
    since: int | None = None
    field_id = statement = 0
    if known is not None:
        since, statement = known.revision, int(known.statements.ids[-1])
        field_id = int(known.names.field_ids[-1]) if len(known.names.field_ids) else 0
    datasets = fetch(
        "SELECT id, namespace, name, canonical_id, transient FROM dataset"
        f"{'' if since is None else f' WHERE revision > {since}'} ORDER BY id"
    )
    fields = fetch(f"SELECT id, dataset_id, name FROM field WHERE id > {field_id} ORDER BY id")
    edges = fetch(
        "SELECT statement_id, target_id, source_id, way_id FROM statement_edge"
        f" WHERE statement_id > {statement} ORDER BY statement_id, target_id, source_id, way_id"
    )
    again, spans = _spans(fetch, since, [int(row[0]) for row in datasets])
    ways = fetch("SELECT id, type, subtype FROM way")
    return Rows(
        revision,
        datasets,
        (_ints(fields, 0), _ints(fields, 1), [row[2] for row in fields]),
        _jobs(fetch, spans, known),
        {int(i): (kind, subtype) for i, kind, subtype in ways},
        _table(edges),
        spans,
        again,
    )


def _spans(fetch: Fetch, since: int | None, datasets: Sequence[int]) -> tuple[set[int], list[Any]]:
    """Datasets of which any span was changed, and all spans of these."""
    columns = "dataset_id, slot, coalesce(job_id, 0), statement_id, from_at, to_at"
    if since is None:
        return set(), fetch(f"SELECT {columns} FROM span ORDER BY id")
    changed = fetch(f"SELECT DISTINCT dataset_id FROM span WHERE revision > {since}")
    again = sorted({*datasets, *(int(row[0]) for row in changed)})
    spans: list[Any] = []
    for start in range(0, len(again), _IN_ONE_QUERY):
        some = ", ".join(map(str, again[start : start + _IN_ONE_QUERY]))
        spans += fetch(f"SELECT {columns} FROM span WHERE dataset_id IN ({some}) ORDER BY id")
    return set(again), spans


def _jobs(fetch: Fetch, spans: Sequence[Any], known: History | None) -> dict[int, tuple[str, str]]:
    jobs: dict[int, tuple[str, str]] = {0: ("", "")}
    if known is None:
        found = fetch("SELECT id, namespace, name FROM job WHERE id IN (SELECT job_id FROM span)")
        return jobs | {int(i): (namespace, name) for i, namespace, name in found}
    missing = sorted({int(row[2]) for row in spans} - known.jobs.keys() - {0})
    for start in range(0, len(missing), _IN_ONE_QUERY):
        some = ", ".join(map(str, missing[start : start + _IN_ONE_QUERY]))
        found = fetch(f"SELECT id, namespace, name FROM job WHERE id IN ({some})")
        jobs |= {int(i): (namespace, name) for i, namespace, name in found}
    return jobs


def _ints(rows: Sequence[Any], column: int) -> Ints:
    return np.fromiter((row[column] for row in rows), np.int64, len(rows))


def _table(rows: Sequence[Any]) -> Ints:
    flat = np.fromiter(chain.from_iterable(rows), np.int64, 4 * len(rows))
    return flat.reshape(-1, 4)
