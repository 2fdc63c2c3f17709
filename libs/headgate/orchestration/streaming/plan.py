"""How a stream is to be taken: how often it commits and releases, and which partitions it takes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from headgate.core.errors import UsageError


@dataclass(frozen=True)
class Plan:
    """A batch is committed after ``commit_messages`` messages or ``commit_bytes`` bytes of values, or
    ``commit_seconds`` after its first message came; what was committed is released within
    ``release_seconds``, and entered in the ledgers within ``ledger_seconds``.

    ``partitions`` are those to take (None: all that the topic has, also those it gets later).
    ``once``: end when what was there at the beginning is taken. ``tidy_seconds``: how often small
    files are put together (0: never here). ``fold_seconds``: how often what is made from the dataset
    is built by a run (0: never here). ``skip_lost``: where what comes next is gone from the
    broker, go on with the oldest that it has.
    """

    partitions: frozenset[int] | None = None
    commit_messages: int = 50_000
    commit_bytes: int = 32 << 20
    commit_seconds: float = 1.0
    release_seconds: float = 2.0
    catalog_seconds: float = 10.0
    ledger_seconds: float = 60.0
    lineage_seconds: float = 300.0
    tidy_seconds: float = 30.0
    fold_seconds: float = 0.0
    once: bool = False
    skip_lost: bool = False


def partitions_of(text: str) -> frozenset[int] | None:
    """The partitions that ``0-3,7`` means; None for an empty text.

    Raises:
        UsageError: it has another form.
    """
    found: set[int] = set()
    for part in filter(None, (p.strip() for p in text.split(","))):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(
                f"--partitions {text!r} is no list of partitions.", remedy="Write it as 0-3,7."
            )
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found) or None


def mine(plan: Plan, there: Collection[int], topic: str) -> tuple[int, ...]:
    """Which of the topic's partitions are to be taken.

    Raises:
        UsageError: the topic lacks one.
    """
    if plan.partitions is None:
        return tuple(sorted(there))
    lacking = sorted(plan.partitions - set(there))
    if lacking:
        raise UsageError(
            f"{topic} has no partition {lacking[0]}.",
            remedy=f"It has {', '.join(map(str, sorted(there)))}.",
        )
    return tuple(sorted(plan.partitions))
