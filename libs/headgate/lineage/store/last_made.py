"""When a dataset was last made, by which run, and who outside called for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headgate.lineage import names
from headgate.lineage.store import instants, loading
from headgate.lineage.store.fetching import PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.store.as_of import AsOf
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class CalledBy:
    """Who outside called for a run, and for all that it was a part of: jobs' names, runs' UUIDs."""

    job: str
    run_id: str
    root_job: str
    root_run_id: str


@dataclass(frozen=True)
class LastMade:
    """The newest run that said what a dataset is made from; ``by`` is None if nobody called for it."""

    at: datetime
    job: str
    run_id: str
    by: CalledBy | None


def last_made(
    store: Store | PlainStore, dataset: str, as_of: AsOf | None = None
) -> LastMade | None:
    """When a dataset (as the graph calls it) was last made, by then; None if no run said so.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    namespace, name = loading.graph(store).named(dataset)
    below = loading.below_of(store)
    found = _in(store, namespace, name, as_of, None)
    if found is None and below is not None:
        if names.lake_of(namespace) is not None:
            namespace = names.namespace(below.lake)
        found = _in(below.store, namespace, name, as_of, below.until)
    return found


def _in(
    store: Store | PlainStore, namespace: str, name: str, as_of: AsOf | None, until: int | None
) -> LastMade | None:
    with fetching(store) as fetch:
        own = fetch(
            "SELECT id, coalesce(canonical_id, id) FROM dataset"
            " WHERE namespace = :namespace AND name = :name",
            namespace=namespace, name=name,
        )  # fmt: skip
        if not own:
            return None
        limits = [as_of.of(int(own[0][1]))] if as_of else []
        rows = fetch(
            "SELECT d.stated_at, j.name, r.uuid, r.parent_job, r.parent, r.root_job, r.root"
            " FROM run_dataset d JOIN run r ON r.id = d.run_id JOIN job j ON j.id = r.job_id"
            " WHERE d.dataset_id IN (SELECT id FROM dataset WHERE canonical_id = :one)"
            " AND d.role = 'out' AND d.slot <> 'looked up' AND d.stated_at <= :until"
            " ORDER BY d.stated_at DESC LIMIT 1",
            one=int(own[0][1]),
            until=min([*limits, *([until] if until is not None else [])], default=2**62),
        )
    if not rows:
        return None
    at, job, run_id, parent_job, parent, root_job, root = rows[0]
    by = None
    if parent and parent_job != names.RUN:
        by = CalledBy(parent_job or "", parent, root_job or "", root or "")
    return LastMade(instants.moment(int(at)), job, run_id, by)
