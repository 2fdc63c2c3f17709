"""Models and tests on Spark: what it builds of seeded deliveries is what DuckDB builds of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.lake.engines.duckdb import identifiers
from tests.conftest import make_project
from tests.dbt.deliveries import Deliveries
from tests.dbt.lakehouse import MESSAGES, SILVER, Lakehouse, line
from tests.dbt.test_runner import edit, model
from tests.servers.both_engines import configure

pytestmark = pytest.mark.servers

DAY = dt.date(2010, 1, 1)
NOON = dt.datetime(2010, 1, 1, 12, tzinfo=dt.UTC)


class Houses:
    """The same project twice, built by DuckDB and by Spark, and given the same deliveries."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.both = []
        for engine in ("duckdb", "spark"):
            project = make_project(folder / engine)
            self.both.append(Lakehouse(configure(project.settings.root, engine, more)))
        self.duckdb, self.spark = self.both
        self._deliveries = [Deliveries(house, seed=7) for house in self.both]

    def deliver(self, *kinds: str) -> None:
        """Seeded changes of these kinds."""
        for deliveries in self._deliveries:
            for kind in kinds:
                getattr(deliveries, kind)()

    def curate(self) -> None:
        """Build what is stale."""
        for house in self.both:
            assert house.curate() == []

    def hold_equal(self, mode: str) -> int:
        """See that every curated table is the same, and by which engine and mode it was written
        last; how many there are."""
        found = 0
        for contract in self.duckdb.project.contracts.curated:
            one, other = (house.table(contract.id) for house in self.both)
            assert (one is None) == (other is None), contract.id
            if one is None or other is None:
                continue  # nothing to build it from
            assert told(self.duckdb, contract.id) == told(self.spark, contract.id), contract.id
            assert one.meta is not None and other.meta is not None
            assert (one.meta.engine, other.meta.engine) == ("duckdb", "spark")
            assert one.meta.code_hash == other.meta.code_hash
            assert one.meta.mode == other.meta.mode, contract.id
            # A transform of which most changed is built whole, by either engine.
            assert mode in ("", one.meta.mode) or contract.transform, contract.id
            assert (one.meta.read, one.meta.published) == (other.meta.read, other.meta.published)
            found += 1
        return found

    def close(self) -> None:
        """Let go of the engines."""
        for house in self.both:
            house.context.session.close()
            house.close()


def told(house: Lakehouse, dataset: str) -> list[Any]:
    """A table's rows as text: NaN equals itself there, and -0.0 is not 0.0."""
    table = house.table(dataset)
    assert table is not None
    names = identifiers(house.project.contracts[dataset].table_columns)
    con = house.context.session.con
    return con.execute(
        f"SELECT row({names})::VARCHAR AS r FROM {table.relation()} ORDER BY r"
    ).fetchall()


@pytest.fixture
def houses(tmp_path: Path, spark: Any) -> Iterator[Houses]:
    found = Houses(tmp_path)
    yield found
    found.close()


def test_what_spark_builds_is_what_duckdb_builds(houses: Houses) -> None:
    houses.deliver("append", "append", "export", "export", "meet")
    houses.curate()
    assert houses.hold_equal("replace") >= 10


@pytest.mark.long
@pytest.mark.parametrize("compiler", ["headgate", "dbt"])
def test_what_spark_builds_of_changes_is_what_duckdb_builds(
    tmp_path: Path, spark: Any, compiler: str
) -> None:
    """Every curated table, whoever compiles the models."""
    houses = Houses(tmp_path, f'compiler = "{compiler}"\n')
    houses.deliver("append", "append", "export", "export", "meet")
    houses.curate()
    assert houses.hold_equal("replace") >= 10
    houses.deliver("late", "edit", "move", "delete", "export_late", "go_on", "forget")
    houses.curate()
    assert houses.hold_equal("merge") >= 10
    houses.close()


