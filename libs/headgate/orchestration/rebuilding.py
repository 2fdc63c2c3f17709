"""Rebuilding: a table made anew in the shape of today's contract, from its rows or by its model."""

from __future__ import annotations

from headgate.contracts.diff import Change, renames
from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.core.errors import NotFoundError, UsageError
from headgate.ingest.stored import again
from headgate.lake.snapshot import Snapshot
from headgate.orchestration import curating
from headgate.orchestration.auditing import judge_stored
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.order import downstream
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run_with
from headgate.quality import evolution


def rebuild(project: Project, dataset: str, *, progress: Progress | None = None) -> RunReport:
    """Make the table of ``dataset`` anew under today's contract; build and release what follows.

    A source's rows are taken from its table: values are cast where nothing is lost by it, rows that
    do not fit are set aside, and the version before stays in the table's history. A model is built
    in full. Either way one commit replaces the whole table.

    Raises:
        UsageError: the dataset is Headgate's own.
        NotFoundError: the table was never written.
        RefusedError: too many rows do not fit; the table is as it was.
    """
    contract = project.contracts[dataset]
    if not contract.source and not contract.curated:
        raise UsageError(f"{dataset} is written by Headgate itself.", remedy="Leave it alone.")
    if project.lake.snapshot(dataset) is None:
        raise NotFoundError(
            f"{dataset} was never written.", remedy="There is nothing to rebuild: headgate run"
        )

    def work(context: RunContext) -> list[str]:
        if contract.source:
            _from_rows(context, contract)
        return []

    graph = curating.graph_of(project)
    return run_with(
        project, work, selected={dataset, *downstream(graph, [dataset])}, progress=progress,
        command=f"rebuild {dataset}", rebuilding=[dataset],
    )  # fmt: skip


def _from_rows(context: RunContext, contract: Contract) -> None:
    """One batch that replaces a source's table by its own rows."""
    base = context.session.snapshot(contract.id)
    assert base is not None
    context.progress.step(contract.id, f"rebuilding from {base.rows} stored rows")
    renamed = _renamed(context, contract, base)
    judge_stored(
        context,
        contract,
        base,
        lambda judging, started: again.rebuild(judging, renamed, started=started),
    )


def _renamed(context: RunContext, contract: Contract, base: Snapshot) -> dict[str, str]:
    """Old names of columns to new ones, as far as the old contract is known."""
    assert base.meta is not None
    before = evolution.earlier(context.project.lake, contract, base.meta.contract_hash)
    if isinstance(before, Change):
        return {}
    return renames(before, from_document(contract.path, contract.document))
