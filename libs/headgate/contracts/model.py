"""What a contract is once loaded: frozen dataclasses that every other room reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from headgate.contracts.names import DatasetName
from headgate.core.errors import ContractError, UsageError

SEVERITIES = ("warn", "quarantine", "fail")
#: What may judge and write a table's rows.
ENGINES = ("duckdb", "spark")
#: What stands for a day in the path of a source.
DATE = "{date}"
#: Columns that ingest adds to every row it takes, and their types.
INGEST_COLUMNS = {
    "_rescued": "json",
    "_source": "string",
    "_position": "long",
    "_batch_id": "string",
    "_ingested_at": "timestamp",
}


#: What a row of a stream is known by: topic and partition, and the offset there.
PLACE = ("_source", "_position")


@dataclass(frozen=True)
class Column:
    """One column: its name, type, meaning and class.

    ``type`` is a column type of :mod:`headgate.contracts.types`; ``field`` is what the source
    calls it (or a path, see :mod:`headgate.contracts.mapping`); ``key_position`` counts from 1
    within the primary key, else None. ``accepts_numbers``: a text column takes a JSON number as
    its digits. ``of_delivery``: the value tells of the delivery, so that two rows that differ in
    nothing else are the same row. ``anonymized`` says in words how the derivation ends the flow of
    what it is made from: of the inputs in ``anonymized_of``, of all if there are none.
    ``unmasked_for`` is the least role that pages show its values to; empty: its class decides.
    """

    name: str
    type: str
    description: str
    classification: str
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    personal: bool = False
    field: str = ""
    examples: tuple[Any, ...] = ()
    business_name: str = ""
    accepts_numbers: bool = False
    of_delivery: bool = False
    anonymized: str = ""
    anonymized_of: tuple[str, ...] = ()
    unmasked_for: str = ""


@dataclass(frozen=True)
class Rule:
    """One promise about the data, flattened from whatever ODCS form it was written in.

    ``id`` is unique and stable within the contract; ``scope`` is ``row`` or ``table``;
    ``severity`` is ``warn``, ``quarantine`` (row rules only) or ``fail``; ``place`` is the
    contract's file and the pointer inside it.
    """

    id: str
    kind: str
    scope: str
    severity: str
    column: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    dimension: str = ""
    place: str = ""


@dataclass(frozen=True)
class Promise:
    """A promise in words alone: shown to readers, judged by nobody, never counted as held."""

    text: str
    column: str | None = None
    dimension: str = ""
    place: str = ""


@dataclass(frozen=True)
class SourceSpec:
    """Where a dataset's rows come from: a file format, and the path taken when none is given."""

    format: str
    path: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dated(self) -> bool:
        """Whether it comes in a file or folder a day, so that single days can be taken."""
        return self.path is not None and DATE in self.path


@dataclass(frozen=True)
class StreamSpec:
    """The stream that a dataset is taken from, message by message: its table appends, and a row is
    known by its place (``_source``: topic and partition, ``_position``: offset).

    ``codec`` is how a message's value is written: json, avro or protobuf. With ``envelope`` each
    record is an object of the message's ``topic``, ``partition``, ``offset``, ``timestamp``, ``key``,
    ``headers`` and ``value``, so that columns can be taken from all of them.
    """

    topic: str
    codec: str = "json"
    envelope: bool = False


@dataclass(frozen=True)
class LiveSpec:
    """How windows are kept up to date while messages come, in place of waiting for a run.

    A window is closed once the newest ``event_time`` of what the stream brought, less the watermark,
    has passed its end: ``window_start`` and so many minutes as ``window_minutes`` says.
    """

    watermark_seconds: int
    event_time: str
    window_start: str
    window_minutes: str


@dataclass(frozen=True)
class Delivery:
    """What a delivery of a source is.

    ``snapshot``: it holds all rows, or all those of the values of ``scope`` columns that occur in
    it, so that rows of the table which it lacks are deleted. ``tombstone`` is an SQL condition
    over a row: where it holds, the row says that the row of its key is deleted.
    """

    snapshot: bool = False
    scope: tuple[str, ...] = ()
    tombstone: str | None = None


@dataclass(frozen=True)
class Timing:
    """When a dataset is made, and how often a task that makes it is tried again, and after how long.

    ``schedule`` is what the contract says, if anything: a cron line, one of its words, or manual.
    """

    schedule: str | None = None
    timezone: str = "UTC"
    retries: int = 3
    retry_minutes: float = 1.0


