"""Which events tell of which facets, whatever these say: found without reading the events themselves.

The facets that an event tells of are its *telling*. Events of a job tell of the same ones again and again, so a
telling is kept once, and each event refers to its own. By it is found who spoke of a facet next,
however many events came between that did not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headgate.core import ids
from headgate.lineage.store import driver, tables
from headgate.lineage.store import told as tolds
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.lasting_facets import LastingFacets
from headgate.lineage.store.packing import unpacked
from headgate.lineage.store.rows import insert_rows
from headgate.lineage.store.timelines import Key
from headgate.lineage.store.told_again import Triple
from headgate.lineage.store.values import Value

DATASET, JOB = "dataset", "job"
#: Subject, whose, facet and value.
_Word = tuple[str, tuple[str, str], str, Value]
#: So many events that were read again are kept while one transaction lasts.
_READ_AGAIN = 5_000
_MINE = "k.told_by = ? AND k.subject_id = ? AND k.subject = ? AND k.facet = ?"
_FOUND = (
    "SELECT e.at, e.id FROM telling_facet k CROSS JOIN event e"
    f" WHERE {_MINE} AND e.telling_id = k.telling_id AND e.at >= ? AND e.at <= ?"
)
#: The first after an instant, of one telling after the other: each is the begin of a part of an index.
_NEXT = (
    "SELECT min(n.at) FROM (SELECT (SELECT e.at FROM event e WHERE e.telling_id = k.telling_id"
    " AND e.at > ? AND e.id < ? ORDER BY e.at LIMIT 1) AS at"
    f" FROM telling_facet k WHERE {_MINE}) AS n"
)
_EVER = 2**62


def _said(one: tolds.Told) -> Iterator[_Word]:
    """What an event says that lasts: subject, whose, facet, and its value."""
    for named, subject, facets in _subjects(one):
        for facet, value in facets.values():
            yield subject, named, facet, value


def _subjects(one: tolds.Told) -> Iterator[tuple[tuple[str, str], str, LastingFacets]]:
    """Whose facets an event tells: the name, what it is of, and the facets."""
    for spoken in one.spoken:
        if spoken.facets:
            yield spoken.named[:2], DATASET, spoken.facets
    if one.job and one.job_facets:
        yield one.job, JOB, one.job_facets


def numbers(keys: Keys, told: Sequence[tolds.Told]) -> list[int | None]:
    """The number of each event's telling, None where nothing lasts; those that are new are written."""
    known, seen = keys.of(tables.telling), keys.seen("tellings")
    digests: list[bytes | None] = []
    fresh: dict[bytes, list[tuple[Any, ...]]] = {}
    for one in told:
        mark = _mark(one)
        found = seen.get(mark) if mark else None
        if found is None or (found and found not in known):
            listed = _facets(keys, one)
            found = bytes.fromhex(ids.digest(repr(listed))) if listed else b""
            if found:
                fresh[found] = listed
            if mark:
                seen[mark] = found
        digests.append(found or None)
    new = keys.tellings(fresh)
    rows = [(*facet, known[digest]) for digest in new for facet in fresh[digest]]
    columns = ("told_by", "subject_id", "subject", "facet", "telling_id")
    insert_rows(keys.connection, tables.telling_facet, columns, rows)
    return [known[digest] if digest else None for digest in digests]


def _mark(one: tolds.Told) -> Any:
    """What tells which facets an event tells of, by which these are found sooner; None if nothing does."""
    found = [(named, subject, facets.mark) for named, subject, facets in _subjects(one)]
    return (one.job, *found) if all(mark for *_, mark in found) else None


def _facets(keys: Keys, one: tolds.Told) -> list[tuple[Any, ...]]:
    """The facets that an event tells of, sorted: by whom, of whom and which."""
    return sorted({
        (teller, number, subject, facet)
        for (subject, number, teller), facets in by_triple(keys, one)
        for facet in facets.names()
    })  # fmt: skip


def by_triple(keys: Keys, one: tolds.Told) -> Iterator[tuple[Triple, LastingFacets]]:
    """The facets that an event tells, by whose they are; its names have numbers already."""
    datasets = keys.of(tables.dataset)
    teller = keys.of(tables.job)[one.job] if one.job else 0
    for named, subject, facets in _subjects(one):
        number = teller if subject == JOB else datasets[named]
        yield (subject, number, teller), facets


class Tellings:
    """What events said of facets, within one transaction; ``since`` is the first event that it wrote."""

    def __init__(
        self, keys: Keys, told: Sequence[tolds.Told], *, since: int, lake: str | None
    ) -> None:
        self._connection = keys.connection
        self._told = told
        self._since = since
        self._lake = lake
        self._names: dict[tuple[str, int], tuple[str, str]] = {}
        #: What events say that were read again, by their numbers: each is asked of many facets.
        self._read: dict[int, list[_Word]] = {}

    def next_before(self, key: Key, after: int) -> int | None:
        """The first instant after this one at which an event may tell of the facet that was there
        before this transaction."""
        return self._next(key, after, self._since)

    def within(self, key: Key, first: int, last: int) -> Iterator[tuple[int, Value]]:
        """What was said of the facet from ``first`` to ``last``, in no order: when and which value."""
        subject, number, facet, teller = key
        whose = self._named(subject, number)
        for at, event in driver.ask(
            self._connection, _FOUND, (teller, number, subject, facet, first, last)
        ):
            for word in self._words(event):
                if word[:3] == (subject, whose, facet):
                    yield at, word[3]

    def next(self, key: Key, after: int) -> list[tuple[int, Value]]:
        """What was said of the facet at the first instant after this one."""
        at = self._next(key, after, _EVER)
        while at is not None:
            if found := list(self.within(key, at, at)):
                return found
            at = self._next(key, at, _EVER)  # of events of an older edition it is not known so well
        return []

    def _next(self, key: Key, after: int, before_event: int) -> int | None:
        subject, number, facet, teller = key
        given = (after, before_event, teller, number, subject, facet)
        ((found,),) = driver.ask(self._connection, _NEXT, given)
        return None if found is None else int(found)

    def _named(self, subject: str, number: int) -> tuple[str, str]:
        found = self._names.get((subject, number))
        if found is None:
            table = "dataset" if subject == DATASET else "job"
            text = f"SELECT namespace, name FROM {table} WHERE id = ?"
            ((namespace, name),) = driver.ask(self._connection, text, (number,))
            found = self._names[subject, number] = namespace, name
        return found

    def _words(self, event: int) -> list[_Word]:
        found = self._read.get(event)
        if found is None:
            if len(self._read) >= _READ_AGAIN:
                self._read.clear()
            if event >= self._since:
                told = self._told[event - self._since]
            else:
                text = "SELECT body FROM event WHERE id = ?"
                ((body,),) = driver.ask(self._connection, text, (event,))
                told = tolds.read(unpacked(bytes(body)), 0, self._lake)
            found = self._read[event] = [*_said(told)]
        return found
