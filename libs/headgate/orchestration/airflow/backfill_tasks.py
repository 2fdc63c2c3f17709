"""The tasks of the backfill DAG: plan the dates, take them, and tell of it once."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from headgate.core.errors import UsageError
from headgate.orchestration.airflow.assets import BACKFILLED, asset
from headgate.orchestration.airflow.notifier import told_already
from headgate.orchestration.airflow.take_task import REFUSED, refusals, said, take
from headgate.orchestration.airflow.telling import (
    ACCOUNTS,
    committed,
    emit,
    events_of,
    tell_refused,
)
from headgate.orchestration.airflow.working import part

log = logging.getLogger("headgate.task")

#: Airflow maps a task to so many at the most (`core.max_map_length` is 1024 unless set lower).
_MOST_TASKS = 500


class Plan(BaseOperator):
    """Gives the dates of the range for which files lie at the source, in portions for a task each."""

    def execute(self, context: Mapping[str, Any]) -> list[list[str]]:
        """The portions, each a list of ISO dates.

        Raises:
            AirflowFailException: the range is none, or the dataset's files have no dates.
        """
        from headgate.orchestration import parts

        params = context["params"]
        with part(context) as work:
            if not params["dataset"]:
                raise UsageError(
                    "no dataset was chosen.",
                    remedy="Choose one whose headgate.source.path has {date} in it.",
                )
            first, last = _day(params["first"]) or date.min, _day(params["last"]) or date.max
            if last < first:
                raise UsageError(f"the last date, {last}, is before the first, {first}.")
            dates = parts.dates_of(work.project, params["dataset"], first, last)
        log.info(
            "%s: files for %s dates from %s to %s.", params["dataset"], len(dates), first, last
        )
        return portions([d.isoformat() for d in dates], int(params["parallel"]))


class TakeDates(BaseOperator):
    """Takes the files of some dates; skipped if all of them were taken before."""

    template_fields = ("dates",)
    ui_color = "#d6eaf8"

    def __init__(self, *, dates: Sequence[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.dates = dates

    @property
    def label(self) -> str:
        """What the task is called among the mapped ones."""
        first, last = self.dates[0], self.dates[-1]
        return first if first == last else f"{first} … {last}"

    def execute(self, context: Mapping[str, Any]) -> None:
        """Take them.

        Raises:
            AirflowFailException: something was refused; what was not, is committed.
            AirflowSkipException: nothing is new.
        """
        dataset = context["params"]["dataset"]
        with part(context) as work:
            dates = [date.fromisoformat(d) for d in self.dates]
            report = take(work, dataset, dates=dates, parallel=int(context["params"]["parallel"]))
            told = refusals(work, report)
        new = committed(report)
        context["ti"].xcom_push(key=ACCOUNTS, value=new)
        tell_refused(work.project, dataset, told, context)
        if told:
            context["ti"].xcom_push(key=REFUSED, value=said(told, self))
            raise told_already(AirflowFailException(said(told, self)))
        if not new:
            raise AirflowSkipException(f"{dataset}: nothing is new for {', '.join(self.dates)}.")


class Finish(BaseOperator):
    """Makes one Asset event of all that was taken, so that it is built and released once."""

    def __init__(self, *, lake_name: str, **arguments: Any) -> None:
        super().__init__(outlets=[BACKFILLED], **arguments)
        self.lake_name = lake_name

    def execute(self, context: Mapping[str, Any]) -> None:
        """Make it.

        Raises:
            AirflowSkipException: nothing was taken.
        """
        dataset = context["params"]["dataset"]
        pulled = context["ti"].xcom_pull(task_ids=["take"], key=ACCOUNTS)
        with part(context) as work:
            accounts = [account for portion in pulled for account in portion or ()]
            events = events_of(work, asset(dataset, self.lake_name), accounts)
        if not events:
            raise AirflowSkipException(f"{dataset}: nothing was taken.")
        emit(context, events, self.lake_name, alias=self.outlets[0])


def portions(dates: Sequence[str], at_once: int) -> list[list[str]]:
    """The dates in portions of as many as are read at once, or more where there were too many."""
    size = max(at_once, -(-len(dates) // _MOST_TASKS))
    return [list(dates[i : i + size]) for i in range(0, len(dates), size)]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
