"""All rules of a row together: one condition, and the reasons of those that fail it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from headgate.core.errors import ContractError, UsageError
from headgate.quality.predicates import compile_row_rules, conjunction, reasons_sql
from tests.unit.quality.judging import NASTY, contract, rule, table

COLUMNS = {"s": "string", "n": "long", "x": "double", "d": "date"}
RULES = (
    rule("required", "s"),
    rule("max_length", "s", value=2),
    rule("pattern", "s", value="^[a-z']*$"),
    rule("minimum", "n", value=-(2**70)),
    rule("minimum", "x", value=0),
    rule("maximum", "n", value=100, exclusive=True),
    rule("accepted_values", "d", values=["2000-02-29", "1970-01-01"]),
    rule("predicate", None, sql="CAST(s AS INTEGER) > 0 OR n > 0"),
)


def rows(seed: int, count: int = 400) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    pools = {n: (None, *NASTY[kind]) for n, kind in COLUMNS.items()}
    return [{n: rng.choice(pool) for n, pool in pools.items()} for _ in range(count)]


@pytest.mark.parametrize("seed", range(6))
def test_one_condition_and_the_reasons_agree(seed: int) -> None:
    compiled = compile_row_rules(contract(COLUMNS, *RULES))
    chosen = random.Random(seed).sample(compiled, k=seed + 2)
    con = table(COLUMNS, rows(seed))
    each = ", ".join(f"({r.holds})" for r in chosen)
    found = con.execute(
        f"SELECT {conjunction(chosen)}, {reasons_sql(chosen)}, [{each}] FROM rows ORDER BY rowid"
    ).fetchall()
    for together, reasons, single in found:
        assert set(single) <= {True, False}
        assert together is all(single)
        assert reasons == [r.rule.id for r, ok in zip(chosen, single, strict=True) if not ok]
    kept = con.execute(f"SELECT count(*) FROM rows WHERE {conjunction(chosen)}").fetchone()
    assert kept == (sum(t for t, _, _ in found),)


def test_no_rules_hold_for_every_row() -> None:
    con = table(COLUMNS, rows(1, 3))
    found = con.execute(f"SELECT {conjunction([])}, {reasons_sql([])} FROM rows").fetchall()
    assert found == [(True, [])] * 3
    described = con.execute(f"DESCRIBE SELECT {reasons_sql([])} AS r").fetchall()
    assert described[0][1] == "VARCHAR[]"


def test_rules_keep_their_order_and_ids() -> None:
    odd = rule("required", "s")
    made = contract(COLUMNS, *RULES)
    assert [r.rule for r in compile_row_rules(made)] == list(RULES)
    quoted = type(odd)("s.it's", "required", "row", "warn", "s")
    compiled = compile_row_rules(contract(COLUMNS, quoted))
    con = table(COLUMNS, [dict.fromkeys(COLUMNS)])
    assert con.execute(f"SELECT {reasons_sql(compiled)} FROM rows").fetchall() == [(["s.it's"],)]


def test_column_names_are_quoted() -> None:
    for name in ("order", "a b", 'say "hi"', "select", "Ünïcode", "k0"):
        made = contract({name: "long"}, rule("minimum", name, value=1), rule("required", name))
        con = table({name: "long"}, [{name: 0}, {name: 1}])
        found = con.execute(
            f"SELECT {conjunction(compile_row_rules(made))} FROM rows ORDER BY rowid"
        ).fetchall()
        assert found == [(False,), (True,)], name


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ContractError, match=r"no kind of row rule is named 'lucky'.*Known: acc"):
        compile_row_rules(contract(COLUMNS, rule("lucky", "s")))
    with pytest.raises(ContractError, match="no kind of row rule is named 'row_count'"):
        compile_row_rules(contract(COLUMNS, rule("row_count", None)))


def test_an_engine_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="for duckdb and for spark, not for 'trino'"):
        compile_row_rules(contract(COLUMNS), dialect="trino")
