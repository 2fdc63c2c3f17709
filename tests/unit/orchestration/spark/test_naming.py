"""Names with a schema as one name each, in queries of any form."""

from __future__ import annotations

import pytest

from headgate.orchestration.spark.naming import flat, tables

KNOWN = ("silver_chat.messages", "headgate_changed.m|a|b")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ('SELECT messages.x FROM "silver_chat"."messages"',
         'SELECT messages.x FROM "silver_chat.messages" AS "messages"'),
        ("SELECT a.x FROM silver_chat.messages AS a", 'SELECT a.x FROM "silver_chat.messages" AS a'),
        ("FROM SILVER_CHAT . Messages m", 'FROM "silver_chat.messages" m'),
        ('SELECT \'☃\' WHERE 1 IN (SELECT b FROM headgate_changed."m|a|b")',
         'SELECT \'☃\' WHERE 1 IN (SELECT b FROM "headgate_changed.m|a|b" AS "m|a|b")'),
        ("WITH t AS (SELECT 1 AS x FROM silver_chat.messages) SELECT t.x FROM t, silver_chat.messages",
         'WITH t AS (SELECT 1 AS x FROM "silver_chat.messages" AS "messages") SELECT t.x FROM t,'
         ' "silver_chat.messages" AS "messages"'),
        ("SELECT 'silver_chat.messages' FROM other.messages",
         "SELECT 'silver_chat.messages' FROM other.messages"),
        ("DROP TABLE silver_chat.messages", "DROP TABLE silver_chat.messages"),
    ],
)  # fmt: skip
def test_known_relations_become_one_name(query: str, wanted: str) -> None:
    assert flat(query, KNOWN) == wanted


def test_what_a_query_reads_is_told_by_its_names() -> None:
    query = 'WITH t AS (FROM a.b) SELECT * FROM t WHERE x IN (SELECT y FROM "c d".e)'
    assert tables(query) == {"t", "a.b", "c d.e"}
