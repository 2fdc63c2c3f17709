"""A portable pattern finds in Python what RE2 finds, in every text."""

from __future__ import annotations

import random
import re
import warnings

import duckdb
import pytest

from headgate.contracts.formats import FORMATS
from headgate.contracts.gx_patterns import portable
from tests.unit.quality.judging import NASTY

# The library takes seconds to import: one worker does all that needs it.
pytestmark = pytest.mark.xdist_group("gx")

TEXTS = [
    *NASTY["string"], "a b", "a.b", "a{,2}", "{", "x{2}", "\v", "\f", "_", "-", "]", "^", "é1", "٣a",
    "ab\n", "ab\r\n", "a\u0085", "foo\n\n", "K", "\u212a", "a&&b", "[x]", "tag:x", "~", "|", "\x7f",
]  # fmt: skip
PORTABLE = [
    "^a$", "a$|b", "$", "^$", r"\d+$", r"^\w+$", r"\s", r"\S\S", r"\bb", r"a\B", r"^\D*$", r"\W",
    ".", "^.$", "^..$", "[a-c]$", "[^a]", "[]a]", "[^]a]", r"[\d_]", r"[\w-]+$", r"[\s]", "[[:alpha:]]+$",
    "[[:punct:]]", "[^[:space:]]", "a{,2}", "x{2}", "{", "a{1,}", "(a|b)+$", "(?:a|b)$", r"\{", r"\$1",
    r"a\.b", r"[\]\\^]", "[a&&b]", "[a~~b]", "[a||b]", "[--x]", r"\x41", r"\t|\n", r"\Aa\z", "é+", "[ß-é]",
    "a*?b", "^[^\x00-\x1f]*$", r"[\x00-\x1f\x7f]", "[[]", "👍",
]  # fmt: skip
NOT_PORTABLE = [
    "(?i)a", "(?s).", "(?m)^a$", r"\pL", r"\p{Greek}", "[[:^alpha:]]", r"[\D]", r"\Qa.b\E",
    "(?P<name>a)", r"\C", r"\x{10FFFF}", r"\101",
]  # fmt: skip


def agree(pattern: str, texts: list[str]) -> None:
    found = portable(pattern)
    assert found is not None, pattern
    con = duckdb.connect(":memory:")
    asked = [
        con.execute("SELECT regexp_matches(?, ?)", [t, pattern]).fetchall()[0][0] for t in texts
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compiled = re.compile(found)
    assert compiled.groups == 0
    said = [compiled.search(t) is not None for t in texts]
    assert said == asked, [(t, s, a) for t, s, a in zip(texts, said, asked, strict=True) if s != a]


@pytest.mark.parametrize("pattern", PORTABLE)
def test_portable_patterns_mean_the_same(pattern: str) -> None:
    agree(pattern, TEXTS)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_portable(name: str) -> None:
    agree(
        FORMATS[name], [*TEXTS, "a@b.ch", "12:00:00", "1.2.3.4", "::1", "urn:x", "QUI=", "QUI=\n"]
    )


@pytest.mark.parametrize("pattern", NOT_PORTABLE)
def test_what_has_no_such_form_is_left_to_a_query(pattern: str) -> None:
    assert portable(pattern) is None


def test_random_patterns_mean_the_same_or_are_left() -> None:
    rng = random.Random(5)
    parts = ["a", "b", ".", "^", "$", r"\d", r"\w", r"\s", r"\b", "[ab]", "[^a]", r"[^\d]", "(a|b)",
             "(?:b$)", "é", r"\n", "{", "x{1,2}", "[[:digit:]]", r"\S"]  # fmt: skip
    tried, con = 0, duckdb.connect(":memory:")
    while tried < 60:
        pattern = "".join(rng.choice(parts) for _ in range(rng.randrange(1, 5)))
        pattern += rng.choice(["", "", "*", "+", "?"]) if pattern[-1] not in "^$*+?{" else ""
        texts = [
            "".join(rng.choice("ab1é_ \nx{") for _ in range(rng.randrange(5))) for _ in range(40)
        ]
        try:
            con.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
        except duckdb.Error:
            continue
        tried += 1
        if portable(pattern) is not None:
            agree(pattern, texts)
