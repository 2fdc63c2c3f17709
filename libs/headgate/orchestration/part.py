"""One part of a run going on: what it builds, tells of, enters, and knows of its earlier tries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.release import Release
from headgate.orchestration import curating, cuts, evolving, releasing, tries
from headgate.orchestration.accounts import Account, NodeState, PartReport, each_once
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.nodes import Nodes, OnNode
from headgate.orchestration.order import Graph
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened

#: More batches than any task has.
_ALL = 1_000_000


@dataclass
class Part:
    """One part going on."""

    context: RunContext
    command: str
    earlier: frozenset[str]
    started: datetime
    problems: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    released: tuple[str, ...] = ()

    def build(
        self,
        graph: Graph,
        wanted: Sequence[str],
        on_node: OnNode | None,
        to_test: Collection[str] = (),
    ) -> tuple[NodeState, ...]:
        """Build the wanted of a group's curated datasets, and run the tests of those and of others
        ``to_test``; gives what became of each that was wanted."""
        context = self.context
        nodes = Nodes(context, wanted, on_node, self.earlier)
        able = set(wanted)
        for dataset in wanted:
            if dataset in context.blocked:
                able.discard(dataset)
                self.problems.append(context.blocked[dataset])
                nodes.failed(dataset, context.blocked[dataset])
        context.progress = nodes
        self.problems += curating.bring_up(context, graph, able, nodes, to_test)
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

    def tests_left_by_others(self, graph: Graph) -> set[str]:
        """Datasets of other groups that a failed test held, which may have read this group's: where
        nothing else is wrong with them, they are tested again with it."""
        context = self.context
        others = curating.untested(context) - graph.keys() - context.blocked.keys()
        if not others:
            return set()
        whole = curating.graph_of(context.project)
        return others - set(curating.stale(context, whole, others))

    def committed_before(self, datasets: Sequence[str]) -> list[Account]:
        """Accounts of what earlier tries of this task committed to the datasets."""
        if not self.earlier:
            return []
        lake, con = self.context.project.lake, self.context.session.con
        runs = ", ".join(literal(r) for r in sorted(self.earlier))
        found = ledger.rows(
            lake, con, ledger.BATCHES, f"run_id IN ({runs}) AND version IS NOT NULL",
            "committed_at", _ALL,
        )  # fmt: skip
        batches = ", ".join(literal(row["batch_id"]) for row in found) or "NULL"
        broken = ledger.rows(
            lake, con, ledger.VERDICTS, f"NOT passed AND batch_id IN ({batches})", limit=_ALL
        )
        warned = {row["batch_id"] for row in broken}
        return [
            Account.of_row(row, warned=row["batch_id"] in warned)
            for row in found
            if row["dataset"] in datasets
        ]

    def released_before(self) -> Release | None:
        """What an earlier try of this task released."""
        releases = self.context.project.releases
        numbers = reversed(releases.ids()) if self.earlier else ()
        found = (releases.get(number) for number in numbers)
        return next((r for r in found if r.run_id in self.earlier), None)

    def accounts_of(self, release: Release) -> list[Account]:
        """Of each dataset that a release moved, the account of its newest batch in it."""
        project = self.context.project
        self.released = tuple(_moved(self.context, release))
        found = []
        for dataset in self.released:
            version = release.versions[dataset]
            snapshot = project.lake.snapshot(dataset, version)
            if snapshot is not None and snapshot.meta is not None:
                found.append(Account.of_commit(snapshot.meta, version, release.id))
        return found

    def report(
        self,
        accounts: Iterable[Account] = (),
        *,
        nodes: tuple[NodeState, ...] = (),
        release: Release | None = None,
    ) -> PartReport:
        """What the part came to."""
        context = self.context
        mine = [Account.of(o, context.run_id) for o in context.outcomes]
        return PartReport(
            run_id=context.run_id, accounts=each_once([*accounts, *mine]), nodes=nodes,
            release=release.id if release else None, released=self.released,
            held=tuple(sorted(self.held)),
            problems=(*self.problems, *context.lineage.problems), notes=tuple(context.notes),
        )  # fmt: skip


@contextmanager
def begun(project: Project, command: str, progress: Progress | None, task: str) -> Iterator[Part]:
    """Hold the lake for a part; ``command`` says what is done to what, ``task`` is the task that it
    is a try of.

    Raises:
        LakeBusyError: another run holds the lake.
    """
    started = clock.now()
    with opened(project, command, progress) as context:
        earlier = tries.begin(context, command, task)
        context.blocked |= evolving.blocked(context)
        yield Part(context, command, earlier, started)


def _moved(context: RunContext, release: Release) -> dict[str, int]:
    """The datasets that a release moved, and their versions in it."""
    releases = context.project.releases
    known = release.parent is not None and release.parent in releases.ids()
    before = releases.get(release.parent).versions if known and release.parent else {}
    return {d: v for d, v in sorted(release.versions.items()) if before.get(d) != v}
