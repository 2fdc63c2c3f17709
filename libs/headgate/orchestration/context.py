"""The run that is going on in this process: what dbt's plugin and every step commit through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.lineage.emitter import Emitter
from headgate.orchestration.project import Project
from headgate.quality.outcome import BatchOutcome


@dataclass
class RunContext:
    """One run: its project, its candidate, its lineage, and what its batches came to."""

    project: Project
    session: Session
    lineage: Emitter
    outcomes: list[BatchOutcome] = field(default_factory=list)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.session.run_id

    def snapshot(self, dataset: str) -> Snapshot | None:
        """The dataset at the candidate's version."""
        return self.session.snapshot(dataset)


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
