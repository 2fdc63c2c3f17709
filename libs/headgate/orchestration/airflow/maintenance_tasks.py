"""The tasks of the maintenance DAGs; each does what a command of the same name does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from headgate.orchestration.airflow.working import part

if TYPE_CHECKING:
    from headgate.orchestration.verifying.finding import Findings

log = logging.getLogger("headgate.task")
#: A failed task's message names so many findings; the rest is in its log.
_NAMED = 5


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
