"""What a step of a run tells lineage: frozen dataclasses, made without importing OpenLineage."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from headgate.contracts.model import Contract
from headgate.contracts.protection import RESCUED, of_column, raw
from headgate.lineage import names
from headgate.lineage.change import Change, Release, Waiver

if TYPE_CHECKING:
    from headgate.lineage.columns import ColumnLineage


class State(StrEnum):
    """Where a step is: it starts once, and ends once in one of the other three."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"
    ABORT = "ABORT"


class ColumnInput(NamedTuple):
    """A column that another is made from; the words are OpenLineage's.

    ``dataset`` is a dataset id or a declared source; ``subtype`` is IDENTITY, TRANSFORMATION or
    AGGREGATION for DIRECT, and JOIN, GROUP_BY, FILTER, SORT, WINDOW or CONDITIONAL for INDIRECT.
    """

    dataset: str
    column: str
    type: Literal["DIRECT", "INDIRECT"] = "DIRECT"
    subtype: str = "TRANSFORMATION"


@dataclass(frozen=True)
class Statistics:
    """What was read from an input or written to an output; None where unknown."""

    rows: int | None = None
    bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True)
class Assertion:
    """One rule's result. ``breaches`` counts rows; ``sql`` is the rule's own text, if it has one."""

    rule_id: str
    kind: str
    passed: bool
    severity: str
    column: str | None = None
    scope: str = "row"
    breaches: int = 0
    expected: str = ""
    observed: str | None = None
    description: str = ""
    sql: str | None = None


class Judged(Protocol):
    """A rule's result as the gate has it; :func:`assertions` reads it."""

    @property
    def rule_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def column(self) -> str | None: ...
    @property
    def scope(self) -> str: ...
    @property
    def passed(self) -> bool: ...
    @property
    def breaches(self) -> int: ...
    @property
    def observed(self) -> str | None: ...
    @property
    def expected(self) -> str: ...


@dataclass(frozen=True)
class DatasetRef:
    """A dataset or declared source as a step sees it.

    ``id`` is a dataset id, or with ``is_source`` the name of a declared source. ``columns`` maps
    column to type. ``path`` is where the table lies. ``locations`` are the parts that were read
    or written when it was not all: files of a source, the staged batch of a dataset.
    ``column_tags`` maps column to key to value. ``change`` is what made that version; ``waiver`` what
    was decided about its refused rows.
    """

    id: str
    is_source: bool = False
    version: int | None = None
    path: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    column_descriptions: Mapping[str, str] = field(default_factory=dict)
    column_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    owner: str = ""
    format: str = ""
    locations: tuple[str, ...] = ()
    statistics: Statistics | None = None
    change: Change | None = None
    waiver: Waiver | None = None

    @classmethod
    def of(
        cls,
        contract: Contract,
        *,
        version: int | None = None,
        path: str | PurePath | None = None,
        locations: Sequence[str] = (),
        statistics: Statistics | None = None,
        change: Change | None = None,
        waiver: Waiver | None = None,
    ) -> DatasetRef:
        """The dataset that ``contract`` describes, at ``version`` (None while only staged)."""
        return cls(
            id=contract.id,
            version=version,
            path=None if path is None else str(path),
            columns=contract.table_columns,
            column_descriptions={c.name: c.description for c in contract.columns},
            column_tags=column_tags(contract),
            tags={"contract_version": contract.version, "contract_hash": contract.hash},
            description=contract.description,
            owner=contract.owner,
            format="delta",
            locations=tuple(locations),
            statistics=statistics,
            change=change,
            waiver=waiver,
        )

    @classmethod
    def source_of(
        cls, contract: Contract, *, files: Sequence[str] = (), statistics: Statistics | None = None
    ) -> DatasetRef:
        """The declared source of an ingested dataset; ``files`` are those taken this time.

        Raises:
            UsageError: the dataset has no source.
        """
        name = names.source(contract)
        return cls(
            id=name,
            is_source=True,
            columns={c.field: "" for c in contract.columns},
            description=f"What {contract.id} is taken from.",
            owner=contract.owner,
            format=contract.source.format if contract.source else "",
            locations=tuple(files),
            statistics=statistics,
        )


@dataclass(frozen=True)
class Caller:
    """A run of somebody else's job that called for a step of ours, and the root above it.

    In Airflow the task, by try, and the DAG run; ``root_namespace`` is ``namespace`` if empty.
    """

    namespace: str
    job: str
    run_id: str
    root_job: str
    root_run_id: str
    root_namespace: str = ""


