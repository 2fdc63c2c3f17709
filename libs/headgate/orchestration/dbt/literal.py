"""The simplest templates, which most models are: names of tables as texts, and what an incremental
build leaves out. They mean what Jinja makes of them, and are rendered a hundred times as fast."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TEXT = r"""(?:'[^'\\{}]*'|"[^"\\{}]*")"""
_BLOCK = re.compile(
    rf"\{{\{{\s*(?P<name>ref|source|changed)\(\s*(?P<texts>{_TEXT}(?:\s*,\s*{_TEXT})*)\s*\)\s*\}}\}}"
    r"|\{%\s*(?P<word>if|else|endif)(?P<condition>\s+is_incremental\(\))?\s*%\}"
)
_ONE_TEXT = re.compile(_TEXT)
#: The functions that such a template calls.
FUNCTIONS = frozenset({"ref", "source", "changed", "is_incremental"})


def is_literal(sql: str) -> bool:
    """Whether a template has no other forms than those."""
    rest = _BLOCK.sub(" ", sql)
    if "\r" in sql or any(mark in rest for mark in ("{{", "{%", "{#")):
        return False
    open_ifs: list[bool] = []  # whether each has had its else
    for match in _BLOCK.finditer(sql):
        word = match["word"]
        if word and (word == "if") is not (match["condition"] is not None):
            return False
        if word == "if":
            open_ifs.append(False)
        elif word and (not open_ifs or (word == "else" and open_ifs[-1])):
            return False
        elif word == "else":
            open_ifs[-1] = True
        elif word == "endif":
            open_ifs.pop()
    return not open_ifs


def render(sql: str, functions: Mapping[str, Callable[..., Any]]) -> str:
    """What such a template gives."""
    sql = sql.removesuffix("\n")  # as Jinja does, once
    found: list[str] = []
    shown: list[bool] = []
    at = 0
    for match in _BLOCK.finditer(sql):
        if all(shown):
            found.append(sql[at : match.start()])
        at = match.end()
        word = match["word"]
        if word == "if":
            shown.append(bool(functions["is_incremental"]()) if all(shown) else False)
        elif word == "else":
            shown[-1] = not shown[-1]
        elif word == "endif":
            shown.pop()
        elif all(shown):
            texts = [t[1:-1] for t in _ONE_TEXT.findall(match["texts"])]
            found.append(str(functions[match["name"]](*texts)))
    return "".join([*found, sql[at:]])
