"""Replaying quarantine: refused rows judged again by today's contract, as a batch like any other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core.errors import NotFoundError, UsageError
from headgate.ingest.replay import replay_rows
from headgate.lineage import steps
from headgate.orchestration import curating
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.order import downstream
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run_with
from headgate.quality import quarantine
from headgate.quality.quarantine import QuarantinedRow


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
    graph = curating.graph_of(project)
    selected = {dataset, *downstream(graph, [dataset])}

    def work(context: RunContext) -> list[str]:
        again = quarantine.list_rows(project.lake, contract, limit=None, reason=reason, ids=ids)
        for _, group in groupby(again, key=lambda r: (r.source, r.content_hash)):
            _replay_one(context, contract, list(group))
        return []

    return run_with(
        project, work, selected=selected, progress=progress, command=f"quarantine replay {dataset}"
    )


def _replay_one(context: RunContext, contract: Contract, rows: list[QuarantinedRow]) -> None:
    """Rows of one delivery, as one batch."""
    batch_id, started = ids.new_id(), clock.monotonic()
    context.progress.step(contract.id, f"replaying {len(rows)} rows of {rows[0].source}")
    step = steps.replay_step(contract, context.run_id, batch_id)
    with context.lineage.running(step):
        context.through_gate(
            contract,
            batch_id,
            lambda: replay_rows(context.session, contract, rows, batch_id=batch_id, started=started),
        )
