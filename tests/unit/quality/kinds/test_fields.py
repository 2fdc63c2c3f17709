"""Fields of JSON objects, against Python dictionaries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import holds, rule

OBJECTS: list[dict[str, Any]] = [
    {}, {"a": 1}, {"a": None}, {"A": 1}, {"b": 1, "a": 2}, {"a.b": 1, "it's": {"a": 1}, "": 0},
]  # fmt: skip
OTHERS = ["[]", '["a"]', '"a"', "7", "{", ""]


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_fields_are_counted(limit: int) -> None:
    values = [None, *(json.dumps(o) for o in OBJECTS), *OTHERS]
    others = [False] * len(OTHERS)
    least = holds(rule("min_properties", value=limit), values, "json")
    assert least == [True, *(len(o) >= limit for o in OBJECTS), *others]
    most = holds(rule("max_properties", value=limit), values, "json")
    assert most == [True, *(len(o) <= limit for o in OBJECTS), *others]


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["it's", "a.b", ""], ["A", "A"], ["$"]])
def test_required_fields_are_there_whatever_they_hold(names: list[str]) -> None:
    values = [None, *(json.dumps(o) for o in OBJECTS), *OTHERS]
    assert holds(rule("required_properties", values=names), values, "json") == [
        True, *(set(names) <= o.keys() for o in OBJECTS), *[False] * len(OTHERS),
    ]  # fmt: skip


def test_arguments_that_mean_nothing_are_refused() -> None:
    for given in ({"values": []}, {"values": "a"}, {"values": [1]}, {}):
        with pytest.raises(ContractError, match="a list of field names"):
            holds(rule("required_properties", **given), [], "json")
    with pytest.raises(ContractError, match="a whole number from 0"):
        holds(rule("max_properties", value=-1), [], "json")
    with pytest.raises(ContractError, match="does not fit column 'c' of type string"):
        holds(rule("max_properties", value=1), [], "string")
