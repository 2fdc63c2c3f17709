"""The datasets and columns that events name, each written once: what was met before is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headgate.lineage.graph_node import ROWS
from headgate.lineage.store import statements, tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.naming import SYMLINK, Named
from headgate.lineage.store.told import Spoken, Told
from headgate.lineage.store.values import Value


class SpokenNames:
    """Writes the names in events of one transaction."""

    def __init__(self, keys: Keys, told: Sequence[Told]) -> None:
        self._keys = keys
        self._told = told
        #: What is new in this, by all that names follow from.
        self._new: dict[Any, Spoken] = {}
        seen = keys.seen("spoken")
        #: The same by all facets that last, which is sooner known.
        self._marks: dict[Any, int] = {}
        for one in told:
            for spoken in one.spoken:
                pieces = spoken.pieces.digest if spoken.pieces else None
                mark = spoken.named, spoken.symlinks, pieces, spoken.facets.mark
                if mark in seen and (spoken.facets.mark or not spoken.facets):
                    continue
                self._marks[mark] = 1
                schema = spoken.facets.all.get("schema")
                key = *mark[:3], Value(schema).digest if schema else None, "schema"
                if key not in seen:
                    self._new[key] = spoken

    def datasets(self) -> None:
        """Write the datasets."""
        self._keys.datasets([named for spoken in self._new.values() for named in _named(spoken)])

    def columns(self) -> None:
        """Write the columns, and which datasets are said to be one; all are written by now."""
        keys, known = self._keys, self._keys.of(tables.dataset)
        fresh = {(number, name) for number in keys.fresh for name in ("", ROWS)}
        keys.fields(sorted(fresh | set(self._columns())))
        for spoken in self._new.values():
            for other in spoken.symlinks:
                keys.pair(known[spoken.named[:2]], known[other[:2]], SYMLINK)
        keys.seen("spoken").update(dict.fromkeys((*self._new, *self._marks), 1))

    def _columns(self) -> Iterator[tuple[int, str]]:
        datasets = self._keys.of(tables.dataset)
        for spoken in self._new.values():
            number = datasets[spoken.named[:2]]
            for column in spoken.columns:
                yield number, column
            for column, namespace, name, field, *_ in spoken.pieces.all if spoken.pieces else ():
                yield number, column
                if namespace:
                    yield datasets[namespace, name], field


def _named(spoken: Spoken) -> Iterator[Named]:
    """Every dataset that is named where one is spoken of."""
    yield spoken.named
    yield from spoken.symlinks
    if spoken.pieces:
        for namespace, name in {(piece[1], piece[2]) for piece in spoken.pieces.all if piece[1]}:
            yield statements.named((namespace, name))
