"""Expressions that Polars describes but does not take apart: what they read, out of the description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.ways import Inputs, direct, indirect, union

_COLUMN = re.compile(r'\bcol\("((?:[^"\\]|\\.)*)"\)')
#: The value of one column in the row where others are the most or the least.
_BY = re.compile(r"\.(?:min|max)_by\[[^\]]*\]\(\[(?P<by>.*)\]\)")
#: The groups and the order of a window.
_OVER = re.compile(r"\.over\((?:\[[^\]]*\]|partition_by: \[[^\]]*\], order_by: [^)]*\)+)")
_NAMED = re.compile(r'\.alias\("((?:[^"\\]|\\.)*)"\)$')


class Texts:
    """The expressions of a plan by the name of what they give, as its description has them."""

    def __init__(self, described: str) -> None:
        self._described = described

    def trace(self, name: str, columns: Mapping[str, Inputs], order: Inputs, way: str) -> Inputs:
        """What the expression of that name follows from; ``way`` is what it makes of its input.

        Raises:
            UntraceableError: no such expression is described, or it reads what is not there.
        """
        found = [t for n, t in self._expressions if n == name]
        if not found:
            raise UntraceableError(f"Polars does not tell where column {name} comes from.")
        inputs: set[Inputs] = set()
        for text in found:
            told = [m[0] for m in _OVER.finditer(text)]
            inputs |= {indirect(self._read(t, columns, name), "WINDOW") for t in told}
            by = [m["by"] for m in _BY.finditer(text)]
            inputs |= {indirect(self._read(t, columns, name), "SORT") for t in by}
            rest = text
            for part in (*told, *by):
                rest = rest.replace(part, "")
            inputs.add(direct(self._read(rest, columns, name), way))
            if not by:
                inputs.add(indirect(order, "SORT"))
        return union(inputs)

    def _read(self, text: str, columns: Mapping[str, Inputs], name: str) -> Inputs:
        read = set(_COLUMN.findall(text))
        if not read <= columns.keys():
            raise UntraceableError(f"Polars does not tell where column {name} comes from.")
        return union(columns[c] for c in read)

    @cached_property
    def _expressions(self) -> list[tuple[str, str]]:
        found = []
        for line in self._described.splitlines():
            for text in _parts(line.strip()):
                named = _NAMED.search(text)
                first = _COLUMN.search(text)
                if named or first:
                    found.append((named[1] if named else first[1], text))  # type: ignore[index]
        return found


def _parts(line: str) -> Iterator[str]:
    """The members of every bracketed list in a line of the description, commas inside them aside."""
    start = line.find("[")
    while start >= 0:
        depth, at, quoted, begun = 0, start, False, start + 1
        while at < len(line):
            sign = line[at]
            if quoted:
                at += sign == "\\"
                quoted = sign != '"'
            elif sign == '"':
                quoted = True
            elif sign in "[(":
                depth += 1
            elif sign in "])":
                depth -= 1
            if (sign == "," and depth == 1 and not quoted) or depth == 0:
                yield line[begun:at].strip()
                begun = at + 1
            if depth == 0:
                break
            at += 1
        start = line.find("[", at + 1)
