"""The numbers by which the store knows datasets, columns, jobs and values: looked up, or given anew.

What was looked up is remembered from one transaction to the next. Numbers never change, so that is
never wrong; what can change (see :class:`Memory`) is forgotten when another process has written.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import driver, tables
from headgate.lineage.store.matching import matching
from headgate.lineage.store.naming import Named
from headgate.lineage.store.packing import packed
from headgate.lineage.store.rows import insert
from headgate.lineage.store.runs import Run

#: So many entries of one kind are remembered.
_MOST = 400_000
#: And so many runs, with what they read and wrote: most events of a run come soon after its first.
_MOST_RUNS = 5_000
#: Ways are numbered by 16 bits; what is beyond these counts as OTHER of its type.
_MOST_WAYS = 1_000


@dataclass
class Memory:
    """What is remembered between transactions, as of ``revision`` of the store.

    ``next_ids``, ``last`` and ``runs`` hold only while nobody else writes. ``last`` has the newest
    change of a timeline: see :mod:`.timelines`.
    """

    revision: int = -1
    known: dict[str, dict[Any, Any]] = field(default_factory=dict)
    next_ids: dict[str, int] = field(default_factory=dict)
    last: dict[str, dict[Any, Any]] = field(default_factory=dict)
    pairs: set[tuple[int, int, str]] = field(default_factory=set)
    runs: dict[str, Run] = field(default_factory=dict)

    def at(self, revision: int) -> Memory:
        """This, if it can be of that revision; what no longer holds is forgotten."""
        if revision < self.revision:
            return Memory(revision)
        if revision > self.revision:
            self.next_ids.clear()
            self.last.clear()
            self.runs.clear()
            self.revision = revision
        if len(self.runs) > _MOST_RUNS:
            self.runs.clear()
        for kept in (*self.known.values(), *self.last.values()):
            if len(kept) > _MOST:
                kept.clear()
                self.runs.clear()  # which go by numbers of jobs and datasets that are known
        if len(self.pairs) > _MOST:
            self.pairs.clear()
        return self


class Keys:
    """Gives numbers within one transaction; new rows are written at once."""

    def __init__(self, connection: sa.Connection, memory: Memory) -> None:
        self.connection = connection
        self.memory = memory
        #: Datasets that are new, and aliases that may be.
        self.fresh: set[int] = set()
        self.pairs: list[tuple[int, int, str]] = []

    def take_ids(self, table: sa.Table, count: int) -> range:
        """So many unused numbers of a table's rows, ascending."""
        first = self.memory.next_ids.get(table.name)
        if first is None:
            ((newest,),) = driver.ask(self.connection, f"SELECT max(id) FROM {table.name}")
            first = (newest or 0) + 1
        self.memory.next_ids[table.name] = first + count
        return range(first, first + count)

    def seen(self, kind: str) -> dict[Any, Any]:
        """What is remembered of that kind, for good; empty at times."""
        return self.memory.known.setdefault(kind, {})

    def of(self, table: sa.Table) -> dict[Any, int]:
        """The numbers that are known of a table's rows, by what tells rows apart."""
        return self.memory.known.setdefault(table.name, {})

    def datasets(self, given: Collection[Named]) -> None:
        """See to it that ``of(tables.dataset)`` has these, by namespace and name."""
        known = self.of(tables.dataset)
        wanted = {n[:2]: n for n in given if n[:2] not in known}
        if wanted:
            new = self._find(tables.dataset, ("namespace", "name"), list(wanted))
            rows: list[dict[str, Any]] = [
                {"id": i, "namespace": n[0], "name": n[1], "transient": n[2], "revision": 0}
                for i, n in zip(
                    self.take_ids(tables.dataset, len(new)), (wanted[key] for key in new), strict=True
                )
            ]  # fmt: skip
            self._insert(tables.dataset, rows)
            known.update({(row["namespace"], row["name"]): row["id"] for row in rows})
            self.fresh.update(row["id"] for row in rows)

    def pair(self, one: int, other: int, source: str) -> None:
        """Note that a dataset is another name of the other."""
        found = (one, other, source)
        if found not in self.memory.pairs:
            self.memory.pairs.add(found)
            self.pairs.append(found)

    def jobs(self, given: Iterable[tuple[str, str]]) -> None:
        """See to it that ``of(tables.job)`` has these, by namespace and name."""
        self._ensure(tables.job, ("namespace", "name"), given)

    def fields(self, given: Iterable[tuple[int, str]]) -> None:
        """See to it that ``of(tables.field)`` has these, by dataset's number and name."""
        self._ensure(tables.field, ("dataset_id", "name"), given)

    def ways(self, given: Iterable[tuple[str, str]]) -> None:
        """See to it that ``of(tables.way)`` has these, by type and subtype."""
        known = self.of(tables.way)
        new = sorted({way for way in given if way not in known})
        if not new:
            return
        known.clear()
        for row in self.connection.execute(sa.select(tables.way)):
            known[row.type, row.subtype] = row.id
        count = len(known)
        for way in [w for w in new if w not in known]:
            meant = way if count < _MOST_WAYS or way == ("", "") else (way[0], "OTHER")
            if meant not in known:
                numbered = {"id": count, "type": meant[0], "subtype": meant[1]}
                self._insert(tables.way, [numbered])
                known[meant] = count
                count += 1
            known[way] = known[meant]

    def values(self, given: Mapping[bytes, bytes]) -> None:
        """See to it that ``of(tables.fact_value)`` has these, by digest of their canonical JSON."""
        known = self.of(tables.fact_value)
        new = self._find(
            tables.fact_value, ("digest",), [(digest,) for digest in given if digest not in known]
        )
        rows = [
            {"id": i, "digest": digest, "body": packed(given[digest])}
            for i, (digest,) in zip(self.take_ids(tables.fact_value, len(new)), new, strict=True)
        ]
        self._insert(tables.fact_value, rows)
        known.update({row["digest"]: row["id"] for row in rows})

    def statements(self, given: Collection[bytes]) -> list[bytes]:
        """See to it that ``of(tables.statement)`` has these, by digest; gives those that are new."""
        return self._digests(tables.statement, given)

    def tellings(self, given: Collection[bytes]) -> list[bytes]:
        """See to it that ``of(tables.telling)`` has these, by digest; gives those that are new."""
        return self._digests(tables.telling, given)

    def _digests(self, table: sa.Table, given: Collection[bytes]) -> list[bytes]:
        known = self.of(table)
        new = self._find(table, ("digest",), [(d,) for d in given if d not in known])
        rows = [
            {"id": i, "digest": digest}
            for i, (digest,) in zip(self.take_ids(table, len(new)), new, strict=True)
        ]
        self._insert(table, rows)
        known.update({row["digest"]: row["id"] for row in rows})
        return [digest for (digest,) in new]

    def _ensure(self, table: sa.Table, columns: tuple[str, ...], given: Iterable[Any]) -> None:
        known = self.of(table)
        new = self._find(table, columns, list(dict.fromkeys(k for k in given if k not in known)))
        rows = [
            {"id": i, **dict(zip(columns, key, strict=True))}
            for i, key in zip(self.take_ids(table, len(new)), new, strict=True)
        ]
        self._insert(table, rows)
        known.update({key: row["id"] for key, row in zip(new, rows, strict=True)})

    def _find(
        self, table: sa.Table, columns: tuple[str, ...], keys: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        """Look keys up and remember what is there; gives those that are not, in order."""
        known = self.of(table)
        found: set[Hashable] = set()
        if not keys:
            return []
        for number, *values in matching(
            self.connection, table, columns, keys, wanted=("id", *columns)
        ):
            key = tuple(bytes(v) if isinstance(v, memoryview) else v for v in values)
            found.add(key)
            known[key if len(columns) > 1 else key[0]] = number
        return [key for key in keys if key not in found]

    def _insert(self, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        insert(self.connection, table, rows)
