"""Row counts."""

from __future__ import annotations

import pytest

from headgate.core.errors import ContractError
from headgate.quality.table_rules import judge_table
from tests.unit.quality.judging import contract, rule, table


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_rows_are_counted(rows: int) -> None:
    given = rule("row_count", None, "table", operator="mustBeGreaterThan", value=1, unit="rows")
    (found,) = judge_table(
        table({"c": "long"}, [{"c": None}] * rows), contract({"c": "long"}, given), "rows"
    )
    assert (found.passed, found.observed, found.breaches) == (rows > 1, str(rows), int(rows <= 1))
    assert found.expected == "rows of the table: more than 1"


def test_a_count_has_no_percent() -> None:
    given = rule("row_count", None, "table", operator="mustBe", value=1, unit="percent")
    with pytest.raises(ContractError, match="it has no percent"):
        judge_table(table({"c": "long"}, []), contract({"c": "long"}, given), "rows")
