"""What producers call a dataset, and which one they mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.lineage.store.naming import (
    CATALOGUE,
    QUARANTINE,
    Alias,
    Named,
    Names,
    implied,
    implying,
)
from headgate.lineage.store.naming_forms import normal, parts

LAKE = "headgate://local"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (("file", "/lake/gold"), ("file", "/lake/gold")),
        (("file", "/lake/gold/"), ("file", "/lake/gold")),
        (("file", "//lake//gold"), ("file", "/lake/gold")),
        (("file:", "/lake"), ("file", "/lake")),
        (("file:///", "/lake"), ("file", "/lake")),
        (("file://", "lake"), ("file", "lake")),
        (("file://localhost", "/lake"), ("file", "/lake")),
        (("file", "file:/lake/gold"), ("file", "/lake/gold")),
        (("file", "file:///lake/gold"), ("file", "/lake/gold")),
        (("file", "/"), ("file", "/")),
        # A declared source is what its contract says: a pattern, a relative path.
        (("file", "data/**/*.json"), ("file", "data/**/*.json")),
        (("file", "source:bronze.chat.users"), ("file", "source:bronze.chat.users")),
        (("file", "data/"), ("file", "data/")),
        # Spark's warehouse is a folder of tables.
        (("file:/tmp/warehouse/", "default.t"), ("file:///tmp/warehouse", "default.t")),
        (("file:///tmp/warehouse", "default.t"), ("file:///tmp/warehouse", "default.t")),
        # A folder on another machine is not on this one.
        (("file://host", "/lake"), ("file://host", "/lake")),
        (("s3a://bucket", "/gold/x/"), ("s3://bucket", "gold/x")),
        (("s3n://bucket/", "gold/x"), ("s3://bucket", "gold/x")),
        (("s3://bucket", "s3a://bucket/gold/x"), ("s3://bucket", "gold/x")),
        (("s3://bucket", "s3://bucket-2/x"), ("s3://bucket", "s3://bucket-2/x")),
        (("s3://bucket", ""), ("s3://bucket", "/")),
        (("s3://bucket", "/"), ("s3://bucket", "/")),
        (("gcs://bucket", "x"), ("gs://bucket", "x")),
        (("gs://bucket", "X/y"), ("gs://bucket", "X/y")),
        (("abfs://c@a.dfs.example", "/x/"), ("abfss://c@a.dfs.example", "x")),
        (("postgresql://db", "shop.public.Users"), ("postgres://db:5432", "shop.public.Users")),
        (("postgres://db:6543", "a.b.c"), ("postgres://db:6543", "a.b.c")),
        (("jdbc:postgresql://db:5432", "a.b.c"), ("postgres://db:5432", "a.b.c")),
        (("kafka://a:9092,b:9092", "topic"), ("kafka://a:9092,b:9092", "topic")),
        (("kafka://a", "topic"), ("kafka://a:9092", "topic")),
        (("bigquery", "project.set.table"), ("bigquery", "project.set.table")),
        (("snowflake://org-account/", "DB.S.T"), ("snowflake://org-account", "DB.S.T")),
        (("duckdb://memory", '"memory"."a b"."t"'), ("duckdb://:memory:", "memory.a b.t")),
        (("duckdb:///l//c.duckdb", "lake.s.t"), ("duckdb:///l/c.duckdb", "c.s.t")),
        (("duckdb://file:/l/c.duckdb", "c.s.t"), ("duckdb:///l/c.duckdb", "c.s.t")),
        ((LAKE, "gold.chat.daily"), (LAKE, "gold.chat.daily")),
        ((LAKE + "/", "/gold.chat.daily"), (LAKE, "gold.chat.daily")),
        ((LAKE, "gold.chat.daily__quarantine"), (LAKE, "gold.chat.daily")),
        (("", ""), ("", "")),
        (("://", "x"), ("://", "x")),
    ],
)
def test_one_spelling(told: tuple[str, str], meant: tuple[str, str]) -> None:
    assert normal(*told) == meant


_PIECES = st.lists(
    st.sampled_from(
        ["file:", "//", "/", "s3a:", "s3:", "duckdb:", ":memory:", "headgate:", "postgres:", "jdbc:",
         "lake", "a", "B", ".", '"', "`", "__quarantine", "localhost", ":1", "", "é", "?", " ", "memory"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(_PIECES, _PIECES)
def test_the_spelling_is_its_own(namespace: str, name: str) -> None:
    """What is stored can be asked for: a normal name stays as it is."""
    found = normal(namespace, name)
    assert normal(*found) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.b.c", ("a", "b", "c")),
        ('"a"."b.c"', ("a", "b.c")),
        ('a."say ""x"""', ("a", 'say "x"')),
        ("`a`.b", ("a", "b")),
    ],
)
def test_parts_of_quoted_names(name: str, found: tuple[str, ...]) -> None:
    assert parts(name) == found


def event(namespace: str = LAKE, parent: str | None = None) -> dict[str, Any]:
    facets = {}
    if parent:
        facets["parent"] = {"job": {"namespace": namespace, "name": parent}, "run": {"runId": "x"}}
    return {"job": {"namespace": namespace, "name": "j"}, "run": {"runId": "r", "facets": facets}}


