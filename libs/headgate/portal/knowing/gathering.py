"""Gathers what is known: a look at what moved, and only that is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from headgate.core import clock
from headgate.core.cache import FILE_NAME as CACHE_FILE
from headgate.core.cache import Cache
from headgate.core.settings import Settings
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.portal.knowing import changes
from headgate.portal.knowing.assembling import Assembling
from headgate.portal.knowing.batches import Batches
from headgate.portal.knowing.known import Known
from headgate.portal.knowing.promised import Progress, Promised
from headgate.portal.knowing.refused import Refused
from headgate.portal.knowing.releases import Releases
from headgate.portal.knowing.summary import Summary
from headgate.portal.knowing.texts import Texts
from headgate.portal.knowing.verdicts import Verdicts

#: What "since yesterday" means.
A_DAY = timedelta(days=1)
#: What was counted for a day and for a week is counted anew so often, if nothing moved.
_STALE = timedelta(minutes=10)


class Gathering:
    """All that is kept between two looks; for one thread at a time."""

    def __init__(self, settings: Settings, progress: Progress) -> None:
        lake = Lake(settings)
        self._settings, self._progress = settings, progress
        self._promised = Promised(settings, Cache(settings.lake_path / CACHE_FILE))
        self._batches, self._verdicts = Batches(lake), Verdicts(lake)
        self._releases, self._refused = Releases(lake), Refused(lake)
        self._assembling = Assembling(lake, self._batches, self._verdicts, self._refused)
        self._texts = Texts()
        self._summaries: dict[str, Summary] = {}
        self._due: datetime | None = None

    def moved(self) -> bool:
        """Whether anything is other than when it was gathered; reads nothing."""
        return (
            (self._due is not None and clock.now() > self._due)
            or self._batches.moved
            or self._verdicts.moved
            or self._releases.moved
            or self._promised.moved
            or bool(self._refused.moved(self._datasets()))
        )

    def gathered(self) -> Known:
        """What is known now.

        Raises:
            LakeError: a ledger or a release cannot be read.
            UsageError: there is no folder of contracts.
        """
        now = clock.now()
        told: list[set[str] | None] = []
        if self._promised.moved:
            told.append(self._promised.read(self._progress))
            self._progress("texts", len(self._promised.contracts))
            self._texts = Texts(self._promised.contracts.values())
        with connect(self._settings) as con:
            self._progress("ledgers", 4)
            # Batches before their verdicts: these are entered first.
            told += [self._batches.read(con), self._verdicts.read(con), self._releases.read(con)]
            refused = self._refused.moved(self._datasets())
            self._progress("quarantines", len(refused))
            self._refused.count(con, refused)
        late = {s.id for s in self._summaries.values() if s.fresh and _due(s) < now}
        self._summarise([*told, set(refused), late], now)
        return self._known(now)

    def _datasets(self) -> Iterable[str]:
        return self._texts.ids

    def _summarise(self, told: list[set[str] | None], now: datetime) -> None:
        """Make those summaries anew that something was told of."""
        contracts = self._promised.contracts
        if any(one is None for one in told):
            touched = set(self._texts.ids)
        else:
            touched = set().union(*(one for one in told if one))
        made = dict(self._summaries)
        for dataset in touched:
            made.pop(dataset, None)
            if dataset in self._texts.positions:
                made[dataset] = self._assembling.summary(
                    contracts[dataset], self._releases.tables, now
                )
        self._summaries = {d: made[d] for d in self._texts.ids}
        soon = [_due(s) for s in made.values() if s.fresh]
        self._due = min([now + _STALE, *soon])

    def _known(self, now: datetime) -> Known:
        batches, contracts = self._batches, self._promised.contracts
        return Known(
            at=now,
            settings=self._settings,
            contracts=contracts,
            datasets=self._summaries,
            texts=self._texts,
            releases=self._releases.listed,
            batches=batches.newest,
            batches_from=batches.whole_from,
            days=tuple((d, o, n) for (d, o), n in sorted(batches.days.items())),
            editions=changes.editions(contracts, batches.of, now - A_DAY),
            jumps=changes.jumps(self._releases.tables_before, self._releases.tables),
            wrong=(
                *self._promised.wrong,
                *self._refused.troubles,
                *self._assembling.troubles.values(),
            ),
        )


def _due(summary: Summary) -> datetime:
    """When a fresh dataset becomes late."""
    assert summary.published_at is not None and summary.hours_allowed is not None
    return summary.published_at + timedelta(hours=summary.hours_allowed)
