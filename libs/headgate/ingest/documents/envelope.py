"""A document of the source's own form around one record, so that the record can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headgate.contracts.mapping import Mapping
from headgate.ingest import jsontext
from headgate.ingest.located import Texts

#: Stands where the record goes; no JSON text holds it.
_HERE = "\0"
_Tree = dict[str, Any]


class Envelope:
    """What a record keeps of the element of one level that encloses it: the values of columns."""

    def __init__(self, places: Mapping, level: int) -> None:
        inner = places.arrays[level] if level < len(places.arrays) else places.record.steps
        self._inner = inner
        self._array = level < len(places.arrays)
        # Each once, in the contract's order: what is kept of a record is the same in every run.
        columns = dict.fromkeys(c.steps for c in places.columns.values() if c.level == level)
        #: Places of the values, those that hold others first.
        self._kept = sorted(
            (c for c in columns if c[: len(inner)] != inner or self._array), key=lambda c: len(c)
        )

    def around(self, value: Any, texts: Texts) -> tuple[str, str]:
        """What comes before and behind, for the element ``value``."""
        tree: _Tree = {}
        for steps in self._kept:
            _keep(tree, value, steps, texts)
        here = f"[{_HERE}]" if self._array else _HERE
        _put(tree, self._inner, here)
        before, _, behind = _written(tree if self._inner else here).partition(_HERE)
        return before, behind


def _keep(tree: _Tree, value: Any, steps: Sequence[str], texts: Texts) -> None:
    """Put the value at ``steps`` into the tree; of what is no object on the way, that."""
    for depth, step in enumerate(steps):
        if type(value) is not dict or step not in value:
            return
        value = value[step]
        if type(value) is not dict or depth == len(steps) - 1:
            if value is not None:
                path = tuple(steps[: depth + 1])
                _put(tree, path, texts.compact(path, value))
            return


def _put(tree: _Tree, steps: Sequence[str], text: str) -> None:
    for step in steps[:-1]:
        below = tree.setdefault(step, {})
        if isinstance(below, str):
            return
        tree = below
    if steps:
        tree.setdefault(steps[-1], text)


def _written(tree: _Tree | str) -> str:
    if isinstance(tree, str):
        return tree
    return "{" + ",".join(f"{jsontext.name(k)}:{_written(v)}" for k, v in tree.items()) + "}"
