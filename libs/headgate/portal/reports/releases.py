"""Releases: what each shows to readers, what it moved against another, and what the gate said of that."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release, ReleaseStore, TableChange
from headgate.portal.reports.counting import UNWRITTEN

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.portal.knowing.known import Known
    from headgate.portal.knowing.summary import Released

#: Releases that are kept once they were read: one may have ten thousand tables, and none changes.
_MOST_KEPT = 64
_kept: dict[tuple[str, int], Release] = {}


@dataclass(frozen=True)
class Moved:
    """A table that two releases show in different versions, and the commit that made the later one:
    None where its log is gone, or the later release lacks it."""

    change: TableChange
    meta: CommitMeta | None

    @property
    def verdicts(self) -> tuple[dict[str, object], ...]:
        """What the rules of its contract said; not what every contract has."""
        return tuple(dict(v) for v in (self.meta.verdicts if self.meta else ()) if _written(v))

    @property
    def held(self) -> int:
        """How many of these rules held."""
        return sum(bool(v["passed"]) for v in self.verdicts)

    @property
    def broken(self) -> tuple[str, ...]:
        """All rules that did not hold."""
        verdicts = self.meta.verdicts if self.meta else ()
        return tuple(str(v["rule_id"]) for v in verdicts if not v["passed"])


def read(settings: Settings, number: int) -> Release:
    """A release, without the lists of its files.

    Raises:
        NotFoundError: there is none.
    """
    key = (str(settings.lake_path), number)
    found = _kept.get(key)
    if found is None:
        whole = ReleaseStore(Lake(settings)).get(number)
        tables = {d: dataclasses.replace(t, files=()) for d, t in whole.tables.items()}
        found = dataclasses.replace(whole, tables=tables)
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        _kept[key] = found
    return found


def changes(settings: Settings, before: Release | None, after: Release) -> tuple[TableChange, ...]:
    """The tables that both show in different versions, by dataset."""
    return ReleaseStore(Lake(settings)).diff(before, after)


def moved(settings: Settings, several: Iterable[TableChange]) -> tuple[Moved, ...]:
    """The same with the commits that made them; reads a log entry of each."""
    lake = Lake(settings)
    return tuple(Moved(c, commit_at(lake, c.dataset, c.after)) for c in several)


def commit_at(lake: Lake, dataset: str, version: int | None) -> CommitMeta | None:
    """What the commit that made the rows of a version says; None where the log has it no more."""
    if version is None:
        return None
    meta = CommitMeta.from_log(lake.storage.read(log_key(lake.key(dataset), version)) or b"")
    return meta.content if meta else None


def shown_at(known: Known, at: datetime) -> Released | None:
    """The release that readers saw at a moment, None before the first."""
    return next((r for r in known.releases if r.at <= at), None)


def _written(verdict: object) -> bool:
    assert isinstance(verdict, dict)
    return verdict["kind"] not in UNWRITTEN and verdict["rule_id"] != "primary_key"
