"""SQL without what no engine reads: comments, and white space outside quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: The pieces of a statement, the longest first: quoted texts, comments, white space, the rest.
_PIECE = re.compile(
    r"""
    (?P<quoted> (?<![A-Za-z0-9_])[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
              | (?P<tag>\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$).*?(?P=tag) )
  | (?P<gap> (?: \s | --[^\n]* | /\*(?: (?!/\*|\*/). | /\*(?:(?!\*/).)*\*/ )*\*/ )+ )
  | (?P<other> [A-Za-z0-9_]+ | . )
    """,
    re.DOTALL | re.VERBOSE,
)
_NO_GAP_BEFORE, _NO_GAP_AFTER = frozenset("),;"), frozenset("(,")
_WITH = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*with\b", re.DOTALL | re.IGNORECASE)
_RECURSIVE = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*recursive\b", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A word, a text in quotes or a sign; ``end`` is where it ends. ``word`` is it as a name."""

    text: str
    end: int

    @property
    def word(self) -> str:
        """The token as engines compare names: in lower case, without quotes."""
        return self.text.strip('"').lower()


def tokens(sql: str) -> Iterator[Token]:
    """What a statement is made of, without comments and white space."""
    for match in _PIECE.finditer(sql):
        if match.lastgroup != "gap":
            yield Token(match.group(), match.end())


def canonical(sql: str) -> str:
    """The statement with every gap between two tokens as one space, or as none beside a bracket."""
    found: list[str] = []
    gap = ""
    for match in _PIECE.finditer(sql):
        text = match.group()
        if match.lastgroup == "gap":
            # Two texts in quotes are one text if they stand on two lines.
            gap = "\n" if "\n" in text else " "
            continue
        if gap and found and text not in _NO_GAP_BEFORE and found[-1] not in _NO_GAP_AFTER:
            two_texts = found[-1][-1] == text[0] == "'"
            found.append(gap if two_texts else " ")
        found.append(text)
        gap = ""
    return "".join(found)


def with_first(sql: str, expressions: list[str]) -> str:
    """The query with these common table expressions (``name as (…)``) before its own."""
    if not expressions:
        return sql
    added = ", ".join(expressions)
    start = _WITH.match(sql)
    if start is None:
        return f"with {added} {sql}"
    recursive = _RECURSIVE.match(sql, start.end())
    at = recursive.end() if recursive else start.end()
    return f"{sql[:at]} {added}, {sql[at:]}"
