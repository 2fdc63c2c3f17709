"""Presence."""

from __future__ import annotations

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, contract, holds, rule


@pytest.mark.parametrize("kind", sorted(NASTY))
def test_only_null_is_absent(kind: str) -> None:
    values = [None, *NASTY[kind], None]
    assert holds(rule("required"), values, kind) == [v is not None for v in values]


def test_an_empty_list_is_a_value() -> None:
    assert holds(rule("required"), [None, [], [None]], "array<long>") == [False, True, True]


def test_a_column_that_is_not_there_is_refused() -> None:
    from headgate.quality.predicates import compile_row_rules

    with pytest.raises(ContractError, match=r"judges no column of silver.test.rows"):
        compile_row_rules(contract({"c": "string"}, rule("required", "d")))
