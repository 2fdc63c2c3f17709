"""Sign-offs and exceptions: who may what, how long they hold, and that the log has all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from headgate.core import clock
from headgate.core.errors import ConflictError, NotFoundError, UsageError
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records import chain, exceptions, signoffs
from headgate.portal.records.opening import Records, open_records

ADA = Person("ada@example.org", Role.REVIEWER)
BOB = Person("bob@example.org", Role.REVIEWER)
ROOT = Person("root@example.org", Role.ADMIN)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DATASET, RULE = "bronze.irc.messages", "type.accepted"
FIGURES = {"scope": "domain:irc", "datasets": {DATASET: [1, 2, 3]}, "broken": []}


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with closing(open_records(tmp_path / "portal.db")) as opened:
        yield opened


def _signed(records: Records, by: Person = ADA, digest: str = "d1") -> signoffs.SignOff:
    return signoffs.sign(
        records, by=by, subject="domain:irc", first=date(2026, 3, 1), last=date(2026, 3, 9),
        figures=FIGURES, digest=digest, note=" read in full ",
    )  # fmt: skip


def _granted(records: Records, until: date, rule: str = RULE) -> exceptions.Granted:
    return exceptions.grant(
        records,
        by=ADA,
        dataset=DATASET,
        rule=rule,
        reason="the source is being mended",
        until=until,
    )


def test_what_was_signed_is_kept_as_it_was(records: Records) -> None:
    with clock.frozen(NOON):
        made = _signed(records)
    (kept,) = signoffs.of_subject(records, "domain:irc")
    assert kept == made == signoffs.one(records, made.number)
    assert (kept.figures, kept.digest, kept.note) == (FIGURES, "d1", "read in full")
    assert (kept.by, kept.role, kept.at, kept.stands) == (ADA.name, "reviewer", NOON, True)
    assert signoffs.of_subject(records, "domain:chat") == ()


def test_the_same_figures_are_signed_once_by_one_person(records: Records) -> None:
    first = _signed(records)
    with pytest.raises(ConflictError, match=str(first.number)):
        _signed(records)
    _signed(records, by=BOB)
    _signed(records, digest="d2")
    assert len(signoffs.every(records)) == 3


def test_a_sign_off_is_withdrawn_by_who_made_it_or_an_admin_and_stays_on_record(
    records: Records,
) -> None:
    made = _signed(records)
    with pytest.raises(UsageError, match="ada"):
        signoffs.withdraw(records, made.number, by=BOB, why="not mine")
    with pytest.raises(UsageError, match="reason"):
        signoffs.withdraw(records, made.number, by=ADA, why="  ")
    signoffs.withdraw(records, made.number, by=ROOT, why="the wrong days")
    (kept,) = signoffs.every(records)
    assert not kept.stands
    assert (kept.withdrawn_by, kept.withdrawn_why) == (ROOT.name, "the wrong days")
    with pytest.raises(ConflictError):
        signoffs.withdraw(records, made.number, by=ADA, why="again")
    assert _signed(records).stands  # what was withdrawn may be signed anew
    with pytest.raises(NotFoundError):
        signoffs.withdraw(records, 99, by=ADA, why="x")


def test_an_exception_holds_to_the_end_of_its_last_day_and_no_longer(records: Records) -> None:
    with clock.frozen(NOON):
        made = _granted(records, date(2026, 3, 12))
    last = datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC)
    assert not made.is_in_force(NOON - timedelta(seconds=1))
    assert made.is_in_force(NOON) and made.is_in_force(last)
    assert not made.is_in_force(last + timedelta(seconds=1))
    assert exceptions.in_force(records, last) == (made,)
    assert exceptions.in_force(records, last + timedelta(seconds=1)) == ()
    assert made.state(last + timedelta(days=1)) == "expired"


@pytest.mark.parametrize("until", [date(2026, 3, 9), date(2027, 3, 12)])
def test_an_exception_ends_within_a_year(records: Records, until: date) -> None:
    with clock.frozen(NOON):
        with pytest.raises(UsageError, match=str(until)):
            _granted(records, until)
        _granted(records, date(2027, 3, 11))


def test_a_rule_has_one_exception_at_a_time(records: Records) -> None:
    with clock.frozen(NOON):
        _granted(records, date(2026, 3, 12))
        with pytest.raises(ConflictError, match=ADA.name):
            _granted(records, date(2026, 4, 1))
        _granted(records, date(2026, 4, 1), rule="another")
    with clock.frozen(NOON + timedelta(days=3)):
        _granted(records, date(2026, 4, 1))


def test_an_exception_that_is_ended_is_over_from_then_on(records: Records) -> None:
    with clock.frozen(NOON):
        made = _granted(records, date(2026, 5, 1))
    with clock.frozen(NOON + timedelta(hours=1)):
        exceptions.end(records, made.number, by=BOB, why="mended")
        with pytest.raises(ConflictError, match="ended"):
            exceptions.end(records, made.number, by=BOB, why="again")
    (kept,) = exceptions.of_dataset(records, DATASET)
    assert kept.is_in_force(NOON + timedelta(minutes=59))
    assert not kept.is_in_force(NOON + timedelta(hours=1))
    assert (kept.ended_by, kept.ended_why) == (BOB.name, "mended")
    assert kept.state(NOON + timedelta(days=100)) == "ended"


def test_each_is_an_entry_of_the_log_that_can_be_proven(records: Records) -> None:
    with clock.frozen(NOON):
        made, signed = _granted(records, date(2026, 3, 12)), _signed(records)
        exceptions.end(records, made.number, by=BOB, why="mended")
        signoffs.withdraw(records, signed.number, by=ADA, why="too early")
    told = [(e.action, e.subject, e.who) for e in chain.every(records)]
    assert told == [
        ("exception_granted", DATASET, ADA.name), ("signed_off", "domain:irc", ADA.name),
        ("exception_ended", DATASET, BOB.name), ("sign_off_withdrawn", "domain:irc", ADA.name),
    ]  # fmt: skip
    assert chain.verify(records).broken is None


def test_the_log_can_be_read_as_it_was(records: Records) -> None:
    with clock.frozen(NOON):
        made = _granted(records, date(2026, 5, 1))
        exceptions.end(records, made.number, by=BOB, why="mended")
    (then,), (now,) = exceptions.every(records, until=1), exceptions.every(records)
    assert then.ended_at is None
    assert now.ended_by == BOB.name
    assert exceptions.every(records, until=0) == ()


@pytest.mark.parametrize("why", ["", " \n "])
def test_an_exception_needs_a_reason(records: Records, why: str) -> None:
    with clock.frozen(NOON), pytest.raises(UsageError, match="reason"):
        exceptions.grant(
            records, by=ADA, dataset=DATASET, rule=RULE, reason=why, until=date(2026, 3, 12)
        )
    assert not list(chain.every(records))


def test_a_machine_stands_for_nothing(records: Records) -> None:
    robot = Person("token:robot", Role.ADMIN, is_machine=True)
    with pytest.raises(UsageError, match="person"):
        _signed(records, by=robot)
    with clock.frozen(NOON), pytest.raises(UsageError, match="person"):
        exceptions.grant(
            records, by=robot, dataset=DATASET, rule=RULE, reason="x", until=date(2026, 3, 12)
        )
    assert not list(chain.every(records))
