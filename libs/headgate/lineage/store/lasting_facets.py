"""Facets that are facts, found again by a mark: what is told word for word as before is not read again.

They go from process to process as one text, which is taken apart only where it says something new.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from typing import Any

from headgate.core import ids
from headgate.lineage.store.plain_text import plain
from headgate.lineage.store.values import Value

#: Facets of datasets that are of one run or have a table of their own, and no fact that lasts.
OF_ONE_RUN = frozenset(
    ("version", "columnLineage", "lineage", "symlinks", "lifecycleStateChange", "dataQualityMetrics",
     "dataQualityAssertions")
)  # fmt: skip
#: Facet names beyond so many characters are kept in the event alone.
_LONGEST = 200
#: Of the form that says nothing of which objects are one and the same.
_FORM = 2
_NOTHING = marshal.dumps({}, _FORM)


class LastingFacets:
    """The facets of a dataset or a job that outlast the run which told them.

    ``mark`` tells them from others within these processes, and is empty where nothing does; equal
    ones may have several marks, for the order of their fields.
    """

    __slots__ = ("_all", "_written", "mark")

    def __init__(
        self, mark: bytes, written: bytes | None, found: Mapping[str, Any] | None = None
    ) -> None:
        self.mark, self._written, self._all = mark, written, found

    @classmethod
    def of(cls, facets: Mapping[str, Any]) -> LastingFacets:
        """Those among a subject's facets."""
        if not facets:
            return NONE
        found = {name: value for name, value in facets.items() if name not in OF_ONE_RUN}
        try:
            written = marshal.dumps(found, _FORM)
        except ValueError:  # not what JSON is read into
            return cls(b"", None, found)
        return cls(bytes.fromhex(ids.digest(written)), written, found)

    @property
    def all(self) -> Mapping[str, Any]:
        """By name."""
        if self._all is None:
            self._all = marshal.loads(self._written or b"")  # noqa: S302 - our own process wrote it, or its child
        return self._all

    def __bool__(self) -> bool:
        # Asked of every dataset of every event: what came as one text is not taken apart for that.
        return self._written != _NOTHING if self._all is None else bool(self._all)

    def values(self) -> Iterator[tuple[str, Value]]:
        """Each of them that is kept as a fact: name and what it says."""
        for name in self.names():
            yield name, Value(self.all[name])

    def names(self) -> Iterator[str]:
        """Which of them are kept as facts."""
        for name in self.all:
            if len(name) <= _LONGEST and name == plain(name):
                yield name

    def __reduce__(self) -> tuple[Any, ...]:
        if self._written is None:
            return LastingFacets, (self.mark, None, self._all)
        return LastingFacets, (self.mark, self._written)


NONE = LastingFacets(b"", None, {})
