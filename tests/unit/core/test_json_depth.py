"""How deep JSON is nested, told by its brackets."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headgate.core import json as hjson


def _depth(value: Any) -> int:
    """How deep a value is nested, by walking through it."""
    if not isinstance(value, dict | list):
        return 0
    return 1 + max(map(_depth, value.values() if isinstance(value, dict) else value), default=0)


_texts = st.text(alphabet='[]{}"\\a\n\u2028', max_size=6)
_values = st.recursive(
    st.one_of(_texts, st.integers(), st.none()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=20,
)


@given(_values, st.booleans(), st.integers(0, 5))
def test_how_deep_is_told_whatever_brackets_texts_have(value: Any, spaced: bool, most: int) -> None:
    data = json.dumps(value, indent=1 if spaced else None).encode()
    assert hjson.deeper(data, most) == (_depth(value) > most)


def test_it_is_told_of_the_largest_body_and_of_texts_alone() -> None:
    assert not hjson.deeper(b'"[[["', 0)
    assert not hjson.deeper(b"[" * 3 + b"]" * 3, 3)
    assert hjson.deeper(b"[" * 3 + b"]" * 3, 2)
    for depth in (15, 16, 17, 18, 127, 900):
        nested = b"[" * depth + b"]" * depth
        some = b'[["[[[["],' + nested + b",{}]"
        assert not hjson.deeper(some, depth + 1)
        assert hjson.deeper(some, depth)
    assert hjson.deeper(b"[" * 800_000 + b"]" * 800_000, 128)
    assert not hjson.deeper(b"[" + b"[[]]," * 300_000 + b"1]", 128)
