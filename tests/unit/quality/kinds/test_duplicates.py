"""Rows that share a key, against plain counting."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from headgate.core.errors import ContractError
from headgate.quality.table_rules import Growth, judge_table
from tests.unit.quality.judging import NASTY, contract, rule, table

COLUMNS = {"a": "string", "b": "long"}


@pytest.mark.parametrize("keys", [["a"], ["b"], ["a", "b"]])
@pytest.mark.parametrize("seed", range(4))
def test_rows_that_share_their_key(keys: list[str], seed: int) -> None:
    rng = random.Random(seed)
    pool = (None, *rng.sample(NASTY["string"], 12))
    rows = [
        {"a": rng.choice(pool), "b": rng.choice([None, *range(9)])}
        for _ in range(rng.choice([0, 1, 60]))
    ]
    groups = Counter(tuple(r[k] for k in keys) for r in rows if None not in [r[k] for k in keys])
    shared = sum(n for n in groups.values() if n > 1)
    rules = [rule("unique", keys[0], "table", columns=keys)] + [
        rule("duplicate_count", None, "table", columns=keys, operator="mustBeLessThan",
             value=30, unit=unit) for unit in ("percent",)
    ]  # fmt: skip
    found = judge_table(table(COLUMNS, rows), contract(COLUMNS, *rules), "rows")
    assert [r.breaches for r in found] == [shared, shared]
    assert found[0].passed is (shared == 0)
    assert found[1].passed is (100 * shared < 30 * len(rows) or not rows)


@pytest.mark.parametrize("keys", [["a"], ["a", "b"]])
@pytest.mark.parametrize("seed", range(6))
def test_what_was_added_to_a_table_without_repeats_is_all_that_is_asked_of(
    keys: list[str], seed: int
) -> None:
    rng = random.Random(seed)
    pool = [None, *rng.sample(NASTY["string"], 12)]
    some = [{"a": a, "b": b} for a in pool for b in (None, 1, 2, 3)]
    kept: dict[object, dict[str, Any]] = {}
    for row in rng.sample(some, 20):
        values = tuple(row[k] for k in keys)
        kept[values if None not in values else len(kept)] = row
    added = [rng.choice(some) for _ in range(rng.choice([0, 1, 8]))]
    con = table(COLUMNS, [*kept.values(), *added])
    con.execute(f"CREATE VIEW added AS SELECT * FROM rows WHERE rowid >= {len(kept)}")
    given = rule("duplicate_count", None, "table", columns=keys, operator="mustBe", value=0)
    made = contract(COLUMNS, given)
    whole = judge_table(con, made, "rows")
    grown = judge_table(con, made, "rows", growth=Growth("added", frozenset([given.id])))
    assert grown == whole
    # Where the table had repeats before, all of it is asked.
    con.execute("CREATE OR REPLACE VIEW added AS SELECT * FROM rows WHERE false")
    assert judge_table(con, made, "rows", growth=Growth("added", frozenset())) == whole


def test_grouping_needs_no_more_memory_than_it_is_given(tmp_path: Any) -> None:
    con = table(COLUMNS, [])
    con.execute("INSERT INTO rows SELECT 'key ' || i || repeat('x', 80), i FROM range(400000) t(i)")
    con.execute("INSERT INTO rows FROM (FROM rows WHERE b < 3)")
    con.execute(f"SET memory_limit = '60MB'; SET temp_directory = '{tmp_path}'")
    (found,) = judge_table(
        con, contract(COLUMNS, rule("unique", "a", "table", columns=["a"])), "rows"
    )
    assert found.breaches == 6


def test_a_key_names_columns_of_the_table() -> None:
    for columns, why in ((["c"], "has no column 'c'"), ([], "names no columns")):
        given = rule("unique", "a", "table", columns=columns)
        with pytest.raises(ContractError, match=why):
            judge_table(table(COLUMNS, []), contract(COLUMNS, given), "rows")