def test_a_row_that_breaks_a_rule_is_set_aside_the_same(houses: Houses) -> None:
    """And what an earlier build set aside of a day is void once the day is built anew."""
    long = "x" * 20_001
    for house in houses.both:
        house.put([line("log/a.txt", n, DAY, text=long if n == 1 else "hello") for n in range(30)])
        assert house.build("int_chat__messages").ok
        house.put([line("log/a.txt", 1, DAY), line("log/a.txt", 2, DAY, text=long)])
        assert house.build("int_chat__messages").ok
    aside = [set_aside(house) for house in houses.both]
    assert aside[0] == aside[1]
    assert [row[0] for row in aside[1]] == ["open", "superseded"]
    assert told(houses.duckdb, SILVER) == told(houses.spark, SILVER)


def test_a_test_that_finds_rows_fails_the_same(houses: Houses) -> None:
    for house in houses.both:
        test = house.project.settings.dbt_path / "tests" / "assert_nobody_says_hello.sql"
        test.write_text("select * from {{ ref('int_chat__messages') }} where content = 'hello'\n")
        house.put([line("log/a.txt", n, DAY) for n in range(3)])
    results = [house.build("int_chat__messages") for house in houses.both]
    assert results[0] == results[1]
    failed = dict(results[1].failed)
    assert failed == {"assert_nobody_says_hello": "the test found 3 rows that should not be there."}


def test_wrong_models_are_told_of(houses: Houses) -> None:
    house, text = houses.spark, "chat.line_type = 'action' as is_action"
    house.put([line("log/a.txt", n, DAY) for n in range(3)])
    path = model(house, "int_chat__messages")
    for other, said in (
        ("chat.line_type = 'action' as is_actoin", "is_actoin"),
        ("jaccard(chat.line_type, 'action') = 1 as is_action", "jaccard"),
    ):
        edit(path, text, other)
        house.reopen()
        ((_, sentence), *_) = house.build("int_chat__messages").failed
        assert said in sentence and path.name in sentence, sentence
        edit(path, other, text)
    assert house.table(SILVER) is None


def test_an_incremental_build_may_not_give_rows_that_did_not_change(houses: Houses) -> None:
    house = houses.spark
    house.put([line("log/a.txt", 0, DAY), line("log/a.txt", 1, DAY + dt.timedelta(days=1))])
    edit(model(house, "fct_messages"), "where sent_date in", "where true or sent_date in")
    wanted = ("int_chat__messages", "fct_messages")
    assert house.build(*wanted).ok
    rows = house.rows(MESSAGES)
    house.put([line("log/a.txt", 2, DAY)])
    ((name, sentence),) = house.build(*wanted).failed
    assert name == "fct_messages", sentence
    assert "gives a row whose sent_date is not among what changed" in sentence
    assert "2010-01-02" in sentence
    assert house.rows(MESSAGES) == rows


def test_dbt_builds_the_same_on_spark(tmp_path: Path, spark: Any) -> None:
    """With a model that asks something while it is compiled, which only dbt can build."""
    houses = Houses(tmp_path, 'compiler = "dbt"\n')
    wanted = ("int_chat__messages", "fct_messages")
    for house in houses.both:
        edit(
            model(house, "fct_messages"),
            "with messages as (",
            "{% set found = run_query('select max(sent_date) as day from ' ~ ref('int_chat__messages')) %}\n"
            "{% set day = found.rows[0][0] if execute else '2000-01-01' %}\n"
            "with latest as (select date '{{ day }}' as day),\n"
            "messages as (",
        )
    for step in (("append", "append", "export"), ("late", "edit", "move", "export_late")):
        houses.deliver(*step)
        for house in houses.both:
            result = house.build(*wanted)
            assert result.ok, result
        for dataset in (SILVER, MESSAGES):
            assert told(houses.duckdb, dataset) == told(houses.spark, dataset)
            one, other = (house.table(dataset) for house in houses.both)
            assert one is not None and one.meta is not None
            assert other is not None and other.meta is not None
            assert (other.meta.engine, other.meta.mode) == ("spark", one.meta.mode)
    houses.close()


def set_aside(house: Lakehouse) -> list[tuple[Any, ...]]:
    table = house.project.lake.snapshot(SILVER, quarantine=True)
    assert table is not None
    asked = "state, row_id, raw, reasons, codes"
    rows: list[tuple[Any, ...]] = house.context.session.con.execute(
        f"SELECT {asked} FROM {table.relation()} ORDER BY ALL"
    ).fetchall()
    return rows