@dataclass(frozen=True)
class Contract:
    """One dataset's contract. ``document`` is the ODCS document as written; ``hash`` names it,
    ``substance`` that of it which rows depend on.

    Its rows come from a ``source``, or are made by a dbt ``model``, or by a Polars ``transform``.
    ``engine`` is what judges and writes them, where the contract says so.
    """

    name: DatasetName
    path: Path
    version: str
    status: str
    description: str
    owner: str
    grain: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]
    document: Mapping[str, Any]
    hash: str
    source: SourceSpec | None = None
    delivery: Delivery = Delivery()
    stream: StreamSpec | None = None
    live: LiveSpec | None = None
    timing: Timing = Timing()
    model: str | None = None
    transform: str | None = None
    inputs: tuple[str, ...] = ()
    release_group: str = ""
    engine: str = ""
    max_quarantine_share: float | None = None
    order_column: str | None = None
    last_stays: bool = False
    preserves_rows: bool = False
    unit_of_change: str | None = None
    freshness_hours: float | None = None
    retention_days: int | None = None
    tags: tuple[str, ...] = ()
    promises: tuple[Promise, ...] = ()
    substance: str = ""

    @property
    def id(self) -> str:
        """The dataset's id."""
        return self.name.id

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns, in order; of what is taken from a stream its place there."""
        if self.stream:
            return PLACE
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    @cached_property
    def content(self) -> tuple[str, ...]:
        """The columns that two rows are compared by: all but what tells of their deliveries."""
        return tuple(c.name for c in self.columns if not c.of_delivery)

    @cached_property
    def table_columns(self) -> Mapping[str, str]:
        """Every column of the stored table and its type, in order; ingest's own come last."""
        own = {c.name: c.type for c in self.columns}
        return own | INGEST_COLUMNS if self.source else own

    @property
    def curated(self) -> bool:
        """Whether it is made from other datasets, by a model or a transform."""
        return self.model is not None or self.transform is not None

    @property
    def maker(self) -> str:
        """What makes its rows, as batches name it: ``model:…`` or ``transform:…``, or nothing."""
        if self.model:
            return f"model:{self.model}"
        return f"transform:{self.transform}" if self.transform else ""

    @property
    def row_rules(self) -> tuple[Rule, ...]:
        """The rules that judge one row."""
        return tuple(r for r in self.rules if r.scope == "row")

    @property
    def table_rules(self) -> tuple[Rule, ...]:
        """The rules that judge the whole table."""
        return tuple(r for r in self.rules if r.scope == "table")

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """The datasets that its foreign keys refer to row by row."""
        keys = (r for r in self.row_rules if r.kind == "foreign_key")
        return tuple(dict.fromkeys(str(r.arguments["parent"]) for r in keys))

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            UsageError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise UsageError(f"{self.id} has no column {name!r}.")

    @property
    def examples_path(self) -> Path:
        """The folder of the rows that must pass and must fail."""
        return self.path.parent / "examples"


@dataclass(frozen=True)
class LeftOut:
    """What is left out of a set of contracts so that the others can be worked with: why, for each
    dataset, and for each release group that must not move without it."""

    datasets: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


class ContractSet(Mapping[str, Contract]):
    """All contracts of a project by dataset id, in id order; or those that are not ``left_out``."""

    def __init__(self, contracts: Mapping[str, Contract], left_out: LeftOut = LeftOut()) -> None:
        self.left_out = left_out
        self._contracts = dict(sorted(contracts.items()))
        # Of several that name one model, the first counts.
        self._by_model = {c.model: c for c in reversed(self._contracts.values()) if c.model}

    def __getitem__(self, dataset: str) -> Contract:
        try:
            return self._contracts[dataset]
        except KeyError:
            if dataset in self.left_out.datasets:
                raise ContractError(
                    f"{dataset} cannot be worked on: {self.left_out.datasets[dataset]}"
                ) from None
            known = ", ".join(self._contracts) or "none"
            raise UsageError(
                f"no contract for dataset {dataset!r}.", remedy=f"Known datasets: {known}."
            ) from None

    def __contains__(self, dataset: object) -> bool:
        return dataset in self._contracts

    def __iter__(self) -> Iterator[str]:
        return iter(self._contracts)

    def __len__(self) -> int:
        return len(self._contracts)

    @property
    def sources(self) -> tuple[Contract, ...]:
        """Contracts of datasets that are ingested."""
        return tuple(c for c in self._contracts.values() if c.source)

    @property
    def models(self) -> tuple[Contract, ...]:
        """Contracts of datasets that a dbt model builds."""
        return tuple(c for c in self._contracts.values() if c.model)

    @property
    def transforms(self) -> tuple[Contract, ...]:
        """Contracts of datasets that a Polars transform builds."""
        return tuple(c for c in self._contracts.values() if c.transform)

    @property
    def curated(self) -> tuple[Contract, ...]:
        """Contracts of datasets that are made from others, by a model or a transform."""
        return tuple(c for c in self._contracts.values() if c.curated)

    def by_model(self, model: str) -> Contract | None:
        """The contract of the dataset that the dbt model of that name builds, if any."""
        return self._by_model.get(model)
