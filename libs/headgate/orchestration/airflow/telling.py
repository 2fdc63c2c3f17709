"""What Airflow and people are told of a take: what no event has told of yet, and what was refused."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.orchestration.airflow.assets import asset, event_of
from headgate.orchestration.alerting import words
from headgate.orchestration.alerts import Alert, send

if TYPE_CHECKING:
    from airflow.sdk import Asset, AssetAlias

    from headgate.orchestration.accounts import PartReport
    from headgate.orchestration.airflow.working import Working
    from headgate.orchestration.project import Project

log = logging.getLogger("headgate.task")
#: Under this key a task says what it committed.
ACCOUNTS = "accounts"


@dataclass(frozen=True)
class Told:
    """One thing that was refused: a batch of a dataset, or a sentence of what could not be taken.

    ``outside``: what an alert says of it, which holds no value of a row.
    """

    dataset: str
    what: str
    source: str = ""
    rows: int = 0
    outside: str = ""

    def __str__(self) -> str:
        rows = f" ({self.rows:,} rows refused)" if self.rows else ""
        return f"{self.dataset}: {self.source}{rows}: {self.what}" if self.dataset else self.what


def tell_refused(
    project: Project, dataset: str, refused: Sequence[Told], context: Mapping[str, Any]
) -> None:
    """One alert of all that was refused of a dataset, if anything was. Never fails the task."""
    if not refused:
        return
    alert = Alert(
        kind="refused",
        dataset=dataset,
        owner=project.contracts[dataset].owner,
        what=" ".join(t.outside or words.without_values(str(t)) for t in refused),
        show=words.shows("refused", dataset),
        link=getattr(context["ti"], "log_url", "") or "",
        run=context["run_id"],
    )
    for problem in send(project, alert):
        log.warning("%s", problem)


def committed(report: PartReport) -> list[dict[str, Any]]:
    """The accounts of the batches that changed a table, as Asset events carry them."""
    return [dict(a.extra()) for a in report.accounts if a.version is not None]


def events_of(
    work: Working, outlet: Asset, accounts: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What Asset events say of what was committed, by dataset: the outlet's, if it is told of at all,
    and others whose rows waited for it. Empty if nothing was committed that nobody knows of."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for account in accounts:
        found.setdefault(account["dataset"], []).append(account)
    events = {dataset: event_of(mine) for dataset, mine in found.items()}
    if outlet.name not in events:
        more = _untold(work, outlet, always=bool(events))
        events |= {outlet.name: more} if more else {}
    return events


def emit(
    context: Mapping[str, Any], events: Mapping[str, dict[str, Any]], lake_name: str,
    *, alias: AssetAlias, own: Asset | None = None,
) -> None:  # fmt: skip
    """Have Airflow make the events when the task has succeeded: that of its outlet ``own``, and of
    others through the outlet ``alias``. What they say is kept as XCom `accounts` too."""
    for dataset, extra in events.items():
        if own is not None and dataset == own.name:
            context["outlet_events"][own].extra = extra
        else:
            context["outlet_events"][alias].add(asset(dataset, lake_name), extra=extra)
    context["ti"].xcom_push(key=ACCOUNTS, value=list(events.values()))


def _untold(work: Working, outlet: Asset, *, always: bool) -> dict[str, Any] | None:
    """What an event must still say of a dataset although nothing was taken just now.

    A task whose tries were all killed after a commit told nobody, and the next run finds nothing
    new: what was committed is then neither released nor told of. None if there is no such thing,
    unless something is to be said ``always``.
    """
    from airflow.sdk.execution_time.context import InletEventsAccessor

    from headgate.orchestration.accounts import Account

    newest, snapshot = work.project.releases.newest(), work.project.lake.snapshot(outlet.name)
    if snapshot is None or snapshot.meta is None:
        return None
    event = event_of([Account.of_commit(snapshot.meta, snapshot.version).extra()])
    if always:
        return event
    if newest and newest.versions.get(outlet.name) == snapshot.version:
        return None
    # Asked for without an inlet: the task does not read its table.
    last = InletEventsAccessor(asset_name=outlet.name, asset_uri=outlet.uri)
    told = [b["batch_id"] for e in last.ascending(False).limit(1) for b in e.extra["batches"]]
    if snapshot.meta.batch_id in told:
        return None
    log.info("%s: version %s was committed and nobody told.", outlet.name, snapshot.version)
    return event
