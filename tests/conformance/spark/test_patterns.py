"""RE2 and what is carried of it to Java match the same texts; RE2 in DuckDB is the judge."""

from __future__ import annotations

import random

import duckdb
import pyarrow as pa
import pytest

from headgate.contracts.formats import FORMATS
from headgate.lake.engines.spark.carrying.values import text
from headgate.lake.engines.spark.connection import SparkConnection
from headgate.lake.engines.spark.patterns import java

ATOMS = (
    "a", "b", "k", "K", "s", "S", "ß", "ä", "Σ", "é", "İ", "ſ", "\u212a", "😀", ".", "\\d", "\\D", "\\s",
    "\\S", "\\w", "\\W", "\\b", "^", "$", "\\A", "\\z", "[a-c]", "[^a]", "[\\d-]", "[]a]",
    "[^]]", "[a&&b]", "[[]", "[a-]", "[[:alpha:]]", "[[:^space:]x]", "[^[:punct:]]", "\\pL",
    "\\p{Greek}", "[^\\pL\\d]", "\\x41", "\\x{1F600}", "\\101", "\\n",
    "\\t", "\\v", "\\.", "\\-", "\\Qa.b\\E", "\\#", " ", "#", "-", "]", "}", "{", "{,2}", "\\0",
    "[\\x00-\\x1F\\x7F]", "[ä-ü]", "\\/", "~", "&&", "\u00a0", "\u2028", "\r", "\n", "\x85", "_",
    "(?i:k)", "(?i:[k-s])", "(?i:ß)", "(?i:[^k])", "(?i:\\W)", "(?s:.)", "(?m:^)", "(?m:$)",
    "(?m:^a$)", "(?-s:.)", "(?U:a*)", "(?:a|b)", "(a|b|c)", "(|a)", "()", "(?P<n>a)", "(?P<n_1>b)",
)  # fmt: skip
REPEATS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,1}?", "{2,}")
CHARACTERS = "abkKsSßäΣσςéİıſ\u212a😀.,-_ \n\t\r\x0b\x0c\x85\u00a0\u2028\u200b0９٣1A&[]{}#\\/~xz:@"
PATTERNS, TEXTS = 200, 150


def _part(rng: random.Random, depth: int = 0) -> str:
    kind = rng.random()
    if depth > 2 or kind < 0.5:
        made = rng.choice(ATOMS)
    elif kind < 0.75:
        made = f"({rng.choice(['', '?:', '?i:', '?s:', '?m:'])}{_part(rng, depth + 1)})"
    else:
        between = "|" if kind < 0.85 else ""
        made = _part(rng, depth + 1) + between + _part(rng, depth + 1)
    if rng.random() < 0.25:
        made = (f"(?:{made})" if rng.random() < 0.6 else made) + rng.choice(REPEATS)
    return made


def _pattern(rng: random.Random) -> str:
    made = "".join(_part(rng) for _ in range(rng.randint(1, 4)))
    start = rng.choice(["", "", "", "", "(?i)", "(?s)", "(?m)", "(?U)"])
    return start + rng.choice(["", "", "^"]) + made + rng.choice(["", "", "$"])


@pytest.mark.parametrize("seed", range(2))
def test_patterns_match_the_same_texts(engine: SparkConnection, seed: int) -> None:
    rng, duck = random.Random(seed), duckdb.connect()
    patterns = list(FORMATS.values()) if seed == 0 else []
    while len(patterns) < PATTERNS:
        made = _pattern(rng)
        try:
            duck.execute("SELECT regexp_matches('x', ?)", [made]).fetchall()
        except duckdb.Error:
            continue
        patterns.append(made)
    texts = ["", "\n", "a\n", "\na", "a\r\n", "ab", "K", "ſ", "127.0.0.1", "::1", "12:00", "a@b.c"]
    texts += ["".join(rng.choices(CHARACTERS, k=rng.randint(1, 6))) for _ in range(TEXTS)]
    duck.register("texts", pa.table({"x": texts}))
    engine.register("texts", pa.table({"x": texts}))
    wrong = []
    for at in range(0, len(patterns), 100):
        some = patterns[at : at + 100]
        quoted = (p.replace("'", "''") for p in some)
        asked = ", ".join(f"regexp_matches(x, '{p}')" for p in quoted)
        carried = ", ".join(f"x RLIKE {text(java(p))}" for p in some)
        ours = {r[0]: r[1:] for r in duck.execute(f"SELECT x, {asked} FROM texts").fetchall()}
        for row in engine.session.sql(f"SELECT x, {carried} FROM texts").collect():
            wrong += [
                (p, row[0], a)
                for p, a, b in zip(some, ours[row[0]], row[1:], strict=True)
                if a != b
            ]
    assert wrong == []
