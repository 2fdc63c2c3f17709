"""What the ledger of batches says of each dataset, and the newest batches themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.lake import Lake
from headgate.lake.meta import COMPACTION
from headgate.portal.knowing.following import Followed
from headgate.portal.knowing.summary import Batch

#: How long a batch is kept in memory, and how many are at the most.
KEPT = timedelta(days=7)
MOST = 50_000
#: How long days are counted.
COUNTED = timedelta(days=31)
_OF_BATCH = ("batch_id", "run_id", "dataset", "kind", "source", "outcome", "read", "published",
             "quarantined", "deduplicated", "refused", "committed_at", "version")  # fmt: skip
_COLUMNS = [*_OF_BATCH, "contract_version", "contract_hash"]
#: By which two batches follow one another.
_ORDER = "(committed_at, batch_id)"


@dataclass
class Editions:
    """The editions of its contract that a dataset was made under: version, first and last batch, by
    the contract's hash."""

    of: dict[str, tuple[str, datetime, datetime]] = field(default_factory=dict)

    @property
    def newest(self) -> tuple[str, datetime] | None:
        """The contract's version at the last batch, and since when it is that one."""
        if not self.of:
            return None
        version, first, _ = max(self.of.values(), key=lambda v: v[2])
        return version, first

    @property
    def begun(self) -> datetime | None:
        """When its first batch was judged."""
        return min((first for _, first, _ in self.of.values()), default=None)


@dataclass
class History:
    """A dataset's batches, added up. ``version`` is the table's newest, ``content_version`` the one
    that has the same rows and was not made by putting files together."""

    last: tuple[datetime, str] | None = None
    outcome: str = ""
    published_at: datetime | None = None
    version: int | None = None
    content_version: int | None = None
    editions: Editions = field(default_factory=Editions)


class Batches:
    """All that is kept of the ledger; what was added to it is read and put to the rest."""

    def __init__(self, lake: Lake) -> None:
        self._followed = Followed(lake, ledger.BATCHES)
        self.of: dict[str, History] = {}
        self.newest: tuple[Batch, ...] = ()
        self.whole_from: datetime | None = None
        #: How many batches had which outcome, by day (UTC).
        self.days: Counter[tuple[date, str]] = Counter()

    @property
    def moved(self) -> bool:
        """Whether there is something to read."""
        return self._followed.moved

    def read(self, con: Connection) -> set[str] | None:
        """Read what was added; gives the datasets that it tells of, None if that may be all.

        Raises:
            LakeError: the ledger cannot be read.
        """
        added = self._followed.added(_COLUMNS)
        if added is None:
            return set()
        if added.anew:
            self.of, self.newest, self.days = {}, (), Counter()
        touched = self._sums(con, added.rows)
        self._editions(con, added.rows)
        self._counts(con, added.rows)
        self._batches(con, added.rows)
        return None if added.anew else touched

    def _sums(self, con: Connection, rows: str) -> set[str]:
        kinds = ", ".join(map(literal, ledger.NOT_NEWS))
        real = f"FILTER (WHERE kind <> {literal(COMPACTION)})"
        found = con.execute(
            f"SELECT dataset, max({_ORDER}) {real}, arg_max(outcome, {_ORDER}) {real},"
            f" max(committed_at) FILTER (WHERE outcome = 'published' AND kind NOT IN ({kinds})),"
            f" max(version), max(version) {real} FROM {rows} GROUP BY 1"
        ).fetchall()
        for dataset, last, outcome, at, version, content in found:
            one = self.of.setdefault(dataset, History())
            if last is not None and (one.last is None or tuple(last) >= one.last):
                one.last, one.outcome = tuple(last), outcome
            one.published_at = _later(one.published_at, at)
            one.version = _larger(one.version, version)
            one.content_version = _larger(one.content_version, content)
        return {row[0] for row in found}

    def _editions(self, con: Connection, rows: str) -> None:
        found = con.execute(
            "SELECT dataset, contract_hash, any_value(contract_version), min(committed_at),"
            f" max(committed_at) FROM {rows} WHERE kind <> {literal(COMPACTION)} GROUP BY 1, 2"
        ).fetchall()
        for dataset, name, version, first, last in found:
            known = self.of[dataset].editions.of
            was = known.get(name, (version, first, last))
            known[name] = (version, min(first, was[1]), max(last, was[2]))

    def _counts(self, con: Connection, rows: str) -> None:
        since = literal(clock.iso(clock.now() - COUNTED))
        self.days.update(
            {
                (day, outcome): count
                for day, outcome, count in con.execute(
                    "SELECT committed_at::DATE, CASE WHEN outcome = 'published' AND quarantined > 0"
                    f" THEN 'published in part' ELSE outcome END, count(*) FROM {rows}"
                    f" WHERE committed_at >= {since}::TIMESTAMPTZ AND kind <> {literal(COMPACTION)}"
                    " GROUP BY 1, 2"
                ).fetchall()
            }
        )

    def _batches(self, con: Connection, rows: str) -> None:
        since = clock.now() - KEPT
        found = con.execute(
            f"SELECT {', '.join(_OF_BATCH)} FROM {rows}"
            f" WHERE committed_at >= {literal(clock.iso(since))}::TIMESTAMPTZ"
            f" AND kind <> {literal(COMPACTION)} ORDER BY committed_at DESC, batch_id DESC"
            f" LIMIT {MOST + 1}"
        ).fetchall()
        every = {b.id: b for b in self.newest if b.at >= since}
        every |= {row[0]: Batch(*row) for row in found}
        newest = sorted(every.values(), key=lambda b: (b.at, b.id), reverse=True)
        cut = newest[MOST:]
        self.newest = tuple(newest[:MOST])
        self.whole_from = max(since, cut[0].at if cut else since)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _larger(one: int | None, other: int | None) -> int | None:
    return (
        max(one, other) if one is not None and other is not None else other if one is None else one
    )
