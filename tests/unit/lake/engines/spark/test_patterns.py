"""RE2's patterns in Java's words; that both match the same is asked of Spark in tests/conformance/spark."""

from __future__ import annotations

import pytest

from headgate.core.errors import HeadgateError
from headgate.lake.engines.spark.patterns import java


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("^a.$", r"\Aa[\x{0}-\x{9}\x{b}-\x{10ffff}]\z"),
        ("(?s)^.", r"\A[\x{0}-\x{10ffff}]"),
        ("(?m)^$", r"(?:\A|(?<=\n))(?=\n|\z)"),
        (r"\s", r"[\x{9}-\x{a}\x{c}-\x{d}\x{20}]"),
        ("(?i)k", "[Kk\\x{212a}]"),
        ("a{,2}", r"a\x{7b}\x{2c}2\x{7d}"),
        ("a{2,}?", "a{2,}?"),
        ("(?U)a+", "a+?"),
        ("[a&&b]", r"[\x{26}a-b]"),
        (r"\Qa.b\E+", r"a\x{2e}b+"),
        ("(?P<n>ab)", "(?:ab)"),
        # A choice of single characters is a class: Java would go through it by recursion.
        ("(?:a|b|c)*", "[a-c]*"),
    ],
)
def test_a_pattern_becomes(pattern: str, told: str) -> None:
    assert java(pattern) == told


def test_groups_are_kept_where_they_are_asked_for() -> None:
    assert java("(a)(?:b)(?P<n>c)", groups=True) == "(a)b(c)"


@pytest.mark.parametrize("pattern", [r"\B", r"a\C", "a)"])
def test_others_are_refused(pattern: str) -> None:
    with pytest.raises(HeadgateError):
        java(pattern)
