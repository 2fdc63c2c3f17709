"""The gate: judges a staged batch against its contract, and only then lets it through the door.

Readers and models stage rows and say what they set aside; everything that follows is the same for
all of them: limits, table rules over the candidate table, quarantine first, then the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock, failpoints
from headgate.lake import attempts, kept
from headgate.lake.commit import commit
from headgate.lake.deletes import Deletes
from headgate.lake.engines.duckdb import Connection
from headgate.lake.merge import Plan
from headgate.lake.meta import CommitMeta
from headgate.lake.offsets import Span
from headgate.lake.session import Session
from headgate.lake.snapshot import DataFile, Snapshot, relation
from headgate.lake.stage import StagedFile
from headgate.quality import evolution, quarantine, unwritten
from headgate.quality.late import late
from headgate.quality.outcome import BatchOutcome
from headgate.quality.table_rules import Growth, judge_table, judge_warn_rows, row_result
from headgate.quality.verdict import RuleResult, Verdict


@dataclass(frozen=True)
class Batch:
    """What a batch is: one file, replay or model run, for one dataset.

    ``limited``: too large a share of rows set aside refuses the batch. ``spans`` are the parts of a
    stream that it is of, by place.
    """

    contract: Contract
    batch_id: str
    kind: str
    mode: str
    source: str
    content_hash: str
    code_hash: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)
    limited: bool = True
    started: float = field(default_factory=clock.monotonic)


@dataclass
class Intake:
    """What was read and what became of it before the gate.

    ``staged`` hold rows that broke no row rule; ``breaches`` counts rows by row rule, and
    ``reading`` by reason of the reader; ``deduplicated`` are repeats within the batch.
    ``control_total`` is how many records the source says it has (None: it does not say) and how
    many it has; ``withheld`` records could not be read, so that nothing is deleted for absence.
    """

    read: int
    staged: list[StagedFile]
    refused_rows: quarantine.Writer
    deduplicated: int = 0
    breaches: dict[str, int] = field(default_factory=dict)
    reading: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    repeated_keys: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
    control_total: tuple[int | None, int] | None = None
    deletes: Deletes | None = None
    withheld: int = 0

    @property
    def quarantined(self) -> int:
        """Rows set aside."""
        return self.refused_rows.rows


Planner = Callable[[Snapshot | None], Plan]
#: An outcome with what the ledger needs to know of it.
Entry = tuple[BatchOutcome, CommitMeta]


def share_limit(session: Session, contract: Contract) -> float:
    """The share of a batch's rows beyond which the batch is refused."""
    own = contract.max_quarantine_share
    return session.settings.max_quarantine_share if own is None else own


def publish(
    session: Session,
    con: Connection,
    batch: Batch,
    intake: Intake,
    plan: Planner,
    *,
    parents: Mapping[str, str] | None = None,
    supersedes: bool = False,
    before_commit: Callable[[], None] | None = None,
) -> Entry:
    """Judge the batch and commit it, or refuse it and leave the table as it was.

    ``plan`` says, for a table's snapshot, what to add and remove; it is asked again when another
    writer committed first. ``supersedes``: open quarantined rows of earlier deliveries of the
    same source are closed.

    Returns the outcome and the commit's own account, refused or not; the caller enters it.

    Raises:
        ContractError: the table's rows were not judged by what the contract demands now.
        ConflictError: others kept committing first.
        LakeError: the lake could not be written; the table is as it was.
    """
    intake.refused_rows.flush()
    work = _Publishing(session, con, batch, intake, plan, parents or {}, before_commit)
    key = session.lake.key(batch.contract.id)
    outcome, meta = attempts.again(session.lake, key, work.once)
    if supersedes and outcome.version is not None:
        quarantine.supersede(
            session, session.con, batch.contract, batch.source, batch.content_hash, meta
        )
    return outcome, meta


@dataclass
class _Publishing:
    """One batch on its way through the door, which it may have to try more than once."""

    session: Session
    con: Connection
    batch: Batch
    intake: Intake
    plan: Planner
    parents: Mapping[str, str]
    before_commit: Callable[[], None] | None
    tried: bool = False
    set_aside: bool = False

    def once(self) -> Entry:
        """Plan, judge and commit on the table as it is now.

        Raises:
            ConflictError: the table moved on meanwhile.
        """
        session, batch, contract = self.session, self.batch, self.batch.contract
        base = session.refresh(contract.id) if self.tried else session.snapshot(contract.id)
        self.tried = True
        evolution.demand(session, base, contract)
        planned = self.plan(base)
        whole = batch.mode == "replace" and contract.id in session.rebuilding
        judged = None if whole else base
        verdict = _judge(session, self.con, batch, self.intake, judged, planned, self.parents)
        failpoints.reach("gate.judged")
        began = self._began(base, planned)
        meta = _meta(session, batch, self.intake, planned, verdict, began)
        if verdict.outcome == "refused":
            return _outcome(batch, meta, None, verdict), meta
        if self.before_commit:
            self.before_commit()
        if not self.set_aside:
            # Once: the staged rows lie in the quarantine's own folder afterwards.
            quarantine.put(session, session.con, contract, self.intake.refused_rows.files, meta)
            self.set_aside = True
        kept.keep(session.lake, contract)
        snapshot = commit(
            session.lake, contract.id, base=base, columns=contract.table_columns,
            add=planned.add, remove=planned.remove, meta=meta, key=contract.key, whole=whole,
            spans=batch.spans,
        )  # fmt: skip
        session.advance(snapshot)
        return _outcome(batch, snapshot.meta or meta, snapshot.version, verdict), meta

    def _began(self, base: Snapshot | None, planned: Plan) -> dict[str, Any]:
        """What the batch found there: the version that it began from, and days of its rows."""
        if base is None:
            return {}
        told: dict[str, Any] = {"after": base.content_version}
        if planned.tombstoned:
            told["tombstoned"] = planned.tombstoned
        if self.batch.kind in ("ingest", "replay"):
            staged, con = self.intake.staged, self.con
            came = late(con, self.batch.contract, base, staged, planned.inserted)
            told |= {"late": came} if came else {}
        return told


