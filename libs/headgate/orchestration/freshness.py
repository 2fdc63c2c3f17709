"""Which datasets are later than their contracts promise, and telling their owners of it in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.orchestration.alerting import told
from headgate.orchestration.alerts import Alert, send
from headgate.orchestration.project import Project

#: Who was told of what, and when.
NOTE = "_state/late_told.json"
AGAIN_AFTER = timedelta(hours=24)
#: Where a route did not take it.
TRY_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Freshness:
    """A dataset that promises to be fresh, now. ``published_at`` was its newest publication."""

    dataset: str
    owner: str
    hours_allowed: float
    published_at: datetime

    @property
    def late(self) -> bool:
        """Whether that is longer ago than its contract allows."""
        return clock.hours_since(self.published_at) > self.hours_allowed


@dataclass(frozen=True)
class _Told:
    """That owners were told of a dataset: the publication that was late then, when they were told,
    and whether every route took it."""

    published_at: datetime
    at: datetime
    whole: bool


def freshness(project: Project) -> list[Freshness]:
    """Every dataset that promises to be fresh and was published once, in id order.

    It reads one log entry of each; only where that cannot say whether a dataset is late (it is too
    old, or brought nothing new) the ledger of batches, once for all.
    """
    promising = [c for c in project.contracts.values() if _promises(c)]
    published: dict[str, datetime] = {}
    unsure: list[str] = []
    for contract in promising:
        snapshot = project.lake.snapshot(contract.id)
        meta = snapshot.meta if snapshot else None
        if snapshot is None:
            continue  # nothing was ever published, so it cannot be said since when it is late
        if meta is not None and meta.kind not in ledger.NOT_NEWS:
            published[contract.id] = meta.committed_at
        if meta is None or meta.kind in ledger.NOT_NEWS or _late(contract, meta.committed_at):
            unsure.append(contract.id)
    if unsure:
        entered = _entered(project, unsure)
        published |= {d: max(at, published.get(d, at)) for d, at in entered.items()}
    return [
        Freshness(c.id, c.owner, c.freshness_hours, published[c.id])
        for c in promising
        if c.id in published and c.freshness_hours is not None
    ]


def tell(project: Project, *, link: str = "") -> list[str]:
    """Tell owners of datasets that became late, again each day, and once when they are fresh again.

    Gives the datasets that are late. Told twice at once, it tells once: who comes second leaves it
    to the first. What was told is noted after it was, so that a kill may tell again, never not.
    """
    found = freshness(project)
    late = [one.dataset for one in found if one.late]
    if late or project.lake.storage.read(NOTE):
        with told.alone(project.settings, "freshness", wait=False) as mine:
            if mine:
                _tell(project, found, link)
    return late


def _tell(project: Project, found: Sequence[Freshness], link: str) -> None:
    promising = {one.dataset for one in found}
    noted = {d: was for d, was in _noted(project).items() if d in promising}
    for one in found:
        was = noted.get(one.dataset)
        if one.late and (was is None or _due(was)):
            problems = send(project, _of_late(one, link))
            noted[one.dataset] = _Told(one.published_at, clock.now(), not problems)
        elif not one.late and was is not None:
            send(project, _of_fresh(one, link))
            del noted[one.dataset]
        else:
            continue
        _note(project, noted)


def _due(was: _Told) -> bool:
    return clock.now() - was.at >= (AGAIN_AFTER if was.whole else TRY_AGAIN_AFTER)


def _of_late(one: Freshness, link: str) -> Alert:
    hours = clock.hours_since(one.published_at)
    return Alert(
        kind="late",
        dataset=one.dataset,
        owner=one.owner,
        what=f"Its newest publication is {_span(hours)} old; its contract allows"
        f" {_span(one.hours_allowed)}. Last published at {one.published_at:%Y-%m-%d %H:%M} UTC.",
        show=f"headgate status; headgate show accounting {one.dataset}",
        link=link,
    )


def _of_fresh(one: Freshness, link: str) -> Alert:
    return Alert(
        kind="fresh",
        dataset=one.dataset,
        owner=one.owner,
        what=f"It was published at {one.published_at:%Y-%m-%d %H:%M} UTC,"
        f" within the {_span(one.hours_allowed)} that its contract allows.",
        show="headgate status",
        link=link,
    )


def _span(hours: float) -> str:
    if hours < 1:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.1f}".removesuffix(".0") + " hours" if hours < 72 else f"{hours / 24:.0f} days"


def _promises(contract: Contract) -> bool:
    return contract.name.layer != "system" and contract.freshness_hours is not None


def _late(contract: Contract, at: datetime) -> bool:
    return contract.freshness_hours is None or clock.hours_since(at) > contract.freshness_hours


def _entered(project: Project, datasets: Sequence[str]) -> dict[str, datetime]:
    """When the ledger says that each was published last."""
    from headgate.lake.engines.duckdb import connect, literal

    base = project.lake.snapshot(ledger.BATCHES)
    if base is None:
        return {}
    among = ", ".join(map(literal, datasets))
    kinds = ", ".join(map(literal, ledger.NOT_NEWS))
    with connect(project.settings) as con:
        rows = con.execute(
            "SELECT dataset, max(committed_at)"
            f" FROM {base.relation(['dataset', 'outcome', 'kind', 'committed_at'])}"
            f" WHERE outcome = 'published' AND kind NOT IN ({kinds}) AND dataset IN ({among})"
            " GROUP BY 1"
        ).fetchall()
    return dict(rows)


def _noted(project: Project) -> dict[str, _Told]:
    """Who was told; a note that cannot be read counts as none."""
    data = project.lake.storage.read(NOTE)
    try:
        found: Mapping[str, Any] = hjson.loads(data) if data else {}
        return {
            d: _Told(clock.parse_iso(t["published_at"]), clock.parse_iso(t["at"]), bool(t["whole"]))
            for d, t in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _note(project: Project, noted: Mapping[str, _Told]) -> None:
    document = {
        d: {"published_at": clock.iso(t.published_at), "at": clock.iso(t.at), "whole": t.whole}
        for d, t in noted.items()
    }
    project.lake.storage.put(NOTE, hjson.dumps(document).encode())
