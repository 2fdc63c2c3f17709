"""What waits for somebody: of their own datasets, and of what their role lets them decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headgate.portal.access.people import Person
from headgate.portal.access.roles import Right, Role
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.summary import Summary

if TYPE_CHECKING:
    from headgate.portal.records.exceptions import Granted
    from headgate.portal.records.signoffs import SignOff

#: Exceptions that end within so many days are told of.
SOON = timedelta(days=7)
#: A domain of which nobody signed a day since is due.
SIGNED_WITHIN = timedelta(days=31)


@dataclass(frozen=True)
class Needs:
    """What waits for somebody.

    ``mine`` are the datasets of their teams (of an admin without teams: all), ``to_decide`` those of
    them with refused rows about which they may decide, the oldest first. ``ending`` are exceptions
    that end soon, the first first, of theirs or, for who may grant some, of all. ``unsigned`` are, for
    a reviewer, the domains of whose last month nobody signed a day off.
    """

    mine: int
    to_decide: tuple[Summary, ...]
    refused: tuple[Summary, ...]
    late: tuple[Summary, ...]
    ending: tuple[Granted, ...]
    unsigned: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows that wait for their decision."""
        return sum(s.open_quarantine for s in self.to_decide)

    @property
    def nothing(self) -> bool:
        """Whether nothing waits for them."""
        return not (self.to_decide or self.refused or self.late or self.ending or self.unsigned)


def needs(
    known: Known,
    person: Person,
    now: datetime,
    exceptions: Sequence[Granted],
    signed: Sequence[SignOff],
) -> Needs:
    """What waits for ``person``; ``exceptions`` are those in force, ``signed`` all sign-offs."""
    every = person.role is Role.ADMIN and not person.teams

    def is_mine(summary: Summary | None) -> bool:
        return summary is not None and (every or summary.owner in person.teams)

    decided = [s for s in known.quarantined if is_mine(s) and person.may_decide(s.owner)]
    decided.sort(key=lambda s: (s.oldest_open is None, s.oldest_open, s.id))
    return Needs(
        mine=len(known.datasets) if every else sum(known.owners.get(t, 0) for t in person.teams),
        to_decide=tuple(decided),
        refused=tuple(s for s in known.refused if is_mine(s)),
        late=tuple(s for s in known.late if is_mine(s)),
        ending=tuple(
            e
            for e in exceptions
            if e.expires_at <= now + SOON
            and (person.may(Right.SIGN) or is_mine(known.datasets.get(e.dataset)))
        ),
        unsigned=_unsigned(known, signed, now) if person.role is Role.REVIEWER else (),
    )


def _unsigned(known: Known, signed: Sequence[SignOff], now: datetime) -> tuple[str, ...]:
    since = (now - SIGNED_WITHIN).date()
    known_good = {s.subject for s in signed if s.stands and s.last >= since}
    return tuple(d for d in known.domains if f"domain:{d}" not in known_good)