def _judge(
    session: Session,
    con: Connection,
    batch: Batch,
    intake: Intake,
    base: Snapshot | None,
    planned: Plan,
    parents: Mapping[str, str],
) -> Verdict:
    contract = batch.contract
    share = share_limit(session, contract) if batch.limited else None
    results = [*_row_results(contract, intake), *unwritten.judge(contract, intake, share)]
    if not any(r.severity == "fail" and not r.passed for r in results):
        columns = {**contract.table_columns, **(base.columns if base else {})}
        gone = {f.path for f in planned.remove}
        kept = [f for f in base.files if f.path not in gone] if base else []
        added = [f.as_data_file() if isinstance(f, StagedFile) else f for f in planned.add]
        candidate: list[DataFile] = [*kept, *added]
        results += judge_table(
            con, contract, relation(candidate, columns), own_rows=session.settings.gx_max_rows,
            growth=_growth(contract, base, relation(added, columns)) if kept else None,
        )  # fmt: skip
        staged = relation([f.as_data_file() for f in intake.staged], contract.table_columns)
        results += judge_warn_rows(con, contract, staged, parents)
    refused = any(r.severity == "fail" and not r.passed for r in results)
    quarantined = "published_with_quarantine" if intake.quarantined else "published"
    return Verdict(
        contract.id, batch.batch_id, "refused" if refused else quarantined, tuple(results)
    )


def _growth(contract: Contract, base: Snapshot | None, added: str) -> Growth | None:
    """How the candidate grew out of a table that this very contract judged; else None."""
    meta = base.meta if base else None
    if meta is None or meta.contract_hash != contract.hash:
        return None
    clean = {str(v["rule_id"]) for v in meta.verdicts if v["passed"] and not v["breaches"]}
    return Growth(added, frozenset(clean))


def _row_results(contract: Contract, intake: Intake) -> list[RuleResult]:
    """Row rules of severity quarantine and fail; a rule nobody broke was held by every row."""
    return [
        row_result(rule, intake.breaches.get(rule.id, 0), intake.read)
        for rule in contract.row_rules
        if rule.severity != "warn"
    ]


def _meta(
    session: Session,
    batch: Batch,
    intake: Intake,
    planned: Plan,
    verdict: Verdict,
    began: Mapping[str, Any],
) -> CommitMeta:
    refused = verdict.outcome == "refused"
    return CommitMeta(
        batch_id=batch.batch_id,
        run_id=session.run_id,
        dataset=batch.contract.id,
        kind=batch.kind,
        mode=batch.mode,
        source=batch.source,
        content_hash=batch.content_hash,
        contract_version=batch.contract.version,
        contract_hash=batch.contract.hash,
        committed_at=clock.now(),
        read=intake.read,
        published=0 if refused else planned.inserted + planned.updated,
        quarantined=0 if refused else intake.quarantined,
        deduplicated=0 if refused else intake.deduplicated + planned.same,
        refused=intake.read if refused else 0,
        code_hash=batch.code_hash,
        outcome="refused" if refused else "published",
        inputs=dict(batch.inputs),
        verdicts=tuple(
            # Flat already: dataclasses.asdict would copy every value.
            {k: v for k, v in vars(r).items() if k != "detail"}
            for r in verdict.results
        ),
        detail={
            **batch.detail,
            **began,
            "inserted": planned.inserted,
            "updated": planned.updated,
            "deleted": planned.deleted,
        },
        engine=session.engine_name(batch.contract),
    )


def _outcome(batch: Batch, meta: CommitMeta, version: int | None, verdict: Verdict) -> BatchOutcome:
    return BatchOutcome(
        dataset=meta.dataset,
        batch_id=meta.batch_id,
        source=meta.source,
        outcome=meta.outcome,
        read=meta.read,
        published=meta.published,
        quarantined=meta.quarantined,
        deduplicated=meta.deduplicated,
        refused=meta.refused,
        version=version,
        seconds=clock.monotonic() - batch.started,
        problems=tuple(problems(verdict)),
        verdict=verdict,
    )


def problems(verdict: Verdict) -> Sequence[str]:
    """A sentence for each rule that refused the batch."""
    return [
        f"{r.rule_id}: expected {r.expected}, found {r.observed}."
        + (f" {r.detail}" if r.detail and r.detail not in (r.observed or "") else "")
        for r in verdict.results
        if r.severity == "fail" and not r.passed
    ]
