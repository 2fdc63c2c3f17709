"""CSV that no spreadsheet takes for a formula, and that any reader of CSV gives back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.portal.reports import spreadsheet


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", '=HYPERLINK("x")'],
)
def test_a_formula_is_written_as_text(text: str) -> None:
    assert spreadsheet.cell(text) == "'" + text


@pytest.mark.parametrize(("value", "told"), [(-5, "-5"), (0.5, "0.5"), (None, ""), (True, "yes"), ("a-b", "a-b")])  # fmt: skip
def test_what_is_none_stays_as_it_is(value: object, told: str) -> None:
    assert spreadsheet.cell(value) == told


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2)))  # fmt: skip
def test_readers_get_every_text_back(rows: list[list[str]]) -> None:
    text = spreadsheet.text(("a", "b"), rows)
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert found[1:] == [[spreadsheet.cell(v) for v in row] for row in rows]
    for row in found:
        for cell in row:
            assert cell.lstrip(" \u00a0")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "＝") or not cell.strip(" \u00a0")  # fmt: skip
