"""The run that is going on in this process: what dbt's plugin and every step commit through."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from headgate.contracts.model import Contract
from headgate.lake import ledger
from headgate.lake.meta import CommitMeta
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.lineage import steps
from headgate.lineage.emitter import Emitter
from headgate.orchestration import told_changes
from headgate.orchestration.project import Project
from headgate.quality.gate import Entry
from headgate.quality.outcome import BatchOutcome


class Progress(Protocol):
    """Who wants to know how far a run is."""

    def step(self, dataset: str, what: str) -> None:
        """Work on a dataset begins; ``what`` is a few words."""
        ...

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """So many rows are done, of a total if it is known."""
        ...

    def done(self, outcome: BatchOutcome) -> None:
        """A batch has ended."""
        ...


class Silent:
    """Nobody wants to know."""

    def step(self, dataset: str, what: str) -> None:
        """Say nothing."""

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """Say nothing."""

    def done(self, outcome: BatchOutcome) -> None:
        """Say nothing."""


@dataclass
class RunContext:
    """One run: its project, its candidate, its lineage, and what its batches came to."""

    project: Project
    session: Session
    lineage: Emitter
    outcomes: list[BatchOutcome] = field(default_factory=list)
    accounts: list[tuple[CommitMeta, int | None]] = field(default_factory=list)
    progress: Progress = field(default_factory=Silent)
    #: Files that are read at once; 0 leaves it to the settings.
    reading_at_once: int = 0
    #: Datasets that nothing may be committed to, since their contract changed, and why.
    blocked: dict[str, str] = field(default_factory=dict)
    #: Datasets that could not be built, or whose tests failed, in this run, and why.
    failed: dict[str, str] = field(default_factory=dict)
    #: Sentences worth knowing about what nothing failed of.
    notes: list[str] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.session.run_id

    @cached_property
    def taken(self) -> dict[str, dict[str, tuple[str, int]]]:
        """For each dataset, the files that earlier runs took, by content; see the ledger."""
        return ledger.taken(self.session.con, self.session.lake)

    def snapshot(self, dataset: str) -> Snapshot | None:
        """The dataset at the candidate's version."""
        return self.session.snapshot(dataset)

    def through_gate(
        self, contract: Contract, batch_id: str, publish: Callable[[], Entry]
    ) -> BatchOutcome:
        """Run the gate's ``publish`` as a lineage job of its own and keep its account."""
        refs = [
            steps.DatasetRef.of(self.project.contracts[d], version=v)
            for d, v in sorted(self.session.versions(contract.parents).items())
            if d in self.project.contracts  # one whose contract is wrong cannot be told of
        ]
        step = steps.gate_step(contract, self.run_id, batch_id, parents=refs)
        with self.lineage.running(step) as update:
            outcome, meta = publish()
            update(self._judged(step, contract, outcome, meta))
        self.outcomes.append(outcome)
        self.accounts.append((meta, outcome.version))
        self.progress.done(outcome)
        return outcome

    def _judged(
        self, step: steps.Step, contract: Contract, outcome: BatchOutcome, meta: CommitMeta
    ) -> steps.Step:
        results = outcome.verdict.results if outcome.verdict else ()
        batch = dataclasses.replace(step.inputs[0], statistics=steps.Statistics(rows=outcome.read))
        table = step.outputs[0]
        snapshot = self.session.snapshot(contract.id)
        if snapshot is not None and outcome.version is not None:
            table = steps.DatasetRef.of(
                contract,
                version=outcome.version,
                path=self.project.lake.storage.uri(self.project.lake.key(contract.id)),
                statistics=steps.Statistics(snapshot.rows, snapshot.bytes, len(snapshot.files)),
                change=told_changes.of_meta(meta),
            )
        return dataclasses.replace(
            step,
            inputs=(batch, *step.inputs[1:]),
            outputs=(table,),
            assertions=steps.assertions(results, contract),
            error=" ".join(outcome.problems) if outcome.outcome == "refused" else None,
            tags={
                **step.tags,
                "read": outcome.read,
                "published": outcome.published,
                "quarantined": outcome.quarantined,
                "deduplicated": outcome.deduplicated,
                "refused": outcome.refused,
            },
        )


# dbt runs nodes in threads of its own, which would not inherit a context variable.
_current: RunContext | None = None


def current() -> RunContext | None:
    """The run that is going on in this process, if any."""
    return _current


@contextmanager
def activate(context: RunContext) -> Iterator[RunContext]:
    """Make ``context`` the current run within the block."""
    global _current
    before, _current = _current, context
    try:
        yield context
    finally:
        _current = before
