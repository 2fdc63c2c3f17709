"""From when until when something held: change points kept right in whatever order news of it comes.

A timeline is of one key (a dataset and slot; a facet of a dataset as a job tells it). What is *said*
of it has an instant and a value, and holds until something else is said; of two at one instant the
one of the greater rank counts. Kept are only the instants at which the value changed. News that is
newer than all before costs a look into memory; other news has what was said around it read again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from headgate.lineage.store import driver
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.matching import matching
from headgate.lineage.store.rows import insert

Key = tuple[Any, ...]


class Said(NamedTuple):
    """What was said at one instant; ``rank`` decides between several. ``more`` is kept beside it."""

    at: int
    rank: bytes
    value: int
    more: Any = None


class Last(NamedTuple):
    """The newest change point of a timeline."""

    id: int
    at: int
    value: int
    more: Any = None


class Timelines(ABC):
    """The timelines of one table, within one transaction.

    Subclasses say what the table's columns are called and what else was said of a key.
    """

    table: sa.Table
    #: The columns that make up a key, those of an index by which what holds is found, and the one
    #: that has the value.
    key: tuple[str, ...]
    found_by: tuple[str, ...]
    value: str
    beside: str | None = None

    def __init__(self, keys: Keys, revision: int) -> None:
        self.keys = keys
        self.connection = keys.connection
        self.revision = revision
        self._known: dict[Key, Last | None] = keys.memory.last.setdefault(self.table.name, {})
        #: Keys of which a change point came or went.
        self.changed: set[Key] = set()
        self._new: list[dict[str, Any]] = []
        self._ended: list[tuple[int, int]] = []

    @abstractmethod
    def later(self, key: Key, at: int, known: Sequence[Said]) -> bool:
        """Whether anything besides ``known`` was said of the key at that instant or later."""

    def ranges(self, key: Key, instants: Sequence[int]) -> Iterable[tuple[int, int]]:
        """Parts of time, in order, in which what was said is to be read again for news of these instants."""
        return [(min(instants), max(instants))]

    @abstractmethod
    def around(self, key: Key, first: int, last: int) -> Iterable[Said]:
        """All that was said of the key from ``first`` to ``last``, and what was said next."""

    def settle(
        self, news: Mapping[Key, Sequence[Said]], withdrawn: Mapping[Key, Sequence[int]]
    ) -> None:
        """Take in what was said, which is written already, and what was taken back, by instants."""
        self._load([k for k in (*news, *withdrawn) if k not in self._known])
        again: dict[Key, list[int]] = {}
        for key in dict.fromkeys((*news, *withdrawn)):
            said, back = list(news.get(key, ())), withdrawn.get(key, ())
            if back or not self._append(key, _by_time(said)):
                again[key] = [one.at for one in said] + list(back)
        self._flush()
        for key, instants in again.items():
            for first, last in self.ranges(key, instants):
                self._again(key, first, last)

    def _append(self, key: Key, said: Sequence[Said]) -> bool:
        """Whether nothing had to be known but the newest change; if so, it is done."""
        last = self._known.get(key)
        fresh: list[Said] = []
        at, value = (last.at, last.value) if last else (None, None)
        for one in said:
            if at is not None and one.at <= at:
                if last and one.at == last.at and (one.value, one.more) == last[2:]:
                    continue
                return False
            if one.value != value:
                fresh.append(one)
                at, value = one.at, one.value
        if not fresh:
            return True
        self.changed.add(key)
        if last and self.later(key, fresh[0].at, said):
            return False
        ids = self.keys.take_ids(self.table, len(fresh))
        for number, (row, one) in enumerate(zip(ids, fresh, strict=True)):
            ends = fresh[number + 1].at if number + 1 < len(fresh) else None
            self._new.append(self._row(key, one, ends, row))
        if last:
            self._ended.append((fresh[0].at, last.id))
        self._known[key] = Last(ids[-1], *_told(fresh[-1]))
        return True

    def _row(self, key: Key, said: Said, ends: int | None, row: int) -> dict[str, Any]:
        found = {"id": row, **dict(zip(self.key, key, strict=True)), self.value: said.value}
        found |= {"from_at": said.at, "to_at": ends}
        if self.beside:
            found[self.beside] = said.more
        if "revision" in self.table.c:
            found["revision"] = self.revision
        return found

    def _flush(self) -> None:
        insert(self.connection, self.table, self._new)
        if self._ended:
            also = f", revision = {self.revision}" if "revision" in self.table.c else ""
            text = f"UPDATE {self.table.name} SET to_at = ?{also} WHERE id = ?"
            driver.tell(self.connection, text, self._ended)
        self._new, self._ended = [], []

    def _load(self, keys: Sequence[Key]) -> None:
        """Look up the newest change points: with each key those that the same look finds."""
        if not keys:
            return
        places = [self.key.index(name) for name in self.found_by]
        wanted = list(dict.fromkeys(tuple(key[place] for place in places) for key in keys))
        columns = self.table.columns.keys()
        for row in matching(self.connection, self.table, self.found_by, wanted, still=True):
            found = dict(zip(columns, row, strict=True))
            key = tuple(found[name] for name in self.key)
            if key not in self._known:  # nobody is told more of a key that is known
                self._known[key] = self._last(found)
        for key in keys:
            self._known.setdefault(key, None)

    def _last(self, row: Mapping[Any, Any]) -> Last:
        more = row[self.beside] if self.beside else None
        return Last(row["id"], row["from_at"], row[self.value], more)

    def _again(self, key: Key, first: int, last: int) -> None:
        """Work out the change points between two instants from all that was said there."""
        self.changed.add(key)
        said = _by_time(list(self.around(key, first, last)))
        end = max((one.at for one in said if one.at > last), default=None)
        before = self._points(key, sa.true(), before=first)
        here = self._points(key, self.table.c.from_at >= first, until=end)
        after = self._points(key, self.table.c.from_at > end, one=True) if end is not None else []
        value = before[0][self.value] if before else None
        wanted: list[tuple[int, Said | None]] = [(row["from_at"], None) for row in before]
        for one in said:
            if one.value != value:
                wanted.append((one.at, one))
                value = one.value
        wanted += [(row["from_at"], None) for row in after]
        rows = {row["from_at"]: row for row in (*before, *here, *after)}
        newest = self._rewrite(key, rows, wanted)
        if not after:
            self._known[key] = newest

    def _points(
        self,
        key: Key,
        where: sa.ColumnElement[bool],
        *,
        before: int | None = None,
        until: int | None = None,
        one: bool = False,
    ) -> list[Mapping[str, Any]]:
        """Rows of the timeline: those from an instant on, or the one that held just before it."""
        table = self.table.c
        mine = sa.and_(where, *(table[n] == v for n, v in zip(self.key, key, strict=True)))
        query = sa.select(self.table).where(mine)
        if before is not None:
            query = query.where(table.from_at < before).order_by(table.from_at.desc()).limit(1)
        elif one:
            query = query.order_by(table.from_at).limit(1)
        elif until is not None:
            query = query.where(table.from_at <= until)
        return [dict(row._mapping) for row in self.connection.execute(query)]

    def _rewrite(
        self,
        key: Key,
        rows: Mapping[int, Mapping[str, Any]],
        wanted: Sequence[tuple[int, Said | None]],
    ) -> Last | None:
        """Have the timeline begin anew at the wanted instants and at none other of the rows'."""
        newest: Last | None = None
        for number, (at, said) in enumerate(wanted):
            there = rows.get(at)
            ends = wanted[number + 1][0] if number + 1 < len(wanted) else None
            if said is None and there:
                last = number + 1 == len(wanted)
                row = {**there, "to_at": there["to_at"] if last and number else ends}
            elif said:
                row = self._row(key, said, ends, there["id"] if there else 0)
            if there:
                self._update(there, row)
            else:
                row["id"] = self.keys.take_ids(self.table, 1)[0]
                self.connection.execute(self.table.insert(), row)
            newest = self._last(row)
        gone = [rows[at]["id"] for at in rows if at not in dict(wanted)]
        if gone:
            self.connection.execute(self.table.delete().where(self.table.c.id.in_(gone)))
            self.removed(key)
        return newest

    @abstractmethod
    def removed(self, key: Key) -> None:
        """Called when rows of the key were removed."""

    def _update(self, there: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        changed = {k: v for k, v in row.items() if k != "revision" and there[k] != v}
        if changed:
            if "revision" in self.table.c:
                changed["revision"] = self.revision
            self.connection.execute(
                self.table.update().where(self.table.c.id == there["id"]).values(changed)
            )


def _told(said: Said) -> tuple[int, int, Any]:
    return said.at, said.value, said.more


def _by_time(said: Sequence[Said]) -> list[Said]:
    """In order of time; of several at one instant, the one that counts."""
    best: dict[int, Said] = {}
    for one in said:
        if one.at not in best or one.rank > best[one.at].rank:
            best[one.at] = one
    return [best[at] for at in sorted(best)]
