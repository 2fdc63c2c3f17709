"""Every check, in the order in which they trust each other, and a lake verified by them."""

from __future__ import annotations

from collections.abc import Collection

from headgate.core import clock
from headgate.core.errors import LakeError
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.context import Progress, Silent
from headgate.orchestration.project import Project
from headgate.orchestration.verifying import (
    accounts,
    contents,
    datafiles,
    documents,
    events,
    ledgers,
    logs,
    positions,
    refused_rows,
    release_chain,
    remains,
    shown,
)
from headgate.orchestration.verifying.finding import ERROR, Check, Finding, Findings
from headgate.orchestration.verifying.look import Look, look

#: What is found damaged by an early check is not asked anything by a later one.
CHECKS: tuple[Check, ...] = (
    *logs.CHECKS,
    *datafiles.CHECKS,
    *contents.CHECKS,
    *accounts.CHECKS,
    *positions.CHECKS,
    *ledgers.CHECKS,
    *release_chain.CHECKS,
    *shown.CHECKS,
    *refused_rows.CHECKS,
    *documents.CHECKS,
    *events.CHECKS,
    *remains.CHECKS,
)
#: So often a lake that moves while it is looked at is looked at again.
_LOOKS = 3


def verify(
    project: Project,
    *,
    deep: bool = False,
    datasets: Collection[str] = (),
    progress: Progress | None = None,
) -> Findings:
    """Verify the lake, or some of its datasets; ``deep`` reads every row and every byte.

    Takes no lock and changes nothing. Where errors are found while a run goes on, the lake is looked
    at again, for a run moves what is looked at.

    Raises:
        UsageError: a dataset is not known.
        ContractError: a contract of the project is wrong.
        LakeError: there is no lake.
    """
    for dataset in datasets:
        project.contracts[dataset]
    if not project.lake.root.is_dir():
        raise LakeError(
            f"there is no lake at {project.lake.root}.", remedy="headgate run makes it."
        )
    for tried in range(_LOOKS):
        found, moved = _verified(project, deep, datasets, progress or Silent())
        if not found.errors or not moved or tried == _LOOKS - 1:
            return found
        clock.sleep(0.5)
    raise AssertionError("unreachable")


def _verified(
    project: Project, deep: bool, datasets: Collection[str], progress: Progress
) -> tuple[Findings, bool]:
    """What was found, and whether a run went on meanwhile."""
    with connect(project.settings) as con:
        seen = look(project, con, progress, deep=deep, selected=datasets)
        found = []
        for check in CHECKS:
            if deep or not check.deep:
                found += [
                    f for f in _told(check, seen) if f.dataset is None or seen.asked(f.dataset)
                ]
        tables = list(seen.every())
        told = Findings(
            findings=tuple(found), deep=deep, tables=len(tables),
            versions=sum(len(t.entries) for t in tables), files=len(seen.files_read),
            rows=seen.rows_read, releases=len(seen.releases), notes=tuple(remains.notes(seen)),
        )  # fmt: skip
        return told, bool(seen.running) or _moved(project, seen)


def _told(check: Check, seen: Look) -> list[Finding]:
    """What a check found; a lake so damaged that it cannot even be asked is a finding as well."""
    try:
        return list(check.findings(seen))
    except Exception as error:
        first = (str(error).splitlines() or [""])[0]
        told = f"it cannot be checked: {type(error).__name__}: {first.rstrip('.')}."
        return [Finding(check.name, ERROR, ".", told, check.remedy)]


def _moved(project: Project, seen: Look) -> bool:
    return sorted(seen.releases) != project.releases.ids()
