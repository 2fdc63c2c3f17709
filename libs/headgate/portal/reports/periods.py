"""Days over which something is counted, and whose datasets are meant, as addresses say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from headgate.core import clock
from headgate.core.errors import NotFoundError, UsageError
from headgate.portal import addresses

MOST_DAYS = 400
_DEFAULT_DAYS = 30
KINDS = ("domain", "owner")


@dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included, UTC."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    @property
    def is_over(self) -> bool:
        """Whether its last day is past, so that only late entries can still change its figures."""
        return self.last < clock.now().date()

    @property
    def query(self) -> dict[str, str]:
        """As an address says it."""
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}

    def __str__(self) -> str:
        return f"{self.first} to {self.last}" if self.first != self.last else str(self.first)


@dataclass(frozen=True)
class Scope:
    """Whose datasets are meant: those of a ``domain`` or of an ``owner``."""

    kind: str
    name: str

    @property
    def subject(self) -> str:
        """What the log calls it."""
        return f"{self.kind}:{self.name}"

    @property
    def address(self) -> str:
        """The page of its quality report."""
        make = addresses.domain if self.kind == "domain" else addresses.owner
        return make(self.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def period(asked: Mapping[str, str]) -> Period:
    """The days that ``from`` and ``to``, or ``days``, say; the last thirty, if nothing is said.

    Raises:
        UsageError: they say no days, or too many.
    """
    today = clock.now().date()
    last = day_of(asked.get("to"), "to") or today
    days = asked.get("days") or ""
    if days and not (days.isdigit() and 1 <= int(days[:6]) <= MOST_DAYS):
        raise UsageError(f"{days!r} is no number of days.", remedy=f"Give 1 to {MOST_DAYS}.")
    try:
        first = last - timedelta(days=(int(days) if days else _DEFAULT_DAYS) - 1)
    except OverflowError:
        raise UsageError(f"no period ends on {last}.", remedy="Give a later day.") from None
    first = day_of(asked.get("from"), "from") or first
    if first > last:
        raise UsageError("the period ends before it begins.", remedy="Swap its two days.")
    found = Period(first, last)
    if found.days > MOST_DAYS:
        raise UsageError(
            f"a period of {found.days} days is too long.", remedy=f"Give at most {MOST_DAYS} days."
        )
    return found


def scope(subject: str) -> Scope:
    """What a subject of the log means.

    Raises:
        UsageError: it means neither a domain nor an owner.
    """
    kind, _, name = subject.partition(":")
    if kind not in KINDS or not name:
        raise UsageError(f"{subject!r} is neither a domain nor an owner.")
    return Scope(kind, name)


def day_of(text: str | None, name: str) -> date | None:
    """A day that somebody gave, or None.

    Raises:
        UsageError: it is no day.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is no day.", remedy=f"Give {name!r} as 2026-01-31."
        ) from None


def demand(found: Scope, known: Mapping[str, int]) -> None:
    """Let only a scope pass that has datasets.

    Raises:
        NotFoundError: it has none.
    """
    if found.name not in known:
        raise NotFoundError(
            f"no dataset is in the {found.kind} {found.name!r}.",
            remedy="The page Quality lists those that there are.",
        )
