"""The parts of a run, each a task of a scheduler: take what is new, curate a group, release it.

A part holds the lake as a run does (and waits for it, if settings say so), puts right what a dead
one left, and changes nothing if it is done again. So it may be killed, done twice, or go on beside
another try of itself. ``task`` names the scheduler's task in all of its tries: what an earlier try
committed and did not live to tell of is told of by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from headgate.core.errors import UsageError
from headgate.orchestration import curating, cuts, ingesting, releasing, waiting
from headgate.orchestration.accounts import Account, NodeState, PartReport
from headgate.orchestration.context import Progress
from headgate.orchestration.nodes import OnNode
from headgate.orchestration.order import Graph, downstream, topological
from headgate.orchestration.part import begun
from headgate.orchestration.project import Project

__all__ = [
    "Account",
    "NodeState",
    "PartReport",
    "build_from",
    "curate",
    "dates_of",
    "release",
    "take",
]


def take(
    project: Project,
    dataset: str,
    *,
    paths: Sequence[str] = (),
    dates: Iterable[date] | None = None,
    parallel: int = 0,
    progress: Progress | None = None,
    task: str = "",
) -> PartReport:
    """Take what is new at a source, and what waited for it; nothing is released.

    ``paths`` are files, folders or globs to take instead of the contract's own path; ``dates``
    limit that, where it has ``{date}`` in it. So many files as ``parallel`` says are read at once. The report has an account of every batch, also of
    other datasets' rows that waited for these.

    Raises:
        UsageError: there is no such source or path, or its files have no dates.
        LakeBusyError: another run holds the lake.
    """
    contract = project.contracts[dataset]
    if dates is not None:
        by_date = ingesting.dated_files(project, contract, dates)
        files = {dataset: [f for found in by_date.values() for f in found]}
        ingesting.begin_early(project, files)
    else:
        if not contract.source:
            ingesting.dated_files(project, contract)  # which says what it is made by
        files = ingesting.files_of(project, {dataset: paths} if paths else {}, {dataset})
    with begun(project, f"take {dataset}", progress, task) as part:
        context = part.context
        context.reading_at_once = parallel
        if dataset in context.blocked:
            part.problems.append(context.blocked[dataset])
        part.problems += ingesting.ingest_all(context, files)
        replayed = waiting.concerned(project, dataset)
        waiting.replay_waiting(context, [d for d in replayed if d not in context.blocked])
        part.enter()
        accounts = part.committed_before([dataset, *replayed])
    return part.report(accounts)


def curate(
    project: Project,
    group: str,
    *,
    on_node: OnNode | None = None,
    progress: Progress | None = None,
    task: str = "",
) -> PartReport:
    """Build what is stale in a release group and test it; nothing is released.

    ``on_node`` is called with the state of each curated dataset of the group as soon as that is
    final, from whatever thread; it must not raise.

    Raises:
        UsageError: there is no such group.
        ModelError: a model reads what does not exist.
        LakeBusyError: another run holds the lake.
    """
    graph = group_graph(project, group)
    with begun(project, f"curate {group}", progress, task) as part:
        cuts.note(part.context, group, graph)
        nodes = part.build(graph, topological(graph), on_node, part.tests_left_by_others(graph))
        part.enter()
        accounts = part.committed_before([*graph])
    return part.report(accounts, nodes=nodes)


def build_from(
    project: Project,
    dataset: str,
    *,
    on_node: OnNode | None = None,
    progress: Progress | None = None,
    task: str = "",
) -> PartReport:
    """Build a curated dataset and what its group makes from it, as far as they are stale or their
    tests have not passed; nothing is released.

    It reads what the rest of the group was built from, where nothing stands against that. What is
    made from something that failed is skipped.

    Raises:
        UsageError: the dataset is not made from others.
        LakeBusyError: another run holds the lake.
    """
    contract = project.contracts[dataset]
    if not contract.curated:
        raise UsageError(
            f"{dataset} is not made from other datasets.", remedy=f"headgate run --select {dataset}"
        )
    group = contract.release_group
    graph = group_graph(project, group)
    wanted = {dataset, *downstream(graph, [dataset])} & graph.keys()
    with begun(project, f"build {dataset}+", progress, task) as part:
        others = graph.keys() - wanted - curating.pending(part.context)
        cuts.stand_at(part.context, group, graph, others, wanted)
        nodes = part.build(graph, [d for d in topological(graph) if d in wanted], on_node)
        part.enter()
        accounts = part.committed_before([*graph])
    return part.report(accounts, nodes=nodes)


def release(
    project: Project, group: str, *, progress: Progress | None = None, task: str = ""
) -> PartReport:
    """Publish a release group, as it was built; others stay as the newest release has them.

    It is held if anything in it is committed and its tests have not passed, or if its contract
    changed so that somebody has to act; ``problems`` then says what. Sources that moved since the
    group was built are published as it was built from them.

    Raises:
        UsageError: there is no such group.
        ConflictError: somebody else released it meanwhile.
        LakeBusyError: another run holds the lake.
    """
    graph = group_graph(project, group)
    with begun(project, f"release {group}", progress, task) as part:
        published = None
        if part.may_release(group, graph):
            published, _ = releasing.release(part.context, set(), only=group)
        part.enter(published)
        found = published or part.released_before()
        accounts = part.accounts_of(found) if found else []
    return part.report(accounts, release=found)


def dates_of(project: Project, dataset: str, first: date, last: date) -> list[date]:
    """The dates from ``first`` to ``last`` for which files lie at a source.

    Raises:
        UsageError: its files cannot be told by their dates; says how that is declared.
    """
    found = ingesting.dated_files(project, project.contracts[dataset])
    return [day for day in found if first <= day <= last]


def group_graph(project: Project, group: str) -> Graph:
    """The curated datasets of a group to what they are made from; empty for one of sources alone.

    Raises:
        UsageError: there is no such group.
    """
    contracts = project.contracts
    groups = {c.release_group for c in contracts.values() if c.name.layer != "system"}
    if group not in groups:
        raise UsageError(
            f"there is no release group {group!r}.", remedy=f"Groups: {', '.join(sorted(groups))}."
        )
    whole = curating.graph_of(project)
    return {
        d: inputs
        for d, inputs in whole.items()
        if contracts[d].curated and contracts[d].release_group == group
    }
