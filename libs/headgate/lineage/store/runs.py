"""What events add up to for one run, whatever their order: each merges by greatest and least alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage import names
from headgate.lineage.store.told import Caller, Pieces, Spoken, Told, caller_of, error_of

#: Ends of a run; of several at one instant the later in this order counts.
ENDS = ("COMPLETE", "ABORT", "FAIL")
RUNNING = "RUNNING"
#: Bits of ``run.traits``: a stream, whose edges hold while it runs; a task of Airflow's.
STREAM, AIRFLOW = 1, 2
_STREAMING = ("STREAMING", "SERVICE")

Pair = tuple[str, str]


@dataclass
class Part:
    """A dataset that a run read or wrote: a row of ``run_dataset``."""

    dataset: Pair
    role: str
    at: int
    version: str | None = None
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    told_id: int | None = None
    statement_id: int | None = None
    stated_at: int | None = None
    slot: str | None = None
    #: What was told of its columns in this transaction, or, once loaded, at all.
    pieces: Pieces | None = None
    changed: bool = True
    is_new: bool = True

    def merge(self, at: int, spoken: Spoken) -> None:
        """Take in what an event says."""
        rows, size, files = spoken.statistics
        version = max(self.version, spoken.version, key=_order)
        merged = (
            max(self.at, at), version,
            _most(self.rows, rows), _most(self.bytes, size), _most(self.files, files),
        )  # fmt: skip
        if merged != (self.at, self.version, self.rows, self.bytes, self.files):
            self.at, self.version, self.rows, self.bytes, self.files = merged
            self.changed = True
        if spoken.pieces:
            self.pieces = self.pieces | spoken.pieces if self.pieces else spoken.pieces


@dataclass
class Run:
    """A row of ``run``, with its datasets."""

    uuid: str
    id: int
    job: Pair
    told_at: int
    state: str = RUNNING
    began_at: int | None = None
    ended_at: int | None = None
    running_at: int | None = None
    parent: str | None = None
    parent_job: str | None = None
    root: str | None = None
    root_job: str | None = None
    whole: str | None = None
    error: str | None = None
    traits: int = 0
    parts: dict[tuple[Pair, str], Part] = field(default_factory=dict)
    is_new: bool = True
    #: Its job is called otherwise than before.
    renamed: bool = False

    def merge(self, told: Told) -> None:
        """Take in an event of the run's."""
        at, state = told.at, told.state
        self.told_at = max(self.told_at, at)
        self.began_at = at if self.began_at is None else min(self.began_at, at)
        if state in ENDS and (self.ended_at is None or (at, ENDS.index(state)) > (
            self.ended_at, ENDS.index(self.state)
        )):  # fmt: skip
            self.state, self.ended_at = state, at
        if state == RUNNING:
            self.running_at = at if self.running_at is None else min(self.running_at, at)
        if told.job and told.job < self.job:
            self.job, self.renamed = (
                told.job,
                not self.is_new,
            )  # a run has one job; of those that say otherwise, the first by name
        self._merge_facets(told)
        for spoken in told.spoken:
            key = spoken.named[:2], spoken.role
            if key not in self.parts:
                self.parts[key] = Part(*key, at)
            self.parts[key].merge(at, spoken)

    def _merge_facets(self, told: Told) -> None:
        caller = caller_of(told)
        known = (self.parent or "", self.parent_job or "", self.root or "", self.root_job or "")
        if caller and caller > known:
            self.parent, self.parent_job, self.root, self.root_job = caller
        self.whole = _most(self.whole, told.whole)
        self.error = _most(self.error, error_of(told))
        if told.processing in _STREAMING:
            self.traits |= STREAM
        if told.integration == "AIRFLOW":
            self.traits |= AIRFLOW

    @property
    def stated_at(self) -> int | None:
        """Since when what the run says of its outputs counts; None: it does not.

        A run counts from when it completed, one that runs on from when it first said that it runs;
        and one that failed never, unless it is a stream, which made what it made.
        """
        if self.traits & STREAM and self.running_at is not None:
            return self.running_at
        if self.ended_at is None:
            return self.running_at
        return self.ended_at if self.state == "COMPLETE" else None

    def outputs(self) -> Iterator[Part]:
        """What the run wrote, if it says anything of what that is made from.

        A task of Airflow's with outputs in a lake says what it may write; who does the work for it
        says from what.
        """
        found = [part for part in self.parts.values() if part.role == "out"]
        if self.traits & AIRFLOW and any(names.lake_of(p.dataset[0]) is not None for p in found):
            return
        yield from found

    def inputs(self) -> list[Pair]:
        """What the run read."""
        return [part.dataset for part in self.parts.values() if part.role == "in"]


def _most(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _order(version: str | None) -> tuple[int, str]:
    """Versions that are numbers count up; whatever they are, one of two comes last."""
    return (len(version), version) if version is not None else (-1, "")


__all__ = ["AIRFLOW", "ENDS", "STREAM", "Caller", "Part", "Run"]
