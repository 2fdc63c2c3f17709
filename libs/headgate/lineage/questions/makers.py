"""Who makes datasets: jobs, the tasks outside that called for their newest runs, and the newest release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from headgate.core.errors import UsageError
from headgate.lineage import names
from headgate.lineage.questions import lasting
from headgate.lineage.store.fetching import PlainStore, fetching

if TYPE_CHECKING:
    from headgate.lineage.graph import Graph
    from headgate.lineage.store.opening import Store

Pair = tuple[str, str]


@dataclass(frozen=True)
class Task:
    """Who outside called for a job's newest run: a task, and the DAG that it is of."""

    namespace: str
    name: str
    dag: str


@dataclass(frozen=True)
class Held:
    """The newest release that has a dataset, and the version in which."""

    release: int
    version: str


def jobs(graph: Graph, datasets: Iterable[str]) -> dict[str, tuple[Pair, ...]]:
    """Namespace and name of the jobs whose word on each dataset holds."""
    known, spans = graph.names, graph.history.spans
    wanted = {known.places[d]: d for d in datasets if d in known.places}
    found: dict[str, set[Pair]] = {d: set() for d in wanted.values()}
    for saying in np.flatnonzero(graph.holding).tolist():
        dataset = wanted.get(int(known.canonical[spans.dataset[saying]]))
        job = graph.job(saying)
        if dataset is not None and job[1]:
            found[dataset].add(job)
    return {dataset: tuple(sorted(said)) for dataset, said in found.items()}


def is_gate(job: Pair) -> bool:
    """Whether it is a job of ours that judges, and makes nothing itself."""
    try:
        return names.lake_of(job[0]) is not None and names.parse_job(job[1])[0] == names.GATE
    except UsageError:
        return False


def tasks(store: Store | PlainStore, found: Iterable[Pair]) -> dict[Pair, Task]:
    """Who called for the newest run of each job, where somebody outside did.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    wanted, told = set(found), {}
    for layer in reversed(lasting.layers(store)):
        with fetching(layer.store) as fetch:
            numbers = [
                number
                for number, namespace, name in fetch("SELECT id, namespace, name FROM job")
                if (layer.spoken(namespace), name) in wanted
            ]
            for some in lasting.portions(numbers):
                for namespace, name, parent, root in fetch(
                    "SELECT j.namespace, j.name, r.parent_job, r.root_job FROM job j"
                    " JOIN run r ON r.job_id = j.id AND r.told_at ="
                    " (SELECT max(q.told_at) FROM run q WHERE q.job_id = j.id)"
                    f" WHERE j.id IN ({some})"
                ):
                    if parent and parent not in names.RUN_KINDS:
                        namespace = layer.spoken(namespace)
                        told[namespace, name] = Task(namespace, parent, root or parent)
    return told


def releases(store: Store | PlainStore, graph: Graph, datasets: Iterable[str]) -> dict[str, Held]:
    """The newest release of each dataset that has one, as of the graph's time.

    Raises:
        LakeError: the store is broken, or cannot be reached.
    """
    wanted = {graph.names.places[d] for d in datasets if d in graph.names.places}
    found: dict[str, Held] = {}
    for layer in reversed(lasting.layers(store)):
        with fetching(layer.store) as fetch:
            numbers = lasting.numbers_of(fetch, graph, wanted, layer)
            for some in lasting.portions(sorted(numbers)):
                for number, release, version, at in fetch(
                    "SELECT v.dataset_id, r.number, v.version, r.at FROM release_version v"
                    " JOIN release r ON r.id = v.release_id"
                    f" WHERE v.dataset_id IN ({some}) ORDER BY r.number"
                ):
                    limit = lasting.instant(graph, layer, numbers[number])
                    if limit is None or at <= limit:
                        dataset = graph.names.shown[numbers[number]]
                        found[dataset] = Held(int(release), str(version))
    return found
