"""The log of who saw and did what: nothing in it can be changed without its being seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from headgate.core.errors import LakeError
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.records import chain
from headgate.portal.records.chain import BEGINNING, Head
from headgate.portal.records.checking import Checker
from headgate.portal.records.opening import Records, open_records
from headgate.portal.records.tables import entry

ANN = Person("ann@example.org", Role.REVIEWER)
BOB = Person("bob@example.org", Role.OWNER, frozenset({"community"}))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    found = open_records(tmp_path / "portal.db")
    for number in range(6):
        by = BOB if number % 2 else ANN
        action = "waived" if number % 2 else "quarantine_seen"
        chain.append(found, by=by, action=action, subject=f"bronze.irc.m{number}", rows=number)
    yield found
    found.close()


def behind_their_back(records: Records, *statements: str) -> None:
    """Change the log as somebody would who may write to the database and knows of the triggers."""
    with records.writing() as connection:
        for name in (
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .scalars()
            .all()
        ):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_entries_follow_one_another_and_are_verified(records: Records) -> None:
    found = chain.verify(records)
    assert (found.entries, found.broken) == (6, None)
    assert found.head == chain.head(records) == Head(6, chain.entries(records, limit=1)[0].hash)
    assert [e.number for e in chain.every(records)] == [1, 2, 3, 4, 5, 6]
    assert len({e.hash for e in chain.every(records)}) == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE portal_entry SET who = 'eve'",
        "UPDATE portal_entry SET hash = hash WHERE number = 6",
        "DELETE FROM portal_entry WHERE number = 6",
        "DELETE FROM portal_entry",
        "INSERT OR REPLACE INTO portal_entry SELECT 3, at, who, role, action, subject, detail, hash"
        " FROM portal_entry WHERE number = 2",
        "INSERT INTO portal_entry SELECT 9, at, who, role, action, subject, detail, hash"
        " FROM portal_entry WHERE number = 2",
        "INSERT INTO portal_entry SELECT 0, at, who, role, action, subject, detail, hash"
        " FROM portal_entry WHERE number = 2",
    ],
)
def test_the_database_itself_lets_nobody_change_an_entry(records: Records, statement: str) -> None:
    before = list(chain.every(records))
    with pytest.raises(LakeError, match="an entry of the log"), records.writing() as connection:
        connection.exec_driver_sql(statement)
    assert list(chain.every(records)) == before


CHANGES: dict[str, Any] = {
    "at": "at + 1", "who": "'eve'", "role": "'admin'", "action": "'exported'", "subject": "'other'",
    "detail": """'{"rows":99}'""", "hash": "replace(hash, substr(hash, 1, 1), 'f') || ''",
}  # fmt: skip


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("number", [1, 3, 6])
def test_a_changed_field_is_found_and_named(records: Records, column: str, number: int) -> None:
    assert set(CHANGES) | {"number"} == set(entry.c.keys())
    change = CHANGES[column] if column != "hash" else "'" + "0" * 63 + "1'"
    behind_their_back(
        records, f"UPDATE portal_entry SET {column} = {change} WHERE number = {number}"
    )
    assert chain.verify(records).broken == number


@pytest.mark.parametrize("number", [1, 3])
def test_a_removed_entry_is_found_though_the_rest_was_numbered_anew(
    records: Records, number: int
) -> None:
    behind_their_back(records, f"DELETE FROM portal_entry WHERE number = {number}")
    assert chain.verify(records).broken == number
    behind_their_back(
        records,
        f"UPDATE portal_entry SET number = -(number - 1) WHERE number > {number}",
        "UPDATE portal_entry SET number = -number WHERE number < 0",
    )
    assert chain.verify(records).broken == number


def test_a_tail_that_was_cut_off_is_missed_by_who_noted_the_head(records: Records) -> None:
    noted = chain.head(records)
    behind_their_back(records, "DELETE FROM portal_entry WHERE number > 4")
    assert chain.verify(records).broken is None
    assert chain.verify(records, noted=noted).broken == 5


def test_a_log_that_was_written_anew_is_not_the_one_whose_head_was_noted(records: Records) -> None:
    noted = chain.head(records)
    behind_their_back(records, "DELETE FROM portal_entry WHERE number > 5")
    chain.append(records, by=ANN, action="exported", subject="something else")
    assert chain.verify(records).broken is None
    assert chain.verify(records, noted=noted).broken == 6


def test_a_head_that_was_noted_is_found_in_a_log_that_went_on(records: Records) -> None:
    noted = chain.head(records)
    chain.append(records, by=ANN, action="exported", subject="a report")
    assert chain.verify(records, noted=noted) == chain.verify(records)
    assert chain.verify(records, noted=Head(0, BEGINNING)).broken is None


def test_lists_are_filtered_and_go_on_where_they_ended(records: Records) -> None:
    newest = chain.entries(records, limit=2)
    assert [e.number for e in newest] == [6, 5]
    assert [e.number for e in chain.entries(records, limit=2, after=5)] == [4, 3]
    assert [e.number for e in chain.entries(records, by=BOB.name)] == [6, 4, 2]
    assert [e.number for e in chain.entries(records, action="quarantine_seen")] == [5, 3, 1]
    assert [e.number for e in chain.entries(records, subject="bronze.irc.m2")] == [3]
    fourth = chain.entries(records, subject="bronze.irc.m3")[0]
    assert next(e.number for e in chain.every(records, since=fourth.at)) == 4
    assert fourth.number not in [e.number for e in chain.every(records, until=fourth.at)]
    assert (fourth.who, fourth.role, fourth.detail) == (BOB.name, "owner", {"rows": 3})


def test_what_is_no_action_is_not_logged(records: Records) -> None:
    with pytest.raises(ValueError, match="no action"):
        chain.append(records, by=ANN, action="looked", subject="x")
    assert chain.head(records).number == 6


def test_secrets_do_not_get_into_the_log(records: Records) -> None:
    told = "see postgresql://me:hunter2hunter2@host/db"
    found = chain.append(records, by=ANN, action="waived", subject=told, reason=told)
    assert "hunter2" not in found.subject + str(found.detail)
    assert chain.verify(records).broken is None


def test_hostile_text_is_kept_as_it_is(records: Records) -> None:
    text = "'); DROP TABLE portal_entry; -- \x07 \ud800 \U0001f600 <script>"
    found = chain.append(
        records, by=ANN, action="waived", subject="x", reason=text.replace("\ud800", "?")
    )
    assert chain.entries(records, limit=1)[0] == found
    assert chain.verify(records).broken is None


def test_processes_that_write_at_once_make_one_chain(records: Records) -> None:
    code = (
        "import sys; from headgate.portal.records import chain;"
        "from headgate.portal.records.opening import open_records;"
        "from headgate.portal.access.people import Person;"
        "from headgate.portal.access.roles import Role;"
        "r = open_records(sys.argv[1]); p = Person(sys.argv[2], Role.VIEWER);"
        "[chain.append(r, by=p, action='exported', subject=str(n)) for n in range(25)]"
    )
    began = [
        subprocess.Popen([sys.executable, "-c", code, records.place, f"p{n}"]) for n in range(3)
    ]
    assert [process.wait(timeout=120) for process in began] == [0, 0, 0]
    assert chain.verify(records).entries == 6 + 75
    assert chain.verify(records).broken is None


def test_the_checker_tells_of_a_change_once_it_reads_again(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headgate.portal.records import checking

    monkeypatch.setattr(checking, "_WAIT_SECONDS", 60.0)
    first = Checker(records).now()
    assert first is not None and first.found.broken is None
    behind_their_back(records, "UPDATE portal_entry SET who = 'eve' WHERE number = 2")
    again = Checker(records).now()
    assert again is not None and again.found.broken == 2


def test_the_steps_make_the_tables_as_they_are(records: Records) -> None:
    from headgate.portal.records import tables

    with records.reading() as connection:
        found = sa.inspect(connection)
        for table in tables.metadata.tables.values():
            columns = {c["name"]: c["nullable"] for c in found.get_columns(table.name)}
            assert columns == {c.name: bool(c.nullable) for c in table.columns}
            made = {(i["name"], tuple(i["column_names"])) for i in found.get_indexes(table.name)}
            assert made == {(str(i.name), tuple(i.columns.keys())) for i in table.indexes}
