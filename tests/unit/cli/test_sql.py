"""Questions in SQL: datasets go by their ids, quoted text stays, and nothing can be changed."""

from __future__ import annotations

import duckdb
import pytest

from headgate.cli import sql
from headgate.core.errors import UsageError


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from gold.community.fct_messages", 'from "gold_community"."fct_messages"'),
        ("from system.ledger.runs r", 'from "system_ledger"."runs" r'),
        ("from bronze.irc.messages__quarantine", 'from "bronze_irc"."messages__quarantine"'),
        ("select 'gold.a.b', \"gold.a.b\"", "select 'gold.a.b', \"gold.a.b\""),
        ("select 'it''s gold.a.b' from gold.a.b", "select 'it''s gold.a.b' from \"gold_a\".\"b\""),
        ("-- gold.a.b\nfrom gold.a.b", '-- gold.a.b\nfrom "gold_a"."b"'),
        ("/* gold.a.b */ from gold.a.b", '/* gold.a.b */ from "gold_a"."b"'),
        ("$$gold.a.b$$", "$$gold.a.b$$"),
        ("from x.gold.a.b, marigold.a.b, gold_a.b", "from x.gold.a.b, marigold.a.b, gold_a.b"),
        ("select gold.a.b.c from gold.a.b", 'select "gold_a"."b".c from "gold_a"."b"'),
    ],
)
def test_ids_become_relations_outside_quotes(query: str, expected: str) -> None:
    assert sql.with_relations(query) == expected


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect()
    found.execute("CREATE SCHEMA gold_a; CREATE VIEW gold_a.b AS SELECT range AS n FROM range(3)")
    return found


def test_a_question_is_answered(con: duckdb.DuckDBPyConnection) -> None:
    names, rows = sql.answer(con, "select n, n * 2 as twice from gold.a.b order by n")
    assert names == ["n", "twice"]
    assert list(rows) == [(0, 0), (1, 2), (2, 4)]


@pytest.mark.parametrize(
    "query",
    ["create table t (i int)", "insert into gold_a.b values (1)", "copy (select 1) to 'x.csv'",
     "attach 'x.db'", "drop view gold_a.b", "select 1; select 2", "", "set threads = 1",
     "select 1; drop view gold_a.b", "install httpfs", "export database 'x'"],
)  # fmt: skip
def test_only_one_question_is_taken(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(UsageError):
        sql.answer(con, query)
    assert con.execute("select count(*) from gold_a.b").fetchone() == (3,)


def test_a_wrong_question_says_what_may_be_asked(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match=r"To ask: gold\.a\.b\."):
        sql.answer(con, "select * from gold.a.nothing")
    with pytest.raises(UsageError, match="Parser Error"):
        sql.answer(con, "selec 1")
    with pytest.raises(UsageError, match="in row"):
        list(sql.answer(con, "select error('in row ' || n) from gold.a.b")[1])
