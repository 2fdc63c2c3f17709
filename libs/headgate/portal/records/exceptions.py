"""Exceptions: a rule that may be broken for a while, says somebody with a reason; no verdict changes by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from headgate.core import clock
from headgate.core.errors import ConflictError, NotFoundError, UsageError
from headgate.portal.access.people import Person
from headgate.portal.records import chain
from headgate.portal.records.opening import Records
from headgate.portal.records.until import upto

#: A dataset, and a rule of it.
Rule = tuple[str, str]
GRANTED, ENDED = "exception_granted", "exception_ended"
MOST_DAYS = 366
LONGEST_REASON = 2_000


@dataclass(frozen=True)
class Granted:
    """An exception, known by the ``number`` of its entry in the log.

    It is in force from ``at`` to the end of the day ``until`` (UTC), unless somebody ended it before.
    """

    number: int
    dataset: str
    rule: str
    reason: str
    by: str
    at: datetime
    until: date
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""

    @property
    def expires_at(self) -> datetime:
        """When it ends by itself."""
        return datetime.combine(self.until + timedelta(days=1), time(), UTC)

    def is_in_force(self, at: datetime | None = None) -> bool:
        """Whether it holds at a moment, or now."""
        at = at or clock.now()
        return self.at <= at < min(self.expires_at, self.ended_at or self.expires_at)

    def state(self, at: datetime | None = None) -> str:
        """``in force``, ``expired`` or ``ended``."""
        if self.is_in_force(at):
            return "in force"
        return "ended" if self.ended_at and self.ended_at < self.expires_at else "expired"


def grant(
    records: Records, *, by: Person, dataset: str, rule: str, reason: str, until: date
) -> Granted:
    """Let a rule of a dataset be broken until the end of a day.

    The caller makes sure that there is such a rule.

    Raises:
        UsageError: there is no reason, the day is past or more than a year away, or it is a machine
            that asks.
        ConflictError: one is in force for that rule.
    """
    if by.is_machine:
        raise UsageError("a machine grants nothing.", remedy="A person has to grant it.")
    reason, today = reason.strip(), clock.now().date()
    if not reason:
        raise UsageError("an exception needs a reason.", remedy="Say why the rule may be broken.")
    if len(reason) > LONGEST_REASON:
        raise UsageError(f"the reason is longer than {LONGEST_REASON} characters.")
    if not today <= until <= today + timedelta(days=MOST_DAYS):
        raise UsageError(
            f"an exception cannot end on {until}.",
            remedy="Give a day from today on, at most a year away.",
        )
    for other in of_dataset(records, dataset):
        if other.rule == rule and other.is_in_force():
            raise ConflictError(
                f"{rule} of {dataset} has an exception until {other.until} already, by {other.by}.",
                remedy="End that one first.",
            )
    entry = chain.append(
        records, by=by, action=GRANTED, subject=dataset, rule=rule, reason=reason,
        until=until.isoformat(),
    )  # fmt: skip
    return _granted(entry)


def end(records: Records, number: int, *, by: Person, why: str) -> Granted:
    """End an exception before its day.

    Raises:
        UsageError: there is no reason.
        NotFoundError: there is none of that number.
        ConflictError: it is not in force any more.
    """
    if not why.strip():
        raise UsageError("to end an exception needs a reason.", remedy="Say why it ends.")
    found = next((e for e in every(records) if e.number == number), None)
    if found is None:
        raise NotFoundError(f"no exception {number}.", remedy="The page Quality lists them.")
    if not found.is_in_force():
        raise ConflictError(f"exception {number} is {found.state()} already.")
    entry = chain.append(
        records, by=by, action=ENDED, subject=found.dataset, rule=found.rule, exception=number,
        reason=why.strip()[:LONGEST_REASON],
    )  # fmt: skip
    return replace(found, ended_at=entry.at, ended_by=entry.who, ended_why=why.strip())


def every(records: Records, *, until: int | None = None) -> tuple[Granted, ...]:
    """All exceptions that were ever granted, the newest first; as the log was ``until`` an entry."""
    return _read(
        upto(chain.every(records, action=GRANTED), until),
        list(upto(chain.every(records, action=ENDED), until)),
    )


def of_dataset(records: Records, dataset: str) -> tuple[Granted, ...]:
    """Those of a dataset, the newest first."""
    return _read(
        chain.every(records, action=GRANTED, subject=dataset),
        list(chain.every(records, action=ENDED, subject=dataset)),
    )


def concerning(
    records: Records, dataset: str, *, rules: Collection[str] | None = None
) -> tuple[Granted, ...]:
    """Those of a dataset, or of these ``rules`` of it alone: what is in force first, then the newest."""
    found = [e for e in of_dataset(records, dataset) if rules is None or e.rule in rules]
    return tuple(sorted(found, key=lambda e: not e.is_in_force()))


def in_force(records: Records, at: datetime | None = None) -> tuple[Granted, ...]:
    """Those that hold at a moment, or now; the one that ends first comes first."""
    found = [e for e in every(records) if e.is_in_force(at)]
    return tuple(sorted(found, key=lambda e: (e.until, e.dataset, e.rule)))


def by_rule(granted: Iterable[Granted], at: datetime | None = None) -> dict[Rule, Granted]:
    """Those of ``granted`` that hold at a moment, or now, by dataset and rule."""
    return {(e.dataset, e.rule): e for e in granted if e.is_in_force(at)}


def _read(granted: Iterable[chain.Entry], ended: Iterable[chain.Entry]) -> tuple[Granted, ...]:
    ends: dict[int, chain.Entry] = {}
    for entry in ended:  # the first that says so counts
        ends.setdefault(int(entry.detail["exception"]), entry)
    found = [_granted(entry, ends.get(entry.number)) for entry in granted]
    return tuple(reversed(found))


def _granted(entry: chain.Entry, end: chain.Entry | None = None) -> Granted:
    told = entry.detail
    found = Granted(
        entry.number, entry.subject, str(told["rule"]), str(told["reason"]), entry.who, entry.at,
        date.fromisoformat(str(told["until"])),
    )  # fmt: skip
    if end is None:
        return found
    return replace(found, ended_at=end.at, ended_by=end.who, ended_why=str(end.detail["reason"]))
