"""Packed JSON: equal values have equal bytes, and what comes back is what went in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.core import json as hjson

TEXT = st.text(st.characters(codec=None), max_size=20)  # half characters too
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def back(data: bytes) -> Any:
    return json.loads(data.decode("utf-8", "surrogatepass"))


@given(VALUES)
def test_it_comes_back_as_it_was(value: Any) -> None:
    found = back(hjson.packed(value))

    assert repr(found) == repr(_sorted(value))


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_the_order_in_which_fields_were_put_in_leaves_no_trace(value: dict[str, Any]) -> None:
    assert hjson.packed(value) == hjson.packed(dict(reversed(value.items())))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [None, float("-inf")]}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        hjson.packed(value)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(value[k]) for k in sorted(value)}
    return [_sorted(v) for v in value] if isinstance(value, list) else value
