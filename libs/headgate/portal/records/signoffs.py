"""Sign-offs: somebody read the figures of a domain or owner over some days and stands for it; they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from headgate.core.errors import ConflictError, NotFoundError, UsageError
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from headgate.portal.records.opening import Records
from headgate.portal.records.until import upto

SIGNED, WITHDRAWN = "signed_off", "sign_off_withdrawn"
LONGEST_NOTE = 2_000


@dataclass(frozen=True)
class SignOff:
    """A sign-off, known by the ``number`` of its entry in the log.

    ``subject`` is ``domain:NAME`` or ``owner:NAME``; ``figures`` are what was signed, as plain values,
    and ``digest`` their SHA-256. ``note`` is what the reviewer said.
    """

    number: int
    subject: str
    first: date
    last: date
    digest: str
    figures: Mapping[str, Any]
    by: str
    role: str
    at: datetime
    note: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_why: str = ""

    @property
    def stands(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn_at is None


def sign(
    records: Records,
    *,
    by: Person,
    subject: str,
    first: date,
    last: date,
    figures: Mapping[str, Any],
    digest: str,
    note: str = "",
) -> SignOff:
    """Sign a report off.

    Raises:
        UsageError: the note is too long, or it is a machine that asks.
        ConflictError: the same person signed the same figures already.
    """
    if by.is_machine:
        raise UsageError("a machine stands for nothing.", remedy="A person has to sign.")
    if len(note) > LONGEST_NOTE:
        raise UsageError(f"the note is longer than {LONGEST_NOTE} characters.")
    for other in of_subject(records, subject):
        if other.stands and other.by == by.name and other.digest == digest:
            raise ConflictError(f"you signed these figures already, as entry {other.number}.")
    entry = chain.append(
        records, by=by, action=SIGNED, subject=subject, digest=digest, figures=figures,
        note=note.strip(), **{"from": first.isoformat(), "to": last.isoformat()},
    )  # fmt: skip
    return _signed(entry)


def withdraw(records: Records, number: int, *, by: Person, why: str) -> SignOff:
    """Take a sign-off back; it stays on record. Only who signed it may, or an admin.

    Raises:
        UsageError: there is no reason, or it is somebody else's.
        NotFoundError: there is none of that number.
        ConflictError: it was withdrawn already.
    """
    if not why.strip():
        raise UsageError("to withdraw needs a reason.", remedy="Say why it is withdrawn.")
    found = one(records, number)
    if not found.stands:
        raise ConflictError(f"sign-off {number} was withdrawn by {found.withdrawn_by} already.")
    if not may_withdraw(found, by):
        raise UsageError(
            f"sign-off {number} is {found.by}'s.", remedy="Who signed it may withdraw it."
        )
    entry = chain.append(
        records, by=by, action=WITHDRAWN, subject=found.subject, sign_off=number,
        reason=why.strip()[:LONGEST_NOTE],
    )  # fmt: skip
    return _withdrawn(found, entry)


def may_withdraw(found: SignOff, person: Person) -> bool:
    """Whether somebody may take a sign-off back that stands."""
    return found.stands and (person.role is Role.ADMIN or person.name == found.by)


def one(records: Records, number: int) -> SignOff:
    """The sign-off of that number.

    Raises:
        NotFoundError: there is none.
    """
    found = next((s for s in every(records) if s.number == number), None)
    if found is None:
        raise NotFoundError(f"no sign-off {number}.", remedy="Quality reports list theirs.")
    return found


def of_subject(records: Records, subject: str) -> tuple[SignOff, ...]:
    """The sign-offs of a domain or owner, the newest first."""
    return _read(
        chain.every(records, action=SIGNED, subject=subject),
        list(chain.every(records, action=WITHDRAWN, subject=subject)),
    )


def every(records: Records, *, until: int | None = None) -> tuple[SignOff, ...]:
    """All sign-offs that there ever were, the newest first; as the log was ``until`` an entry."""
    return _read(
        upto(chain.every(records, action=SIGNED), until),
        list(upto(chain.every(records, action=WITHDRAWN), until)),
    )


def _read(signed: Iterable[chain.Entry], withdrawn: Iterable[chain.Entry]) -> tuple[SignOff, ...]:
    back: dict[int, chain.Entry] = {}
    for entry in withdrawn:  # the first that says so counts
        back.setdefault(int(entry.detail["sign_off"]), entry)
    found = [
        _withdrawn(_signed(entry), back[entry.number]) if entry.number in back else _signed(entry)
        for entry in signed
    ]
    return tuple(reversed(found))


def _signed(entry: chain.Entry) -> SignOff:
    told = entry.detail
    return SignOff(
        entry.number, entry.subject, date.fromisoformat(str(told["from"])),
        date.fromisoformat(str(told["to"])), str(told["digest"]), told["figures"], entry.who,
        entry.role, entry.at, str(told.get("note", "")),
    )  # fmt: skip


def _withdrawn(found: SignOff, entry: chain.Entry) -> SignOff:
    return replace(
        found, withdrawn_at=entry.at, withdrawn_by=entry.who,
        withdrawn_why=str(entry.detail["reason"]),
    )  # fmt: skip
