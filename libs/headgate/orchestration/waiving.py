"""Letting refused rows stay out for good, and telling lineage who decided it and why."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.core import ids as core_ids
from headgate.lineage import steps
from headgate.lineage.change import Waiver
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State
from headgate.orchestration.project import Project
from headgate.quality import quarantine


def waive(
    project: Project,
    dataset: str,
    *,
    by: str,
    why: str,
    ids: Sequence[str] | None = None,
    reason: str | None = None,
    everything: bool = False,
) -> int:
    """Let open refused rows of ``dataset`` stay out; tells how many they are.

    Raises:
        UsageError: there is no such dataset, or nobody, no reason or no row is named.
        NotFoundError: no open row is meant.
        LakeBusyError: a run holds the lake.
    """
    contract = project.contracts[dataset]
    waived = quarantine.waive(
        project.lake, contract, by=by, why=why, ids=ids, reason=reason, everything=everything
    )
    file = project.lake.root / project.settings.lineage_file
    with Emitter(file, project.settings.lake_name) as lineage:
        step = steps.waive_step(contract, core_ids.new_id(), Waiver(waived, by, why))
        lineage.emit(step, State.COMPLETE)
    return waived
