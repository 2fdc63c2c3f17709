"""The summary of a dataset, put together from what its contract, its batches and its tables tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError
from headgate.lake.lake import Lake
from headgate.portal.knowing.batches import Batches, History
from headgate.portal.knowing.promised import Wrong
from headgate.portal.knowing.refused import Refused
from headgate.portal.knowing.releases import Table
from headgate.portal.knowing.summary import Summary, classes_of, personal_of
from headgate.portal.knowing.verdicts import Verdicts

_NO_HISTORY = History()


class Assembling:
    """Makes summaries; ``troubles`` are the tables that could not be looked into."""

    def __init__(self, lake: Lake, batches: Batches, verdicts: Verdicts, refused: Refused) -> None:
        self._lake, self._batches = lake, batches
        self._verdicts, self._refused = verdicts, refused
        self._rows: dict[str, tuple[int, int]] = {}
        self.troubles: dict[str, Wrong] = {}

    def summary(self, contract: Contract, tables: Mapping[str, Table], now: datetime) -> Summary:
        """The dataset as it is ``now``; ``tables`` are those that readers see."""
        of = self._batches.of.get(contract.id, _NO_HISTORY)
        released, opened = tables.get(contract.id), self._refused.open(contract.id)
        at, allowed = of.published_at, contract.freshness_hours
        due = at + timedelta(hours=allowed) if at and allowed is not None else None
        fresh = None if due is None else now <= due
        # A release may know of a version that no ledger does: a table given by others.
        version = of.version if released is None else max(of.version or 0, released.version)
        return Summary(
            id=contract.id, layer=contract.name.layer, domain=contract.name.domain,
            owner=contract.owner, description=contract.description, tags=contract.tags,
            classes=classes_of(contract), personal=personal_of(contract),
            columns=tuple(c.name for c in contract.columns),
            contract_version=contract.version, maker=contract.maker or "source",
            rows=self._rows_of(contract.id, of, released), version=version,
            released_version=released.version if released else None,
            published_at=at, hours_allowed=allowed, fresh=fresh,
            late_since=due if fresh is False else None,
            open_quarantine=opened.rows, oldest_open=opened.oldest, outcome=of.outcome or None,
            batch=of.last[1] if of.last else None, judged_at=of.last[0] if of.last else None,
            broken=self._verdicts.broken(contract.id, self._batches.of),
        )  # fmt: skip

    def _rows_of(self, dataset: str, of: History, released: Table | None) -> int:
        """Rows of the newest version: the release tells them, or the log if there is more by now."""
        self.troubles.pop(dataset, None)
        newest = of.content_version
        if newest is None or (released is not None and newest <= released.version):
            return released.rows if released else 0
        known = self._rows.get(dataset)
        if known is None or known[0] != newest:
            try:
                found = self._lake.snapshot(dataset)
                known = (newest, found.rows if found else 0)
            except HeadgateError as error:
                self.troubles[dataset] = Wrong(error.place, error.message, error.remedy)
                known = (newest, 0)
            self._rows[dataset] = known
        return known[1]
