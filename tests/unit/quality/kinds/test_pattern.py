"""Patterns: the RE2 language, against Python's re where the two agree."""

from __future__ import annotations

import re

import pytest

from headgate.core.errors import ContractError
from tests.unit.quality.judging import NASTY, PLACE, holds, rule


@pytest.mark.parametrize(
    "pattern",
    [
        "^#[a-z]+$", "b", "^$", "[0-9]{1,3}", r"\d", r"^\w+$", r"^\S*$", "é", "(a|b)c?", "x{256}",
        r"\$1", "'", r"\\", "[^ -~]", "(?i)^NULL$", "(?s)a.b", "a.b", "[\\]a]", "^.$",
        r"\+\+", r"\++", r"\}+", r"\\C", "[*+?}]+", "[(?=]", r"\(\?=", r"^[\w.+]+$",
    ],
)  # fmt: skip
def test_a_pattern_is_searched_for_as_python_does(pattern: str) -> None:
    # In ASCII mode, and with $ the very end, Python's language is RE2's.
    judge = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), re.ASCII)
    values = [None, *NASTY["string"]]
    found = holds(rule("pattern", value=pattern), values)
    assert found == [v is None or bool(judge.search(v)) for v in values]


def test_what_only_re2_says() -> None:
    values = ["a\nb", "abc\n", "É", "٣", "a"]
    assert holds(rule("pattern", value=r"^\pL$"), values) == [False, False, True, False, True]
    assert holds(rule("pattern", value="c$"), values) == [False] * 5
    assert holds(rule("pattern", value="(?m)^b$"), values) == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?=a)b", "invalid perl operator: (?="),
        ("(?<!a)b", "invalid perl operator: (?<"),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(?P<q>a)(?P=q)", "invalid perl operator: (?P"),
        ("a++", "bad repetition operator: ++"),
        ("(?>a)", "invalid perl operator: (?>"),
        (r"\C", r"\C matches bytes"),
        (r"\\\C", r"\C matches bytes"),
        ("(", "missing ): ("),
        ("[z-a]", "invalid character class range: z-a"),
        ("(a{1000}){1000}", "invalid repetition size: {1000}"),
        ("a{1001}", "invalid repetition size: {1001}"),
        ("*a", "no argument for repetition operator: *"),
    ],
)
def test_beyond_re2_is_refused_with_its_place(pattern: str, why: str) -> None:
    with pytest.raises(ContractError, match=re.escape(why)) as caught:
        holds(rule("pattern", value=pattern), [])
    assert caught.value.place == PLACE
    assert "'c.pattern'" in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, "a\0b"])
def test_a_pattern_is_a_text(value: object) -> None:
    with pytest.raises(ContractError, match="a pattern must be a text"):
        holds(rule("pattern", value=value), [])