@pytest.mark.parametrize(
    "name",
    ["memory.gold_chat.daily", '"memory"."gold_chat"."daily"', "gold_chat.daily",
     "memory.gold_chat.daily__quarantine"],
)  # fmt: skip
@pytest.mark.parametrize("namespace", ["duckdb://:memory:", "duckdb://lake/catalog.duckdb"])
def test_a_relation_of_a_lake_is_its_dataset(namespace: str, name: str) -> None:
    of_job = Names.of(event())
    assert of_job.node(namespace, name) == Named(LAKE, "gold.chat.daily", False)
    served = Names.of(event("dbt"), lake="local")
    assert served.node(namespace, name) == Named(LAKE, "gold.chat.daily", False)
    both = Names.of(event("headgate://other"), lake="local")
    assert both.node(namespace, name).namespace == "headgate://other"


@pytest.mark.parametrize(
    "name",
    ["memory.main.stg_chat__messages", "memory.gold_chat.daily__dbt_tmp", "chat", "memory.temp.t",
     "memory.staging_chat.t", "memory.gold.t", "memory.gold_chat.Daily", "a.b.gold_chat.daily", ""],
)  # fmt: skip
def test_other_tables_in_memory_pass_with_their_process(name: str) -> None:
    mine = Names.of(event(parent="dbt-run-mine")).node("duckdb://:memory:", name)
    other = Names.of(event(parent="dbt-run-other")).node("duckdb://:memory:", name)
    again = Names.of(event(parent="dbt-run-mine")).node("duckdb://:memory:", name)
    assert mine.transient and other.transient
    assert mine == again != other
    # What the row says is what it is, whoever asks.
    assert Names.of(event("x")).node(mine.namespace, mine.name) == mine


def test_nothing_is_guessed_of_a_lake_that_nobody_named() -> None:
    nobodys = Names.of(event("dbt")).node("duckdb://:memory:", "memory.gold_chat.daily")
    assert nobodys.transient
    file = Names.of(event()).node("duckdb:///home/me/dev.duckdb", "dev.gold_chat.daily")
    assert file == Named("duckdb:///home/me/dev.duckdb", "dev.gold_chat.daily")
    assert implied(file) == ()


def test_where_a_lake_lies_implies_names() -> None:
    table = Named("file", "/lake/gold/chat/daily")
    catalogue = Names.of(event("bi")).node(
        "duckdb:///lake/catalog.duckdb", "catalog.gold_chat.daily"
    )
    assert implied(catalogue) == (Alias(table, CATALOGUE),)
    refused = Named("s3://b", "lake/gold/chat/daily__quarantine")
    assert implied(refused) == (Alias(Named("s3://b", "lake/gold/chat/daily"), QUARANTINE),)
    assert implied(table) == ()
    views = Named("duckdb:///lake/catalog.duckdb", "catalog.main.notes")
    assert implied(views) == ()
    bare = Names.of(event("bi")).node("duckdb:///lake/catalog.duckdb", '"gold_chat"."daily"')
    assert bare == catalogue


_SPOKEN = st.tuples(
    st.sampled_from(
        ["file", "s3://b", "duckdb:///lake/catalog.duckdb", "duckdb:///catalog.duckdb", LAKE,
         "duckdb://:memory:?job=j", "duckdb:///x.duckdb"]
    ),
    st.lists(
        st.sampled_from(
            ["/", "lake", "gold", "chat", "daily", "__quarantine", ".", "catalog", "gold_chat",
             "/lake/gold/chat/daily", "catalog.gold_chat.daily", "x.gold_chat.daily"]
        ),
        max_size=5,
    ).map("".join),
).map(lambda told: Names.of(event("x")).node(*told))  # fmt: skip


@given(_SPOKEN)
def test_what_is_implied_is_found_from_both_sides(one: Named) -> None:
    """Whichever of two names comes last, they are known to be one dataset's."""
    for other, source in implied(one):
        assert Alias(one, source) in implying(other)
    for other, source in implying(one):
        assert Alias(one, source) in implied(other)


def test_symlinks_are_other_names() -> None:
    of_job = Names.of(event("spark"))
    dataset = {
        "namespace": "file", "name": "/lake/gold/chat/daily",
        "facets": {"symlinks": {"identifiers": [
            {"namespace": "file:/tmp/warehouse", "name": "default.daily", "type": "TABLE"},
            {"namespace": "file:///", "name": "/lake/gold/chat/daily/", "type": "LOCATION"},
        ]}},
    }  # fmt: skip
    assert of_job.symlinks(dataset) == (Named("file:///tmp/warehouse", "default.daily"),)
    assert of_job.symlinks({"namespace": "a", "name": "b"}) == ()


@given(st.dictionaries(st.sampled_from(["job", "run"]), st.none() | st.just({})))
def test_an_event_of_no_job_has_names_too(event: dict[str, Any]) -> None:
    assert Names.of(event).node("duckdb://:memory:", "memory.main.t").transient
