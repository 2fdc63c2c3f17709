"""What changed on the platform within a day: contracts, datasets, and how many rows readers see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from headgate.contracts.model import ContractSet
from headgate.portal.knowing.batches import History
from headgate.portal.knowing.releases import Table

#: A table jumped if it lost this share of its rows, or has this many times as many, in a day.
_LOST, _TIMES = 0.2, 2.0
#: Of tables smaller than this, before and after, nothing is told.
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class Jump:
    """A table whose number of rows moved more than tables do in a day."""

    dataset: str
    before: int
    after: int

    @property
    def grown(self) -> float:
        """By which part of what it had: -1 if all are gone, 1 if there are twice as many."""
        return (self.after - self.before) / max(1, self.before)


@dataclass(frozen=True, slots=True)
class Edition:
    """A contract's edition as batches were made under it: ``version`` since ``at``; ``first`` if the
    dataset had no other. Where ``at`` is None, its contract changed and no batch was made since."""

    dataset: str
    version: str
    at: datetime | None
    first: bool


def jumps(before: Mapping[str, Table], after: Mapping[str, Table]) -> tuple[Jump, ...]:
    """The tables that jumped, those that lost most first."""
    found = [
        Jump(dataset, before[dataset].rows, table.rows)
        for dataset, table in after.items()
        if dataset in before and before[dataset] != table
    ]
    return tuple(sorted((j for j in found if _jumped(j)), key=lambda j: (j.grown, j.dataset)))


def editions(
    contracts: ContractSet, of: Mapping[str, History], since: datetime
) -> tuple[Edition, ...]:
    """The contracts that changed and the datasets that began since then, newest first; those that no
    batch was made under yet come before."""
    return tuple(sorted(_editions(contracts, of, since), key=lambda e: (_rank(e.at), e.dataset)))


def _editions(
    contracts: ContractSet, of: Mapping[str, History], since: datetime
) -> Iterator[Edition]:
    for dataset, contract in contracts.items():
        known = of[dataset].editions if dataset in of else None
        if known is None or not known.of:
            continue
        if contract.hash not in known.of:
            yield Edition(dataset, contract.version, None, False)
        elif known.newest is not None and known.newest[1] >= since:
            yield Edition(dataset, *known.newest, len(known.of) == 1)


def _rank(at: datetime | None) -> float:
    return float("-inf") if at is None else -at.timestamp()


def _jumped(jump: Jump) -> bool:
    if max(jump.before, jump.after) < _FEWEST:
        return False
    return jump.after <= jump.before * (1 - _LOST) or jump.after >= jump.before * _TIMES