@dataclass(frozen=True)
class Step:
    """One execution of one job: everything that its events tell.

    ``kind`` and ``dataset`` name the job (see :mod:`headgate.lineage.names`). ``assertions`` are
    carried by the staged batch among the inputs: the input whose id is an output's, or the only
    one. ``column_lineage`` belongs to the only output: output column to what it is made from;
    ``row_lineage`` are columns that decide which rows there are (filters, joins, grouping).
    ``tags`` are facts of this execution, such as its batch id and accounting. ``sql`` or ``code``
    (Python) is what its job does. ``release`` is what it published. ``caller`` is who outside called
    for it, and is its parent then instead of the run.
    """

    kind: str
    run_id: str
    dataset: str | None = None
    parent_run_id: str | None = None
    inputs: tuple[DatasetRef, ...] = ()
    outputs: tuple[DatasetRef, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    column_lineage: Mapping[str, Sequence[ColumnInput]] = field(default_factory=dict)
    row_lineage: tuple[ColumnInput, ...] = ()
    tags: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    description: str = ""
    owner: str = ""
    sql: str | None = None
    code: str | None = None
    release: Release | None = None
    nominal_start: datetime | None = None
    error: str | None = None
    caller: Caller | None = None

    @property
    def job(self) -> str:
        """The job's name.

        Raises:
            UsageError: there is no such job.
        """
        return names.job(self.kind, self.dataset)


def run_step(run_id: str, *, started: datetime | None = None) -> Step:
    """The run itself, parent of all its other steps."""
    return Step(
        names.RUN, run_id, nominal_start=started,
        description="One run of the lake: takes what is new, judges, builds, releases.",
    )  # fmt: skip


def ingest_step(
    contract: Contract, run_id: str, batch_id: str, *, files: Sequence[str] = ()
) -> Step:
    """Reading one batch from a dataset's declared source and staging it.

    Its output is the dataset itself without a version: the staged batch is a part of the dataset
    that is not committed yet, not a dataset of its own.
    """
    return Step(
        kind=names.INGEST,
        run_id=names.run_id(run_id, names.job(names.INGEST, contract.id), batch_id),
        dataset=contract.id,
        parent_run_id=run_id,
        inputs=(DatasetRef.source_of(contract, files=files),),
        outputs=(DatasetRef.of(contract, locations=(staged(batch_id),)),),
        column_lineage=source_columns(contract),
        tags={"batch_id": batch_id},
        description=f"Reads the declared source of {contract.id} and stages a batch.",
        owner=contract.owner,
    )


def build_step(
    contract: Contract,
    run_id: str,
    batch_id: str,
    *,
    inputs: Sequence[DatasetRef] = (),
    sql: str | None = None,
    code: str | None = None,
) -> Step:
    """Building one batch of a curated dataset from the datasets it reads, and staging it.

    ``sql`` is the model's definition, ``code`` the transform's. Where its columns come from,
    :func:`traced` adds.
    """
    by = f"dbt model {contract.model}" if contract.model else f"transform {contract.transform}"
    return Step(
        kind=names.BUILD,
        run_id=names.run_id(run_id, names.job(names.BUILD, contract.id), batch_id),
        dataset=contract.id,
        parent_run_id=run_id,
        inputs=tuple(inputs),
        outputs=(DatasetRef.of(contract, locations=(staged(batch_id),)),),
        tags={"batch_id": batch_id},
        description=f"Builds {contract.id} by the {by} and stages a batch.",
        owner=contract.owner,
        sql=sql,
        code=code,
    )


def traced(step: Step, lineage: ColumnLineage | None, contracts: Mapping[str, Contract]) -> Step:
    """The step with where the columns of its output come from, if that is known.

    A dataset that the definition reads is an input also while it has no version yet.
    """
    if lineage is None:
        return step
    named = {i.dataset for inputs in lineage.columns.values() for i in inputs}
    named |= {i.dataset for i in lineage.rows}
    named -= {ref.id for ref in (*step.inputs, *step.outputs)}
    return dataclasses.replace(
        step,
        inputs=(*step.inputs, *(DatasetRef.of(contracts[d]) for d in sorted(named))),
        column_lineage=lineage.columns,
        row_lineage=lineage.rows,
    )


def replay_step(contract: Contract, run_id: str, batch_id: str) -> Step:
    """Judging rows of a dataset's quarantine anew: the dataset is its own input."""
    return Step(
        kind=names.REPLAY,
        run_id=names.run_id(run_id, names.job(names.REPLAY, contract.id), batch_id),
        dataset=contract.id,
        parent_run_id=run_id,
        inputs=(DatasetRef.of(contract, locations=("quarantine",)),),
        outputs=(DatasetRef.of(contract, locations=(staged(batch_id),)),),
        tags={"batch_id": batch_id},
        description=f"Takes rows of {contract.id} out of quarantine and stages them as a batch.",
        owner=contract.owner,
    )


def stored_step(contract: Contract, run_id: str, batch_id: str) -> Step:
    """Judging a dataset's stored rows anew: the dataset is its own input."""
    step = replay_step(contract, run_id, batch_id)
    return dataclasses.replace(
        step,
        inputs=(DatasetRef.of(contract),),
        description=f"Judges the stored rows of {contract.id} anew and stages them as a batch.",
    )


def gate_step(
    contract: Contract,
    run_id: str,
    batch_id: str,
    *,
    parents: Sequence[DatasetRef] = (),
) -> Step:
    """Judging one staged batch and committing what passed; ``parents`` are looked up by keys.

    The input that carries the assertions is the staged batch, named as the dataset itself; the
    output is the dataset at the version that was committed.
    """
    return Step(
        kind=names.GATE,
        run_id=names.run_id(run_id, names.job(names.GATE, contract.id), batch_id),
        dataset=contract.id,
        parent_run_id=run_id,
        inputs=(DatasetRef.of(contract, locations=(staged(batch_id),)), *parents),
        outputs=(DatasetRef.of(contract),),
        tags={"batch_id": batch_id},
        description=f"Judges a staged batch of {contract.id} by its contract and commits it.",
        owner=contract.owner,
    )


def waive_step(contract: Contract, run_id: str, waiver: Waiver) -> Step:
    """Letting refused rows of a dataset stay out; it writes nothing that anybody reads."""
    return Step(
        kind=names.WAIVE,
        run_id=run_id,
        dataset=contract.id,
        inputs=(DatasetRef.of(contract, locations=("quarantine",), waiver=waiver),),
        description=f"Says that refused rows of {contract.id} are not needed.",
        owner=contract.owner,
    )


def release_step(
    run_id: str, versions: Mapping[str, int], changes: Mapping[str, Change] | None = None
) -> Step:
    """Publishing a release: the versions that readers see from now on, by dataset.

    The datasets are inputs only: a release writes none of them, it points at them. ``changes`` are
    what made those versions, where it is known.
    """
    made = changes or {}
    refs = tuple(
        DatasetRef(dataset, version=v, change=made.get(dataset))
        for dataset, v in sorted(versions.items())
    )
    return Step(
        kind=names.RELEASE,
        run_id=names.run_id(run_id, names.RELEASE),
        parent_run_id=run_id,
        inputs=refs,
        description="Makes committed versions visible to readers, all at once.",
    )


def column_tags(contract: Contract) -> dict[str, dict[str, str]]:
    """What protects each column, and where the flow of what it is made from ends by declaration."""
    tags: dict[str, dict[str, str]] = {}
    rescued = {RESCUED: raw(contract)} if RESCUED in contract.table_columns else {}
    for name, own in ({c.name: of_column(c) for c in contract.columns} | rescued).items():
        tags[name] = {"classification": own.classification}
        if own.personal:
            tags[name]["personal_data"] = "true"
    for column in contract.columns:
        if column.anonymized:
            tags[column.name]["anonymized"] = column.anonymized
        if column.anonymized_of:
            tags[column.name]["anonymized_of"] = ", ".join(column.anonymized_of)
    return tags


def staged(batch_id: str) -> str:
    """The location of a batch that is staged: the part of a dataset that is not committed yet."""
    return f"staged:{batch_id}"


def source_columns(contract: Contract) -> dict[str, tuple[ColumnInput, ...]]:
    """Column lineage of ingest, from the contract's own mapping of fields to columns."""
    name = names.source(contract)
    return {c.name: (ColumnInput(name, c.field, "DIRECT", "IDENTITY"),) for c in contract.columns}


def assertions(results: Iterable[Judged], contract: Contract) -> tuple[Assertion, ...]:
    """The gate's results as assertions, with each rule's description and text from the contract."""
    rules = {rule.id: rule for rule in contract.rules}
    found = []
    for result in results:
        rule = rules.get(result.rule_id)
        text = (rule.arguments.get("sql") or rule.arguments.get("query")) if rule else None
        found.append(
            Assertion(
                rule_id=result.rule_id,
                kind=result.kind,
                passed=result.passed,
                severity=result.severity,
                column=result.column,
                scope=result.scope,
                breaches=result.breaches,
                expected=result.expected,
                observed=result.observed,
                description=rule.description if rule else "",
                sql=None if text is None else str(text),
            )
        )
    return tuple(found)
