"""References to another dataset's keys."""

from __future__ import annotations

import random

import pytest

from headgate.core.errors import UsageError
from headgate.quality.predicates import compile_row_rules
from tests.unit.quality.judging import contract, rule, table


def key(*columns: str) -> object:
    return rule(
        "foreign_key",
        columns[0],
        columns=list(columns),
        parent="silver.test.parents",
        parent_columns=list(columns),
        missing="quarantine",
    )


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_key_is_found_or_refers_to_nothing(width: int, seed: int) -> None:
    rng = random.Random(seed)
    # The parent's key columns are called k0, k1, …: a child's columns of that name do not clash.
    names = ["k0", "k1", "parent"][:width]
    columns = dict.fromkeys(names, "long")

    def some() -> dict[str, int | None]:
        return {n: rng.choice([None, *range(6)]) for n in names}

    parents = [some() for _ in range(rng.choice([0, 3, 20]))]
    children = [some() for _ in range(300)]
    given = key(*names)
    made = contract(columns, given)  # type: ignore[arg-type]
    con = table(columns, children, "children")
    keyed = [{f"k{i}": p[n] for i, n in enumerate(names)} for p in parents]
    con_columns = {f"k{i}": "long" for i in range(width)}
    from headgate.quality.examples import load_rows

    load_rows(con, "parents", con_columns, keyed)
    (compiled,) = compile_row_rules(made, parents={given.id: "parents"})  # type: ignore[attr-defined]
    found = con.execute(f"SELECT {compiled.holds} FROM children ORDER BY rowid").fetchall()
    there = {tuple(p[n] for n in names) for p in parents}
    expected = [
        any(c[n] is None for n in names) or tuple(c[n] for n in names) in there for c in children
    ]
    assert [h for (h,) in found] == expected
    kept = con.execute(f"SELECT count(*) FROM children WHERE {compiled.holds}").fetchone()
    assert kept == (sum(expected),)


def test_without_a_lake_foreign_keys_are_left_out() -> None:
    made = contract({"c": "long"}, key("c"), rule("required"))  # type: ignore[arg-type]
    assert [r.rule.kind for r in compile_row_rules(made)] == ["required"]


def test_a_foreign_key_is_never_left_out_by_mistake() -> None:
    made = contract({"c": "long"}, key("c"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"no keys are given for foreign key 'c.foreign_key'"):
        compile_row_rules(made, parents={})
