"""The way from one version of a dataset to another: what was done, and what was undone, in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.lineage.change import COMPACTION, RESTORE
from headgate.lineage.questions.why_history import History, Write


@dataclass(frozen=True)
class Gap:
    """A version that no event tells of."""

    version: int


@dataclass(frozen=True)
class Way:
    """From version ``before`` to ``after``: what brought each step, oldest first.

    ``done`` leads to the rows of ``after``, ``undone`` led to those of ``before`` and is not in
    them, because of a rollback. ``first`` and ``last`` are what made the rows of both, if known.
    """

    before: int | None
    after: int | None
    done: tuple[Write, ...]
    undone: tuple[Write, ...]
    first: Write | None
    last: Write | None
    gaps: tuple[Gap, ...] = ()


@dataclass
class Ways:
    """Ways between versions of one lake's datasets."""

    history: History

    def between(
        self, dataset: str, before: int | None, after: int | None, since: int, until: int
    ) -> Way:
        """The way between two versions, which were there at two instants (microseconds)."""
        ends = sorted(v for v in (-1 if before is None else before, after) if v is not None)
        self.history.look_up(dataset, range(max(ends[0], 0), ends[-1] + 1))
        work = _Walk(self.history, dataset)
        work.to(before, after, since, until)
        return Way(
            before, after, tuple(reversed(work.done)), tuple(reversed(work.undone)),
            self.rows_of(dataset, before, since), self.rows_of(dataset, after, until),
            tuple(work.gaps),
        )  # fmt: skip

    def rows_of(self, dataset: str, version: int | None, until: int) -> Write | None:
        """What made the rows of a version, which a compaction only put together."""
        while version is not None:
            found = self.history.write(dataset, version, until)
            if found is None or found.change.kind != COMPACTION:
                return found
            version = _before(found)
        return None

    def inputs(self, write: Write | None) -> Mapping[str, int]:
        """The versions that rows were made from; nothing for those of a source."""
        if write is None or write.change.kind not in ("model", RESTORE):
            return {}
        return write.change.inputs

    def made(self, write: Write | None) -> Write | None:
        """What first made rows that were brought back since."""
        while write is not None and write.change.kind == RESTORE:
            before = _before(write)
            if before is None:
                return None
            write = self.rows_of(write.dataset, before, write.at)
        return write


class _Walk:
    """Steps back from both ends until they meet."""

    def __init__(self, history: History, dataset: str) -> None:
        self.history, self.dataset = history, dataset
        self.done: list[Write] = []
        self.undone: list[Write] = []
        self.gaps: list[Gap] = []

    def to(self, before: int | None, after: int | None, since: int, until: int) -> None:
        while before != after:
            if before is None or (after is not None and after > before):
                assert after is not None
                after, until = self._step(after, until, self.done)
            else:
                before, since = self._step(before, since, self.undone)

    def _step(self, version: int, until: int, taken: list[Write]) -> tuple[int | None, int]:
        found = self.history.write(self.dataset, version, until)
        if found is None:
            self.gaps.append(Gap(version))
            return (version - 1 if version else None), until
        taken.append(found)
        return _before(found), found.at


def _before(write: Write) -> int | None:
    """The version whose rows a version's rows are, or began from; None for the first."""
    change = write.change
    before = change.same_as if change.same_as is not None else change.after
    if before is not None and before < write.version:
        return before
    # An event of an earlier Headgate, or of nobody's, does not say it: versions are counted.
    return write.version - 1 if write.version else None
