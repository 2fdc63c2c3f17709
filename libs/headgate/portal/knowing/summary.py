"""What is known of one dataset, one batch and one release: small, and the same for every page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from headgate.contracts.model import Contract


class Health(StrEnum):
    """How a dataset is, in one word; the worst that is true of it, by this order."""

    REFUSED = "refused"
    LATE = "late"
    QUARANTINE = "quarantine"
    NEVER = "never"
    GOOD = "good"

    @property
    def meaning(self) -> str:
        """What it says, for a reader."""
        return _MEANING[self]


_MEANING = {
    Health.REFUSED: "its newest batch was refused; readers see what was there before",
    Health.LATE: "its newest publication is older than its contract allows",
    Health.QUARANTINE: "rows of it were set aside and wait for a decision",
    Health.NEVER: "nothing was ever published",
    Health.GOOD: "published in time, and nothing waits for anybody",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that did not hold in the newest verdict of a dataset; ``breaches`` rows broke it."""

    rule: str
    severity: str
    column: str | None
    breaches: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One dataset now.

    ``classes`` are the classifications that occur among its columns; ``columns`` their names in
    order, ``personal`` those that hold personal data. ``rows`` and ``version`` are the table's newest,
    ``released_version`` what readers see. ``hours_allowed`` is the promised freshness, ``late_since``
    when it was broken. ``outcome`` is that of the newest batch (``batch``), which was judged at
    ``judged_at``. ``oldest_open`` is when the first of the rows that wait was set aside.
    """

    id: str
    layer: str
    domain: str
    owner: str
    description: str
    tags: tuple[str, ...]
    classes: tuple[str, ...]
    personal: tuple[str, ...]
    columns: tuple[str, ...]
    contract_version: str
    maker: str
    rows: int
    version: int | None
    released_version: int | None
    published_at: datetime | None
    hours_allowed: float | None
    fresh: bool | None
    late_since: datetime | None
    open_quarantine: int
    oldest_open: datetime | None
    outcome: str | None
    batch: str | None
    judged_at: datetime | None
    broken: tuple[Broken, ...]

    @property
    def health(self) -> Health:
        """The worst that is true of it."""
        return self.states[0]

    @property
    def name(self) -> str:
        """The last part of its id."""
        return self.id.rpartition(".")[2]

    @property
    def states(self) -> tuple[Health, ...]:
        """All that is true of it, the worst, which is its ``health``, first."""
        found = (
            (Health.REFUSED, self.outcome is not None and self.outcome != "published"),
            (Health.LATE, self.fresh is False),
            (Health.QUARANTINE, self.open_quarantine > 0),
            (Health.NEVER, self.version is None),
        )
        return tuple(h for h, is_so in found if is_so) or (Health.GOOD,)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as the ledger of batches has it."""

    id: str
    run: str
    dataset: str
    kind: str
    source: str
    outcome: str
    read: int
    published: int
    quarantined: int
    deduplicated: int
    refused: int
    at: datetime
    version: int | None

    @property
    def failed(self) -> bool:
        """Whether it was refused as a whole."""
        return self.outcome != "published"


@dataclass(frozen=True, slots=True)
class Released:
    """A release; ``moved`` tells of how many tables it shows another version than the one before,
    ``named`` are the first of them."""

    number: int
    parent: int | None
    run: str
    kind: str
    at: datetime
    tables: int
    moved: int
    groups: tuple[str, ...]
    named: tuple[str, ...] = ()


def classes_of(contract: Contract) -> tuple[str, ...]:
    """The classifications that occur among its columns, in alphabetical order."""
    return tuple(sorted({c.classification for c in contract.columns if c.classification}))


def personal_of(contract: Contract) -> tuple[str, ...]:
    """The columns of it that hold personal data."""
    return tuple(c.name for c in contract.columns if c.personal)


def counted(values: Iterable[str]) -> dict[str, int]:
    """How often each value occurs, by value."""
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return dict(sorted(found.items()))
