"""Merges against a plain dictionary: whatever the sequence, the table is what the dictionary says."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from headgate.lake.changes import changed_sql
from headgate.lake.merge import replace_scope

from .conftest import COLUMNS, DATASET, Bench

FIRST = dt.date(2024, 1, 1)


def row(chance: random.Random, key: int, at: int) -> tuple[Any, ...]:
    day = FIRST + dt.timedelta(days=chance.randrange(4)) if chance.random() < 0.9 else None
    return (key, day, chance.choice(["a", "b", None, "é"]), chance.choice([1, 2, None]), at)


def content(r: tuple[Any, ...]) -> tuple[Any, ...]:
    return r[:4]


@pytest.mark.parametrize("seed", range(8))
def test_merges_by_key_equal_a_dictionary(bench: Bench, seed: int) -> None:
    chance, model = random.Random(seed), dict[int, tuple[Any, ...]]()
    for step in range(12):
        keys = chance.sample(range(40), chance.randrange(0, 15))
        batch = [row(chance, k, step) for k in keys]
        for k in keys:  # now and then a row that is in the table already, as it is
            if k in model and chance.random() < 0.3:
                batch[keys.index(k)] = (*content(model[k]), step)
        inserted = sum(k not in model for k in keys)
        updated = sum(r[0] in model and content(model[r[0]]) != content(r) for r in batch)
        plan = bench.merge(batch)
        assert (plan.inserted, plan.updated, plan.same) == (
            inserted,
            updated,
            len(keys) - inserted - updated,
        )
        for r in batch:
            if r[0] not in model or content(model[r[0]]) != content(r):
                model[r[0]] = r
        assert bench.rows() == sorted(model.values(), key=lambda r: r[0])


@pytest.mark.parametrize("seed", range(4))
def test_an_older_row_never_replaces_a_newer_one(bench: Bench, seed: int) -> None:
    chance, model = random.Random(seed), dict[int, tuple[Any, ...]]()
    for step in range(10):
        batch = [row(chance, k, step) for k in chance.sample(range(20), 8)]
        bench.merge(batch, order_column="n")
        for r in batch:
            old = model.get(r[0])
            older = old is not None and None not in (r[3], old[3]) and r[3] < old[3]
            if old is None or (content(old) != content(r) and not older):
                model[r[0]] = r
        assert bench.rows() == sorted(model.values(), key=lambda r: r[0])


@pytest.mark.parametrize("seed", range(8))
def test_replacing_a_scope_touches_its_rows_and_no_others(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    model = [row(chance, k, 0) for k in range(30)]
    bench.merge(model)
    for step in range(1, 6):
        days = [
            FIRST + dt.timedelta(days=d) for d in chance.sample(range(5), chance.randrange(0, 3))
        ]
        scope: list[dt.date | None] = [*days, *([None] if chance.random() < 0.4 else [])]
        fresh = [(100 * step + i, d, "new", 1, step) for i, d in enumerate(scope)]
        values = " UNION ALL ".join(
            f"SELECT {'NULL' if d is None else repr(str(d))}::DATE AS day" for d in scope
        ) or "SELECT NULL::DATE AS day WHERE FALSE"  # fmt: skip
        base = bench.lake.snapshot(DATASET)
        plan = replace_scope(bench.con, base, bench.staged(fresh), columns=COLUMNS, column="day",
                             values=f"({values})", folder=bench.lake.staging("t"),
                             settings=bench.lake.settings)  # fmt: skip
        bench.write(plan, base)
        gone = [r for r in model if r[1] in scope]
        model = [r for r in model if r[1] not in scope] + fresh
        assert plan.deleted == len(gone)
        assert bench.rows() == sorted(model, key=lambda r: r[0])


@pytest.mark.parametrize("seed", range(6))
def test_changed_values_are_those_of_rows_that_came_went_or_differ(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    bench.merge([row(chance, k, 0) for k in range(30)])
    for step in range(1, 5):
        old, before = bench.lake.snapshot(DATASET), set(bench.rows())
        bench.merge([row(chance, k, step) for k in chance.sample(range(20), 3)])
        new = bench.lake.snapshot(DATASET)
        assert old is not None and new is not None
        found = {r[0] for r in bench.con.execute(f"FROM {changed_sql(old, new, 'day')}").fetchall()}
        touched = before ^ set(bench.rows())
        assert found == {r[1] for r in touched}
        linked = changed_sql(old, new, "day", ("n", "id"))
        found = {r[0] for r in bench.con.execute(f"FROM {linked}").fetchall()}
        ids = {r[0] for r in touched}
        assert found == {r[1] for r in touched} | {r[1] for r in bench.rows() if r[3] in ids}
    assert bench.con.execute(f"FROM {changed_sql(new, new, 'day')}").fetchall() == []
    every = {r[0] for r in bench.con.execute(f"FROM {changed_sql(None, new, 'day')}").fetchall()}
    assert every == {r[1] for r in bench.rows()}


def test_files_that_statistics_rule_out_are_not_written_again(bench: Bench) -> None:
    for start in (0, 100, 200):
        bench.merge([(start + i, FIRST, "a", 1, 0) for i in range(10)])
    before = {f.path for f in bench.lake.snapshot(DATASET).files}  # type: ignore[union-attr]
    plan = bench.merge([(105, FIRST, "changed", 1, 1)])
    assert (len(plan.remove), plan.updated) == (1, 1)
    after = {f.path for f in bench.lake.snapshot(DATASET).files}  # type: ignore[union-attr]
    assert len(before & after) == 2
