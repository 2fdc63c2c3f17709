"""What a part of a run came to: accounts of batches, states of curated datasets, and its report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headgate.lake.meta import CommitMeta
from headgate.quality.outcome import BatchOutcome

#: What may become of a curated dataset in a part.
STATES = ("built", "unchanged", "failed", "skipped")


@dataclass(frozen=True)
class Account:
    """One batch: what was read and what became of it, and where that now lies.

    ``read = published + quarantined + deduplicated + refused``. ``version`` is the table's after
    it, None if nothing was committed. ``verdict`` is passed, warned (a rule was broken, or rows
    were set aside) or refused. ``release`` is the first that shows it; None for a candidate.
    """

    dataset: str
    version: int | None
    batch_id: str | None
    run_id: str
    read: int
    published: int
    quarantined: int
    deduplicated: int
    refused: int
    verdict: str
    release: int | None = None

    def extra(self) -> dict[str, object]:
        """What an Asset event carries: the fields as JSON has them."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, outcome: BatchOutcome, run_id: str) -> Account:
        """The account of a batch that this run judged."""
        broken = bool(outcome.verdict and outcome.verdict.failed)
        return cls(
            outcome.dataset, outcome.version, outcome.batch_id, run_id,
            outcome.read, outcome.published, outcome.quarantined, outcome.deduplicated,
            outcome.refused, _verdict(outcome.outcome, broken or outcome.quarantined > 0),
        )  # fmt: skip

    @classmethod
    def of_commit(cls, meta: CommitMeta, version: int, release: int | None = None) -> Account:
        """The account of a batch as its commit has it."""
        broken = any(not v["passed"] for v in meta.verdicts)
        return cls(
            meta.dataset, version, meta.batch_id, meta.run_id,
            meta.read, meta.published, meta.quarantined, meta.deduplicated, meta.refused,
            _verdict(meta.outcome, broken or meta.quarantined > 0), release,
        )  # fmt: skip

    @classmethod
    def of_row(cls, row: Mapping[str, Any], *, warned: bool) -> Account:
        """The account of a batch as the ledger has it; ``warned`` says that a rule was broken."""
        names = tuple(f.name for f in dataclasses.fields(cls) if f.name in row)
        verdict = _verdict(row["outcome"], warned or row["quarantined"] > 0)
        return cls(verdict=verdict, **{n: row[n] for n in names})


@dataclass(frozen=True)
class NodeState:
    """What became of a curated dataset in a part.

    ``state`` is one of :data:`STATES`: built; unchanged (nothing it is made from moved); failed
    (it could not be built, was refused, or a test that reads it failed); skipped (what it is made
    from failed). ``message`` says why, where there is something to say. ``account`` is that of
    its newest batch, if it has any.
    """

    dataset: str
    state: str
    seconds: float
    message: str
    account: Account | None


@dataclass(frozen=True)
class PartReport:
    """One part's end.

    ``accounts`` are of the batches that it judged, or for a release of the datasets that moved;
    also of those that earlier tries of the same task committed and did not live to tell of.
    ``nodes`` are the curated datasets that it was about, each after what it is made from.
    ``release`` was published, None if nothing moved; ``released`` are its datasets that moved,
    ``held`` the release groups that were held back; ``problems`` and ``notes`` are sentences.
    """

    run_id: str
    accounts: tuple[Account, ...] = ()
    nodes: tuple[NodeState, ...] = ()
    release: int | None = None
    released: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether nothing was refused or held, and nothing failed."""
        refused = any(a.verdict == "refused" for a in self.accounts)
        return not (refused or self.held or self.problems)


def each_once(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """The accounts without those of a batch that is among them already."""
    return tuple({a.batch_id: a for a in accounts}.values())


def _verdict(outcome: str, warned: bool) -> str:
    if outcome == "refused":
        return "refused"
    return "warned" if warned else "passed"
