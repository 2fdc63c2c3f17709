"""Times of day, against Python's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

TIMES = ["00:00", "00:00:00", "08:59:59.999999", "09:00", "09:00:00", "09:00:00.0", "09:00:00.50",
         "09:00:00.5", "17:00:00", "23:59:59.999999"]  # fmt: skip


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("bound", ["00:00", "09:00:00", "09:00:00.500000", "23:59:59"])
def test_times_compare_as_times_and_not_as_texts(bound: str, exclusive: bool) -> None:
    limit = dt.time.fromisoformat(bound)

    def said(early: bool, text: str) -> bool:
        found = dt.time.fromisoformat(text)
        return (found > limit if early else found < limit) or (found == limit and not exclusive)

    for kind, early in (("earliest", True), ("latest", False)):
        found = holds(rule(kind, value=bound, exclusive=exclusive), [None, *TIMES])
        assert found == [True, *(said(early, t) for t in TIMES)]


def test_what_is_no_time_is_left_to_the_format() -> None:
    values = [*NASTY["string"], "24:00", "9:00", "09:00Z", "2004-01-31 09:00"]
    assert all(holds(rule("earliest", value="12:00"), values))
    assert all(holds(rule("latest", value="12:00"), values))


@pytest.mark.parametrize("value", ["24:00", "noon", 9, None, "09:00Z"])
def test_a_bound_that_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ContractError, match="expected a time of day"):
        holds(rule("latest", value=value), [])
