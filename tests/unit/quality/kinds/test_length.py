"""Lengths in code points, against Python's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, holds, rule

TEXTS = st.lists(
    st.none() | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    max_size=20,
)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(limit=st.sampled_from([0, 1, 2, 3, 5, 9, 255, 256, 2**31 - 1]), texts=TEXTS)
def test_lengths_are_pythons(limit: int, texts: list[str | None]) -> None:
    values = [None, *NASTY["string"], *texts]
    long = holds(rule("max_length", value=limit), values)
    assert long == [v is None or len(v) <= limit for v in values]
    short = holds(rule("min_length", value=limit), values)
    assert short == [v is None or len(v) >= limit for v in values]


def test_an_emoji_counts_by_its_code_points() -> None:
    assert holds(rule("max_length", value=2), ["\U0001f44d\U0001f3fd", "e\u0301x"]) == [True, False]


@pytest.mark.parametrize("value", [-1, 1.5, "3", True, None, 2**31])
def test_a_limit_is_a_whole_number(value: Any) -> None:
    with pytest.raises(ContractError, match=r"expected a whole number from 0"):
        holds(rule("max_length", value=value), [])


def test_numbers_have_no_length() -> None:
    with pytest.raises(ContractError, match="max_length does not fit column 'c' of type long"):
        holds(rule("max_length", value=3), [], "long")
