"""The releases: which there were, what each moved, and what readers see now and saw a day ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection
from headgate.lake.lake import Lake
from headgate.lake.release import Release, ReleaseStore
from headgate.portal.knowing.following import Followed
from headgate.portal.knowing.summary import Released

#: How many releases are told of one by one.
MOST = 500
_COLUMNS = ["release_id", "dataset", "version", "release_group", "run_id", "parent_id",
            "published_at", "kind"]  # fmt: skip
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a release shows it."""

    version: int
    rows: int


class Releases:
    """What is kept of the releases."""

    def __init__(self, lake: Lake) -> None:
        self._store = ReleaseStore(lake)
        self._followed = Followed(lake, ledger.RELEASES)
        self._newest = self._before = 0
        self._by_number: dict[int, Released] = {}
        #: What readers see, and what they saw about a day ago.
        self.tables: Mapping[str, Table] = {}
        self.tables_before: Mapping[str, Table] = {}

    @property
    def moved(self) -> bool:
        """Whether there is something to read."""
        return self._followed.moved or (self._store.ids() or [0])[-1] != self._newest

    @property
    def listed(self) -> tuple[Released, ...]:
        """The releases, newest first; at most :data:`MOST`."""
        return tuple(sorted(self._by_number.values(), key=lambda r: -r.number)[:MOST])

    def read(self, con: Connection) -> set[str] | None:
        """Read what was added; gives the datasets of which readers see something else now, None if
        that may be all.

        Raises:
            LakeError: the ledger or a release cannot be read.
        """
        self._ledger(con)
        numbers = self._store.ids()
        if not numbers or numbers[-1] == self._newest:
            self._a_day_ago(numbers)
            return set()
        first, was = not self._newest, self.tables
        newest = self._store.get(numbers[-1])
        self.tables = _tables(newest)
        self._newest = newest.id
        if newest.id not in self._by_number:  # its run has not entered it yet
            self._by_number[newest.id] = _of_file(newest, was)
        self._a_day_ago(numbers)
        every = {*was, *self.tables}
        return None if first else {d for d in every if was.get(d) != self.tables.get(d)}

    def _a_day_ago(self, numbers: list[int]) -> None:
        """What readers saw a day ago, or at the oldest release since that is still kept."""
        since = clock.now() - timedelta(days=1)
        known = [n for n in numbers if n in self._by_number]
        earlier = [n for n in known if self._by_number[n].at <= since]
        number = earlier[-1] if earlier else (known or [self._newest])[0]
        if number and number != self._before:
            found = self._store.get(number)
            self._before, self.tables_before = number, _tables(found)

    def _ledger(self, con: Connection) -> None:
        added = self._followed.added(_COLUMNS)
        if added is None:
            return
        if added.anew:
            self._by_number = {}
        # From the last that is known, so that it can be told what the next one moved.
        known = max(self._by_number, default=0)
        since = f"greatest({known}, (SELECT max(release_id) - {MOST} FROM {added.every}))"
        found = con.execute(
            f"WITH told AS (SELECT * FROM {added.every} WHERE release_id >= {since}),"
            " moves AS (SELECT *, lag(version) OVER one IS DISTINCT FROM version AS moved FROM told"
            " WINDOW one AS (PARTITION BY dataset ORDER BY release_id))"
            " SELECT release_id, any_value(parent_id), any_value(run_id), any_value(kind),"
            " any_value(published_at), count(*), count(*) FILTER (WHERE moved),"
            " list_sort(list(DISTINCT release_group) FILTER (WHERE moved)),"
            f" list_sort(list(dataset) FILTER (WHERE moved))[:{_NAMED}] FROM moves GROUP BY 1"
        ).fetchall()
        for number, parent, run, kind, at, tables, moved, groups, names in found:
            one = Released(number, parent, run, kind, at, tables, moved,
                           tuple(groups or ()), tuple(names or ()))  # fmt: skip
            was = self._by_number.get(number)
            # Of the first among these rows all tables seem to have moved.
            if was is None or one.moved <= was.moved:
                self._by_number[number] = one
        self._by_number = {r.number: r for r in self.listed}


def _tables(release: Release) -> dict[str, Table]:
    return {d: Table(t.version, t.rows) for d, t in release.tables.items()}


def _of_file(release: Release, before: Mapping[str, Table]) -> Released:
    moved = {
        d: t.group
        for d, t in release.tables.items()
        if d not in before or before[d].version != t.version
    }
    return Released(
        release.id, release.parent, release.run_id, release.kind, release.published_at,
        len(release.tables), len(moved), tuple(sorted(set(moved.values()))),
        tuple(sorted(moved)[:_NAMED]),
    )  # fmt: skip
