"""Elements of arrays, against Python lists and JSON arrays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import holds, rule

ARRAYS: list[Any] = [
    None,
    [],
    [1],
    [1, 2],
    [1, 2, 1],
    [None],
    [None, None],
    [None, 1],
    [0, 0, 0, 0],
]


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_elements_are_counted(limit: int) -> None:
    sizes = [None if v is None else len(v) for v in ARRAYS]
    for kind in ("array<long>", "json"):
        given = [json.dumps(v) if kind == "json" and v is not None else v for v in ARRAYS]
        least = holds(rule("min_items", value=limit), given, kind)
        assert least == [n is None or n >= limit for n in sizes]
        most = holds(rule("max_items", value=limit), given, kind)
        assert most == [n is None or n <= limit for n in sizes]


def test_no_element_is_there_twice() -> None:
    expected = [True, True, True, True, False, True, False, True, False]
    assert holds(rule("unique_items"), ARRAYS, "array<long>") == expected
    texts = [None, ["a", "A", ""], ["a", "a"], ["é", "e\u0301"], [None, ""]]
    assert holds(rule("unique_items"), texts, "array<string>") == [True, True, False, True, True]


def test_json_elements_are_compared_as_json() -> None:
    values = ["[]", '[1, "1"]', "[1, 1]", '["a", "a"]', '[{"a":1},{"a":2}]', "[null, null]"]
    assert holds(rule("unique_items"), values, "json") == [True, True, False, False, True, False]


@pytest.mark.parametrize("kind", ["min_items", "max_items"])
def test_json_that_is_no_array_breaks_the_rule(kind: str) -> None:
    values = ['{"a":1}', '"[]"', "7", "[", "[]"]
    found = holds(rule(kind, value=0), values, "json")
    assert found == [False, False, False, False, True]


def test_a_count_is_a_whole_number_and_a_text_has_no_elements() -> None:
    for value in (-1, 1.5, True, "2", None):
        with pytest.raises(ContractError, match="a whole number from 0"):
            holds(rule("min_items", value=value), [], "array<long>")
    with pytest.raises(ContractError, match="does not fit column 'c' of type string"):
        holds(rule("unique_items"), [], "string")
