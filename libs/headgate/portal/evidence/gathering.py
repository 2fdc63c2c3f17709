"""What evidence of a release there is: its tables and the commits that made them, batches, waivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import HeadgateError, NotFoundError
from headgate.lake import kept, ledger
from headgate.lake.engines.duckdb import connect, literal
from headgate.lake.lake import Lake
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release, ReleaseStore
from headgate.portal.reports.releases import commit_at

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.portal.reports.counting import Counts

BATCH = ("dataset", "version", "batch_id", "run_id", "kind", "source", "outcome", "read",
         "published", "quarantined", "deduplicated", "refused", "committed_at", "contract_version",
         "contract_hash", "code_hash")  # fmt: skip
_MOST_BATCHES = 10_000_000


@dataclass(frozen=True)
class Shown:
    """A table of the release: the version that it shows and the commit that made its rows.

    ``written`` is the contract's document as it was kept under the commit's hash, ``contract`` that
    document as a contract; None where it is not there any more, or is no contract of today's form.
    """

    dataset: str
    version: int
    rows: int
    group: str
    meta: CommitMeta | None
    written: Mapping[str, Any] | None
    contract: Contract | None


@dataclass(frozen=True)
class Waived:
    """Refused rows that somebody let stay out: how many, for which reasons, by whom and why."""

    dataset: str
    rows: int
    codes: str
    by: str
    why: str
    at: datetime


class Gathered:
    """The evidence of one release; what it is read from is never changed afterwards, or only added to."""

    def __init__(self, settings: Settings, counts: Counts, number: int) -> None:
        """Of the release of that number.

        Raises:
            NotFoundError: there is none.
        """
        self.settings, self.counts = settings, counts
        self.lake = Lake(settings)
        store = ReleaseStore(self.lake)
        self.release: Release = store.get(number)
        self.parent: Release | None = None
        if self.release.parent is not None:
            try:
                self.parent = store.get(self.release.parent)
            except NotFoundError:
                self.parent = None  # cleaned away: what it showed is not known, so all is told

    def tables(self) -> Iterator[Shown]:
        """Every table that the release shows, by dataset; each is read when it is come to."""
        for dataset, table in sorted(self.release.tables.items()):
            meta = commit_at(self.lake, dataset, table.version)
            written = kept.recall(self.lake, dataset, meta.contract_hash) if meta else None
            contract = None
            if written is not None:
                contract = _loaded(hjson.dumps(written))
            yield Shown(dataset, table.version, table.rows, table.group, meta, written, contract)

    def batches(self) -> Iterator[dict[str, Any]]:
        """Every batch that came since the release before, refused ones too, and the one that made
        each table as it is shown; by dataset and time. ``made_it`` says which that is."""
        before = self.parent.versions if self.parent else {}
        rows = ", ".join(
            f"({literal(d)}, {before.get(d, -1)}, {t.version})"
            for d, t in sorted(self.release.tables.items())
        )
        if not rows:
            return
        since = self.parent.published_at if self.parent else clock.moment(0)
        # What is compacted has the rows of an earlier version, whose batch is found by its own.
        where = (
            f"EXISTS (SELECT 1 FROM (VALUES {rows}) AS t(d, low, high) WHERE t.d = dataset AND"
            " ((version > low AND version <= high) OR version = high"
            " OR (version IS NULL AND committed_at > ? AND committed_at <= ?)))"
        )
        found = self.counts.entries(
            ledger.BATCHES, BATCH, where, [since, self.release.published_at],
            order="dataset, committed_at, batch_id", limit=_MOST_BATCHES,
        )  # fmt: skip
        versions = self.release.versions
        for row in found:
            yield {**row, "made_it": row["version"] == versions.get(row["dataset"], -1)}

    def waivers(self) -> Iterator[Waived]:
        """Who let which refused rows stay out that were set aside before the release."""
        with connect(self.settings) as con:
            for dataset in sorted(self.release.tables):
                base = self.lake.snapshot(dataset, quarantine=True)
                if base is None:
                    continue
                rows = con.execute(
                    "SELECT count(*), array_to_string(list_sort(codes), ' '), state_by, state_why,"
                    f" state_at FROM {base.relation()} WHERE state = 'waived'"
                    " AND _quarantined_at <= ? GROUP BY ALL ORDER BY state_at, 2, 3, 4",
                    [self.release.published_at],
                ).fetchall()
                for count, codes, by, why, at in rows:
                    yield Waived(dataset, count, codes, by or "", why or "", at)


@lru_cache(maxsize=2048)
def _loaded(text: str) -> Contract | None:
    try:
        return from_document(Path("contract.odcs.yaml"), hjson.loads(text))
    except HeadgateError:
        return None
