"""The tasks of the maintenance DAGs; each does what a command of the same name does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from headgate.core import clock
from headgate.orchestration.airflow.working import part

if TYPE_CHECKING:
    from headgate.orchestration.verifying.finding import Findings

log = logging.getLogger("headgate.task")
#: A failed task's message names so many findings; the rest is in its log.
_NAMED = 5
#: A destination of lineage is given up by a task that it has taken nothing from for so many seconds.
_PATIENCE = 30.0
#: It may be down for so long before somebody is told.
_DOWN_HOURS = 1.0


class Maintain(BaseOperator):
    """`headgate maintain`: files put together and removed, as settings say."""

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        """Maintain the lake; gives how many bytes were freed, by how much work.

        Raises:
            AirflowFailException: something cannot be read and was left alone.
        """
        from headgate.orchestration.maintaining import maintain

        with part(context) as work:
            report = maintain(work.project)
        for note in report.notes:
            log.info("%s", note)
        for one in report.works:
            log.info("%s: %s %s files, %s bytes %s", one.where, one.what, f"{one.files:,}",
                     f"{one.bytes:,}", one.detail)  # fmt: skip
        log.info("Freed %s bytes.", f"{report.freed:,}")
        if report.problems:
            raise AirflowFailException(
                "\n".join(["Left alone:", *report.problems, "Look: headgate fsck"])
            )
        return {"freed": report.freed, "works": len(report.works)}


class Freshness(BaseOperator):
    """Tells the owners of datasets that are late; it fails only if it could not look."""

    def execute(self, context: Mapping[str, Any]) -> list[str]:
        """Look, and tell; gives the datasets that are late."""
        from headgate.orchestration.freshness import tell

        with part(context) as work:
            return tell(work.project, link=context["ti"].log_url)


class Fsck(BaseOperator):
    """`headgate fsck`: fails if a promise of the lake is broken. It takes no lock."""

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        """Verify the lake.

        Raises:
            AirflowFailException: a promise is broken; another try would find the same.
        """
        from headgate.orchestration.verifying.verify import verify

        deep = bool(context["params"].get("deep"))
        with part(context) as work:
            found = verify(work.project, deep=deep, progress=work.progress)
        for note in found.notes:
            log.info("%s", note)
        for one in found.findings:
            tell = log.error if one.severity == "error" else log.warning
            tell("%s: %s: %s %s", one.check, one.place, one.message, one.remedy)
        if found.errors:
            raise AirflowFailException(_told(found))
        return {"tables": found.tables, "files": found.files, "warnings": len(found.warnings)}


class Forward(BaseOperator):
    """`headgate lineage forward`: it takes no lock of the lake, and no run waits for it."""

    def execute(self, context: Mapping[str, Any]) -> dict[str, int]:
        """Send lineage on; gives how many events each destination is behind.

        Raises:
            AirflowFailException: a destination is configured wrongly, or took nothing for an hour.
        """
        from headgate.lineage.forwarding.sending import Terms
        from headgate.orchestration import forwarding_lineage

        with part(context) as work:
            settings = work.project.settings
            found = forwarding_lineage.forward(settings, (), Terms(patience=_PATIENCE))
            late = [
                f"{s.destination} is {s.behind:,} events behind since {s.down_since:%Y-%m-%d %H:%M} "
                f"UTC: {s.why}"
                for s in forwarding_lineage.standings(settings)
                if s.behind and s.down_since and clock.hours_since(s.down_since) >= _DOWN_HOURS
            ]
        for one in found:
            tell = log.warning if one.behind or one.set_aside else log.info
            tell("%s: %s sent, %s set aside, %s left %s", one.destination, f"{one.sent:,}",
                 f"{one.set_aside:,}", f"{one.behind:,}", one.why)  # fmt: skip
        if late:
            raise AirflowFailException("\n".join([*late, "Look: headgate status"]))
        return {one.destination: one.behind for one in found}


def _told(found: Findings) -> str:
    named = [f"{f.check}: {f.place}: {f.message} {f.remedy}" for f in found.errors[:_NAMED]]
    more = len(found.errors) - len(named)
    return "\n".join(
        [
            f"{len(found.errors)} promises of the lake are broken.",
            *named,
            *([f"... and {more:,} more."] if more else []),
            f"Look: headgate fsck{' --deep' if found.deep else ''}",
        ]
    )
