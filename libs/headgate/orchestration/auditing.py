"""Auditing: a table's stored rows judged anew by today's contract, and set aside if somebody says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from headgate.contracts.diff import BREAKING, Change, gravest
from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core.errors import NotFoundError, RefusedError, UsageError
from headgate.ingest.stored import again
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lineage import steps
from headgate.orchestration import curating
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.order import downstream
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run_with
from headgate.quality import evolution
from headgate.quality import failing as failing_rows
from headgate.quality.gate import Entry
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import compile_row_rules
from headgate.quality.table_rules import judge_table
from headgate.quality.verdict import RuleResult


@dataclass(frozen=True)
class AuditReport:
    """What a table's rows are by today's contract.

    ``version`` and ``rows`` are the table's, ``changes`` what changed since it was committed,
    ``results`` what each rule found, ``keys`` of some rows that break each broken row rule.
    """

    dataset: str
    version: int
    rows: int
    changes: tuple[Change, ...]
    results: tuple[RuleResult, ...]
    keys: Mapping[str, tuple[tuple[str, ...], ...]]

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        """The rules that stored rows break, of whatever severity."""
        return tuple(r for r in self.results if not r.passed)

    @property
    def exit_code(self) -> int:
        """0 if all rows hold what keeps rows out, else 1."""
        return 1 if any(r.severity != "warn" for r in self.broken) else 0


def audit(
    project: Project, dataset: str, *, limit: int = 5, keys: Path | None = None
) -> AuditReport:
    """Judge every stored row of ``dataset``; nothing is changed. ``limit`` keys are told a rule.

    ``keys`` is a file (.parquet, .csv, .jsonl) to write every failing row's key to, with the
    rules that it breaks.

    Raises:
        NotFoundError: the table was never written.
        UsageError: ``keys`` has another ending, or cannot be written.
        ContractError: the table has another shape than the contract, or a rule cannot be judged.
    """
    contract = project.contracts[dataset]
    if keys:
        failing_rows.check(keys)
    with connect(project.settings) as con:
        session = Session(project.lake, con, ids.new_id())
        snapshot = _auditable(session, contract)
        changes = evolution.changes(project.lake, snapshot, contract)
        rows = relation(snapshot.files, {**snapshot.columns, **contract.table_columns})
        parents = parent_keys(session, con, contract)
        rules = compile_row_rules(contract, parents=parents)
        with TemporaryDirectory(dir=project.lake.staging(session.run_id)) as folder:
            file = Path(folder) / "failing.parquet"
            if rules:
                failing_rows.write(con, contract, rules, rows, file)
                results = failing_rows.results(con, rules, file, snapshot.rows)
                found = failing_rows.examples(con, contract, file, limit)
                if keys:
                    failing_rows.export(con, file, keys)
            else:
                results, found = (), {}
        return AuditReport(
            dataset, snapshot.version, snapshot.rows, changes,
            (*results, *judge_table(con, contract, rows)), found,
        )  # fmt: skip


def settle(project: Project, dataset: str, *, progress: Progress | None = None) -> RunReport:
    """Set the stored rows aside that break today's contract, in one gated commit, and take the
    contract for the table's from then on; build and release what follows.

    Raises:
        UsageError: the dataset is a model's: it is judged as it is built.
        NotFoundError, ContractError: as :func:`audit`.
        RefusedError: stored rows break a rule that refuses whole batches, or too many rows break
            the others; the table is as it was.
    """
    contract = project.contracts[dataset]
    if not contract.source:
        raise UsageError(
            f"{dataset} is built by a model: its rows are judged whenever it is built.",
            remedy=f"Use `headgate rebuild {dataset}`.",
        )

    def work(context: RunContext) -> list[str]:
        _settle(context, contract)
        return []

    graph = curating.graph_of(project)
    return run_with(
        project, work, selected={dataset, *downstream(graph, [dataset])}, progress=progress,
        command=f"audit {dataset} --apply", rebuilding=[dataset],
    )  # fmt: skip


def _settle(context: RunContext, contract: Contract) -> None:
    snapshot = _auditable(context.session, contract)
    context.progress.step(contract.id, f"judging {snapshot.rows} stored rows")
    judge_stored(context, contract, snapshot, again.audit)


def judge_stored(
    context: RunContext,
    contract: Contract,
    base: Snapshot,
    judge: Callable[[again.Judging, float], Entry],
) -> None:
    """Take stored rows through the gate, as one batch; ``judge`` is told when it started.

    Raises:
        RefusedError: the rows were left as they are; the batch is in the ledger all the same.
    """
    batch_id, started, session = ids.new_id(), clock.monotonic(), context.session
    with context.lineage.running(steps.stored_step(contract, context.run_id, batch_id)):
        outcome = context.through_gate(
            contract,
            batch_id,
            lambda: judge(again.begin(session, contract, base, batch_id), started),
        )
    if outcome.outcome == "refused":
        _refuse(context, contract, outcome.problems)


def _refuse(context: RunContext, contract: Contract, problems: tuple[str, ...]) -> None:
    con, project = context.session.con, context.project
    ledger.record(con, project.lake, project.contracts, context.accounts, context.run_id)
    raise RefusedError(
        f"{contract.id} was left as it is: {' '.join(problems)}",
        remedy="Loosen the rule to warn or quarantine, or raise headgate.maxQuarantineShare.",
    )


def _auditable(session: Session, contract: Contract) -> Snapshot:
    snapshot = session.snapshot(contract.id)
    if snapshot is None:
        raise NotFoundError(
            f"{contract.id} was never written.", remedy="There is nothing to judge: headgate run"
        )
    found = evolution.changes(session.lake, snapshot, contract)
    if gravest(found) == BREAKING:
        raise evolution.error(found, contract)
    return snapshot
