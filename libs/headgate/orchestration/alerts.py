"""Alerts: who is told of what broke. Always the log; webhooks and e-mail where settings name them.

Nothing here opens a table or imports an engine, so that Airflow's processes may send too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from headgate.core import clock, owners
from headgate.core.errors import HeadgateError
from headgate.core.owners import Owner
from headgate.core.secrets import redact
from headgate.core.settings import Settings
from headgate.orchestration.alerting import routes, words
from headgate.orchestration.alerting.routes import Message

if TYPE_CHECKING:
    from headgate.contracts.model import ContractSet
    from headgate.orchestration.report import RunReport

Kind = Literal["refused", "late", "failed", "fresh"]
#: How each kind is told.
TITLES: Mapping[str, str] = {
    "refused": "Refused", "late": "Late", "failed": "Failed", "fresh": "Fresh again",
}  # fmt: skip
#: Characters of what broke that are told; the rest is where the alert leads to.
LONGEST = 1500
_log = logging.getLogger("headgate.alerts")


@dataclass(frozen=True)
class Alert:
    """What somebody is told, about one dataset (or a DAG, where no dataset is meant).

    ``what``: what broke, in sentences without any value of a row. ``show``: the command that shows
    more. ``link``: the page in Airflow, if any. ``run``: the run's id there or here.
    """

    kind: Kind
    dataset: str
    owner: str
    what: str
    show: str
    link: str = ""
    run: str = ""

    @property
    def title(self) -> str:
        """One line: `Refused: bronze.irc.messages (owner: chat-platform)`."""
        return f"{TITLES[self.kind]}: {self.dataset} (owner: {self.owner or 'nobody'})"

    @property
    def text(self) -> str:
        """All of it, a line each, as chats and e-mails show it."""
        lines = [self.title, self.what, f"Look: {self.show}" if self.show else "", self.link]
        return "\n".join(line for line in lines if line)


def of_run(contracts: ContractSet, report: RunReport) -> Iterator[Alert]:
    """What the owners are told of a run without Airflow: one alert for each dataset that was
    refused, or whose files or build failed."""
    told: dict[tuple[str, str], list[str]] = {}
    for outcome in (*report.batches, *report.models):
        if outcome.outcome == "refused":
            told.setdefault(("refused", outcome.dataset), []).append(words.refused(outcome))
    named = {c.model: d for d, c in contracts.items() if c.model}
    for problem in report.problems:
        head, colon, rest = problem.partition(": ")
        dataset = named.get(head, head)
        if colon and dataset in contracts and ("refused", dataset) not in told:
            told.setdefault(("failed", dataset), []).append(words.without_values(rest))
        elif not colon or dataset not in contracts:
            told.setdefault(("failed", ""), []).append(words.without_values(problem))
    for (kind, dataset), sentences in told.items():
        yield Alert(
            kind="refused" if kind == "refused" else "failed",
            dataset=dataset or "headgate run",
            owner=contracts[dataset].owner if dataset else "",
            what=" ".join(dict.fromkeys(sentences)),
            show=words.shows(kind, dataset),
            run=report.run_id,
        )


class HasSettings(Protocol):
    """What has settings, as a project has."""

    @property
    def settings(self) -> Settings:
        """The settings."""
        ...


def send(where: HasSettings | Settings, alert: Alert, *, log: bool = True) -> tuple[str, ...]:
    """Tell the owner: in the log, and by what the owner or the settings name. Never raises.

    A private lake tells nobody but the log. ``log=False`` where whoever looks is told already.
    Gives a sentence for each route that did not take it; they are logged too.
    """
    try:
        alert = _safe(alert)
        if log:
            (_log.info if alert.kind == "fresh" else _log.warning)(alert.text.replace("\n", " "))
        settings = where if isinstance(where, Settings) else where.settings
        problems = () if settings.is_private else _deliver(settings, alert)
    except Exception as error:  # whatever it is, what was being done must not fail of it
        problems = (f"the alert could not be sent: {_said(error)}",)
    for problem in problems:
        _log.error(problem)
    return problems


def _deliver(settings: Settings, alert: Alert) -> tuple[str, ...]:
    known, wrong = owners.read(settings.root)
    problems = tuple(redact(f"{w.place}: {w.message}") for w in wrong)
    ways = routes.of(settings, known.get(alert.owner, Owner(alert.owner)))
    message = Message(subject=alert.title, text=alert.text, document=_document(settings, alert))
    return (*problems, *routes.deliver(settings, ways, message))


def _document(settings: Settings, alert: Alert) -> dict[str, str]:
    """What a webhook is posted; `text` is what chats show."""
    return {
        "text": alert.text,
        "kind": alert.kind,
        "dataset": alert.dataset,
        "owner": alert.owner,
        "what": alert.what,
        "show": alert.show,
        "link": alert.link,
        "run": alert.run,
        "lake": settings.lake_name,
        "at": clock.iso(),
    }


def _safe(alert: Alert) -> Alert:
    """Without secrets, values of rows, signs that control terminals, and what nobody would read."""
    what = _plain(words.without_values(alert.what))
    if len(what) > LONGEST:
        what = what[:LONGEST].rstrip() + " …"
    return Alert(
        kind=alert.kind, dataset=_plain(alert.dataset), owner=_plain(alert.owner), what=what,
        show=_plain(alert.show), link=_plain(alert.link), run=_plain(alert.run),
    )  # fmt: skip


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in redact(text)).split())


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, HeadgateError) else type(error).__name__
