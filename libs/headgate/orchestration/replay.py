"""Replaying quarantine: refused rows judged again by today's contract, as a batch like any other."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.core.errors import NotFoundError, UsageError
from headgate.orchestration import curating
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.order import downstream
from headgate.orchestration.project import Project
from headgate.orchestration.replaying import replay_in
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run_with
from headgate.quality import quarantine


def replay(
    project: Project,
    dataset: str,
    *,
    ids: Sequence[str] | None = None,
    reason: str | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Judge open refused rows of ``dataset`` again; build and release what follows from them.

    Rows that now pass are merged by key and become ``replayed``; the others stay open, with the
    reasons of today. All open rows are meant unless ``ids`` or a ``reason`` code say which.

    Raises:
        UsageError: the dataset is a model's: its rows come back when the model is built.
        NotFoundError: no open row is meant.
    """
    contract = project.contracts[dataset]
    if not contract.source:
        raise UsageError(
            f"{dataset} is built by a model: its refused rows are judged again when it is built.",
            remedy=f"Mend the contract or the model, then `headgate run --select {dataset}+`.",
        )
    rows = quarantine.list_rows(project.lake, contract, limit=None, reason=reason, ids=ids)
    if not rows:
        raise NotFoundError(f"no open row of {dataset} matches.")
    if all(quarantine.is_whole_file(r) for r in rows):
        raise UsageError(
            f"{rows[0].source} was set aside as a whole ({rows[0].reasons[0]['code']}): "
            "quarantine has nothing of it to replay.",
            remedy="Raise the setting that its reason names, or deliver the file in another form, "
            "then `headgate run`: it takes the file again.",
        )
    graph = curating.graph_of(project)
    selected = {dataset, *downstream(graph, [dataset])}

    def work(context: RunContext) -> list[str]:
        again = quarantine.list_rows(project.lake, contract, limit=None, reason=reason, ids=ids)
        replay_in(context, contract, [r for r in again if not quarantine.is_whole_file(r)])
        return []

    return run_with(
        project, work, selected=selected, progress=progress, command=f"quarantine replay {dataset}"
    )
