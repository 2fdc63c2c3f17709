"""The parts of a run, each a task of a scheduler: take what is new, curate a group, release it.

A part holds the lake as a run does (and waits for it, if settings say so), puts right what a dead
one left, and changes nothing if it is done again. So it may be killed, done twice, or go on beside
another try of itself. ``task`` names the scheduler's task in all of its tries: what an earlier try
committed and did not live to tell of is told of by the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.release import Release
from headgate.orchestration import (
    curating,
    cuts,
    evolving,
    ingesting,
    releasing,
    tries,
    waiting,
)
from headgate.orchestration.accounts import Account, NodeState, PartReport, each_once
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.nodes import Nodes, OnNode
from headgate.orchestration.order import Graph, downstream, topological
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened

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
    with _part(project, f"take {dataset}", progress, task) as part:
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
    with _part(project, f"curate {group}", progress, task) as part:
        cuts.note(part.context, group, graph)
        nodes = part.build(graph, topological(graph), on_node)
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
    with _part(project, f"build {dataset}+", progress, task) as part:
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
    with _part(project, f"release {group}", progress, task) as part:
        context = part.context
        published: Release | None = None
        if part.may_release(group, graph):
            published, _ = releasing.release(context, set(), only=group)
        part.enter(published)
        found = published or part.released_before()
        moved = _moved(context, found) if found else {}
        accounts = [_account(context, d, v, found) for d, v in moved.items() if found]
    return part.report(accounts, release=found, released=tuple(moved))


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


@dataclass
class _Part:
    """One part going on."""

    context: RunContext
    command: str
    earlier: frozenset[str]
    started: datetime
    problems: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)

    def build(
        self, graph: Graph, wanted: Sequence[str], on_node: OnNode | None
    ) -> tuple[NodeState, ...]:
        """Build the wanted of a group's curated datasets; gives what became of each."""
        context = self.context
        nodes = Nodes(context, wanted, on_node, self.earlier)
        able = set(wanted)
        for dataset in wanted:
            if dataset in context.blocked:
                able.discard(dataset)
                self.problems.append(context.blocked[dataset])
                nodes.failed(dataset, context.blocked[dataset])
        context.progress = nodes
        self.problems += curating.bring_up(context, graph, able, nodes)
        context.progress = nodes.progress
        return nodes.finish()

    def may_release(self, group: str, graph: Graph) -> bool:
        """Whether the group can be released; the run then reads the versions to release."""
        context = self.context
        mine = set(cuts.members(context, group))
        for dataset in sorted(curating.pending(context) & mine):
            self.problems.append(f"{dataset} is not built, or its tests have not passed.")
        self.problems += [told for d, told in context.blocked.items() if d in mine]
        left_out = context.project.contracts.left_out.groups
        self.problems += [left_out[group]] if group in left_out else []
        behind = [] if self.problems else cuts.stand_at(context, group, graph, graph)
        newest = context.project.releases.newest()
        before = newest.versions if newest else {}
        if any((s := context.snapshot(d)) and s.version != before.get(d) for d in graph):
            self.problems += behind
        else:  # readers see all that was built: only sources moved
            context.notes += behind
        if self.problems:
            self.held.add(group)
        return not (self.problems or behind)

    def enter(self, published: Release | None = None) -> None:
        """Enter what was done into the ledgers, and show a release in the catalogue."""
        context, project = self.context, self.context.project
        ledger.record(context.session.con, project.lake, project.contracts, context.accounts,
                      context.run_id)  # fmt: skip
        refused = any(o.outcome == "refused" for o in context.outcomes)
        if context.outcomes or published or self.problems:
            releasing.record_run(
                context, outcome="refused" if refused or self.problems else "published",
                release_id=published.id if published else None, started=self.started,
                command=self.command,
            )  # fmt: skip
        releasing.settle(context)

    def committed_before(self, datasets: Sequence[str]) -> list[Account]:
        """Accounts of what earlier tries of this task committed to the datasets."""
        context = self.context
        if not self.earlier:
            return []
        runs = ", ".join(literal(r) for r in sorted(self.earlier))
        found = ledger.rows(
            context.project.lake, context.session.con, ledger.BATCHES,
            f"run_id IN ({runs}) AND version IS NOT NULL", "committed_at",
        )  # fmt: skip
        return [
            _account(context, row["dataset"], row["version"], None)
            for row in found
            if row["dataset"] in datasets
        ]

    def released_before(self) -> Release | None:
        """What an earlier try of this task released."""
        if not self.earlier:
            return None
        releases = self.context.project.releases
        return next((r for r in releases.list() if r.run_id in self.earlier), None)

    def report(
        self,
        accounts: Iterable[Account] = (),
        *,
        nodes: tuple[NodeState, ...] = (),
        release: Release | None = None,
        released: tuple[str, ...] = (),
    ) -> PartReport:
        """What the part came to."""
        context = self.context
        mine = [Account.of(o, context.run_id) for o in context.outcomes]
        return PartReport(
            run_id=context.run_id, accounts=each_once([*accounts, *mine]), nodes=nodes,
            release=release.id if release else None, released=released,
            held=tuple(sorted(self.held)),
            problems=(*self.problems, *context.lineage.problems), notes=tuple(context.notes),
        )  # fmt: skip


@contextmanager
def _part(project: Project, command: str, progress: Progress | None, task: str) -> Iterator[_Part]:
    started = clock.now()
    with opened(project, command, progress) as context:
        earlier = tries.begin(context, command, task)
        context.blocked |= evolving.blocked(context)
        yield _Part(context, command, earlier, started)


def _moved(context: RunContext, release: Release) -> dict[str, int]:
    """The datasets that a release moved, and their versions in it."""
    releases = context.project.releases
    known = release.parent is not None and release.parent in releases.ids()
    before = releases.get(release.parent).versions if known and release.parent else {}
    return {d: v for d, v in sorted(release.versions.items()) if before.get(d) != v}


def _account(context: RunContext, dataset: str, version: int, release: Release | None) -> Account:
    """The account of the batch that made a version of a dataset."""
    snapshot = context.project.lake.snapshot(dataset, version)
    assert snapshot is not None and snapshot.meta is not None
    return Account.of_commit(snapshot.meta, version, release.id if release else None)
