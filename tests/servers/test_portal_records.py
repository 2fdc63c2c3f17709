"""The portal's records in PostgreSQL: the log holds there too, and beside a lineage store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from headgate.core.errors import LakeError
from headgate.lineage.store.opening import open_store
from headgate.portal.access import sign_ins, tokens
from headgate.portal.access.people import Person
from headgate.portal.access.refusal import Refusal
from headgate.portal.access.roles import Role
from headgate.portal.access.sessions import Sessions
from headgate.portal.records import chain, roles_given, tables
from headgate.portal.records.opening import Records, open_records
from tests.unit.lineage.store.postgres import postgres, postgres_server

__all__ = ["postgres", "postgres_server"]
pytestmark = pytest.mark.servers
ANN = Person("ann@example.org", Role.OWNER, frozenset({"us"}))


@pytest.fixture
def records(postgres: str) -> Iterator[Records]:
    found = open_records(postgres)
    for number in range(4):
        chain.append(found, by=ANN, action="waived", subject=f"s{number}", rows=number)
    yield found
    found.close()


def test_they_share_a_database_with_a_lineage_store(postgres: str) -> None:
    store, records = open_store(postgres), open_records(postgres)
    chain.append(records, by=ANN, action="waived", subject="s")
    again, both = open_records(postgres), open_store(postgres)
    assert chain.head(again).number == 1
    for each in (store, records, again, both):
        each.close()


def test_the_steps_make_the_same_tables(records: Records) -> None:
    with records.reading() as connection:
        found = sa.inspect(connection)
        for table in tables.metadata.tables.values():
            assert {c["name"] for c in found.get_columns(table.name)} == set(table.columns.keys())
            made = {i["name"] for i in found.get_indexes(table.name)}
            assert made >= {str(i.name) for i in table.indexes}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE portal_entry SET who = 'eve'",
        "DELETE FROM portal_entry WHERE number = 4",
        "TRUNCATE portal_entry",
        "INSERT INTO portal_entry SELECT 9, at, who, role, action, subject, detail, hash"
        " FROM portal_entry WHERE number = 2",
        "INSERT INTO portal_entry SELECT 2, at, who, role, action, subject, detail, hash"
        " FROM portal_entry WHERE number = 2"
        " ON CONFLICT (number) DO UPDATE SET who = 'eve'",
    ],
)
def test_the_database_lets_nobody_change_an_entry(records: Records, statement: str) -> None:
    before = list(chain.every(records))
    with pytest.raises(LakeError, match="an entry of the log"), records.writing() as connection:
        connection.exec_driver_sql(statement)
    assert list(chain.every(records)) == before


def test_who_goes_around_that_is_found_out(records: Records) -> None:
    noted = chain.head(records)
    assert chain.verify(records, noted=noted).broken is None
    with records.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE portal_entry DISABLE TRIGGER ALL")
        connection.exec_driver_sql("UPDATE portal_entry SET who = 'eve' WHERE number = 3")
    assert chain.verify(records).broken == 3
    with records.writing() as connection:
        connection.exec_driver_sql("DELETE FROM portal_entry WHERE number >= 3")
    assert chain.verify(records).broken is None
    assert chain.verify(records, noted=noted).broken == 3


def test_writers_at_once_make_one_chain(records: Records) -> None:
    def write() -> None:
        for number in range(25):
            chain.append(records, by=ANN, action="exported", subject=str(number))

    writers = [threading.Thread(target=write) for _ in range(6)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    found = chain.verify(records)
    assert (found.entries, found.broken) == (154, None)


def test_hostile_text_is_kept_or_made_writable(records: Records) -> None:
    name = Person("a\0b\ud800", Role.VIEWER)
    found = chain.append(records, by=name, action="waived", subject="\0", reason="\0 \ud800 '; --")
    assert chain.entries(records, limit=1)[0] == found
    assert chain.entries(records, by="a\0b\ud800")[0] == found
    assert chain.verify(records).broken is None


def test_people_tokens_and_sign_ins_are_kept(records: Records) -> None:
    sessions = Sessions(records, idle=timedelta(minutes=5), whole=timedelta(hours=1))
    key = sessions.begin(ANN)
    found = sessions.find(key)
    assert found is not None and found.person == ANN and sessions.open() == {ANN.name: 1}
    assert sessions.end_all(ANN.name) == 1 and sessions.find(key) is None
    text = tokens.create(records, "ci", Role.VIEWER, by=ANN)
    assert tokens.Keys(records).find(text) is not None
    roles_given.note(records, ANN)
    roles_given.note(records, ANN)
    assert [(g.who, g.teams) for g in roles_given.every(records)] == [(ANN.name, ("us",))]
    asked = sign_ins.begin(records, browser="b", redirect="r", goes_on="/x")
    for _ in range(25):
        sign_ins.begin(records, browser="other", redirect="r", goes_on="/")
    assert sign_ins.take(records, state=asked.state, browser="b", redirect="r") == (asked, "/x")
    with pytest.raises(Refusal):
        sign_ins.take(records, state=asked.state, browser="b", redirect="r")
