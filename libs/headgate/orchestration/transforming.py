"""Building a transform's dataset: what it reads as frames, and what it gives through the gate."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from headgate.contracts.fit import misfits
from headgate.contracts.model import Contract
from headgate.core import ids, resources
from headgate.core.errors import HeadgateError, ModelError
from headgate.lake.changes import changed_rows_sql, earlier
from headgate.lake.engines import EngineError
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.snapshot import Snapshot
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.orchestration import frame_lineage, frames
from headgate.orchestration.context import RunContext
from headgate.orchestration.models import Scope, publish_model
from headgate.orchestration.project import Project
from headgate.orchestration.transform_code import code_hash
from headgate.quality.outcome import BatchOutcome
from headgate.transforms import modules, tracing
from headgate.transforms.transform import CAME, Part, Transform

__all__ = ["Plan", "build", "check", "code_hash", "plan", "write"]

#: Beyond this share of changed rows, building anew costs less than telling what to build anew.
MOST_CHANGED = 0.5
#: Where the units are kept while what replaces them is staged and judged.
_UNITS = "headgate_units"


@dataclass(frozen=True)
class Plan:
    """A transform's next build. ``why`` says what makes it incremental or full.

    ``inputs`` are the versions that it reads; ``before`` those that its table was made from,
    without those of datasets that were not there yet.
    """

    contract: Contract
    code_hash: str
    inputs: Mapping[str, int]
    incremental: bool
    why: str
    before: Mapping[str, Snapshot] = field(default_factory=dict)


def plan(context: RunContext, contract: Contract) -> Plan:
    """How the transform is to be built now.

    Raises:
        ModelError: there is no such transform.
    """
    assert contract.transform is not None
    code, versions = code_hash(contract), context.session.versions(contract.inputs)

    def full(why: str) -> Plan:
        return Plan(contract, code, versions, False, why)

    table = context.snapshot(contract.id)
    meta = table.meta if table else None
    if contract.id in context.session.rebuilding:
        return full("it is rebuilt")
    if modules.load(contract.transform, len(contract.inputs)).rebuild is None:
        return full("it has no rebuild")
    if contract.unit_of_change is None:
        return full("its contract has no headgate.unitOfChange")
    if meta is None:
        return full("it was never built")
    if meta.kind not in ("model", "restore") or meta.code_hash != code:
        return full("its code or contract changed")
    if set(meta.inputs) - set(versions):
        return full("it has other inputs now")
    before = {}
    for dataset, version in meta.inputs.items():  # of one that was not there yet, all is new
        old = earlier(context.project.lake, context.snapshot(dataset), dataset, version)
        if old is None:
            return full(f"the version of {dataset} that it last read is gone")
        before[dataset] = old
    told = ", ".join(sorted(versions))
    return Plan(
        contract, code, versions, True, f"from the versions of {told} that it last read", before
    )


def build(context: RunContext, contract: Contract) -> BatchOutcome:
    """Build the transform's dataset, or the part of it that follows from what changed.

    Raises:
        ModelError: the transform is wrong, fails, or gives other columns than its contract has.
        RefusedError: the gate refused what it gave; the table is as it was.
    """
    assert contract.transform is not None
    planned = plan(context, contract)
    transform = modules.load(contract.transform, len(contract.inputs))
    folder = context.session.staging / f"transform-{ids.new_id()}"
    folder.mkdir(parents=True)
    try:
        return _Build(context, planned, transform, folder).run()
    except EngineError as error:
        raise _failed(contract, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(project: Project, contract: Contract) -> None:
    """See that the transform is there and gives its contract's columns; no row is read.

    Raises:
        ModelError: it is not, or does not.
    """
    assert contract.transform is not None
    transform = modules.load(contract.transform, len(contract.inputs))
    inputs = [frames.scan_files([], project.contracts[d].table_columns) for d in contract.inputs]
    _checked(contract, _called(contract, transform.build, *inputs), contract.table_columns)


def write(contract: Contract, inputs: Sequence[pl.LazyFrame], path: Path) -> None:
    """Write all that the transform gives of these inputs to a Parquet file; nothing is committed.

    Raises:
        ModelError: the transform is wrong, fails, or gives other columns than its contract has.
    """
    assert contract.transform is not None
    transform = modules.load(contract.transform, len(contract.inputs))
    _sink(contract, _called(contract, transform.build, *inputs), path)


@dataclass(frozen=True)
class _Build:
    """One build, with a folder for what lies between Polars and the gate."""

    context: RunContext
    plan: Plan
    transform: Transform
    folder: Path

    def run(self) -> BatchOutcome:
        con, contract = self.context.session.con, self.plan.contract
        engine = self.context.session.engine(contract)
        inputs = [self._scan(d) for d in contract.inputs]
        changes = self._changes(con) if self.plan.incremental else None
        if changes is None:
            shared = None if engine is con else self._shared(engine)
            if shared is not None:
                return self._publish(engine, shared, None)
            rows = self._write("rows", _called(contract, self.transform.build, *inputs))
            return self._publish(engine, rows, None)
        assert self.transform.rebuild is not None and contract.unit_of_change is not None
        current = self._scan(contract.id)
        part = _called(contract, self.transform.rebuild, current, changes, *inputs)
        if not isinstance(part, Part):
            raise _wrong(contract, f"rebuild gives {type(part).__name__}, not a Part.")
        unit = identifier(contract.unit_of_change)
        units = self._write("units", part.units, (contract.unit_of_change,))
        engines = (con,) if engine is con else (con, engine)
        for each in engines:
            each.execute(
                f"CREATE OR REPLACE TEMP TABLE {_UNITS} AS SELECT DISTINCT {unit} FROM {units}"
            )
        try:
            rows = self._write("rows", part.rows)
            self._hold_within(con, rows, unit)
            return self._publish(engine, rows, Scope(contract.unit_of_change, _UNITS))
        finally:
            for each in engines:
                each.execute(f"DROP TABLE IF EXISTS {_UNITS}")

    def _shared(self, engine: Connection) -> str | None:
        """The rows of a full build as a relation of Spark's; None if it cannot be shared out."""
        from headgate.orchestration.spark import transforming

        check(self.context.project, self.plan.contract)
        return transforming.shared(self.context, self.plan.contract, self.transform, engine)

    def _publish(self, con: Connection, rows: str, scope: Scope | None) -> BatchOutcome:
        return publish_model(
            self.context, self.plan.contract, con, rows,
            scope=scope, inputs=self.plan.inputs, code_hash=self.plan.code_hash,
            lineage=self._lineage(),
        )  # fmt: skip

    def _lineage(self) -> ColumnLineage | None:
        """Where the columns come from; what nobody can tell it of is built all the same."""
        contract = self.plan.contract
        try:
            return frame_lineage.of_transform(self.context.project, contract)
        except UntraceableError as error:
            told = f"The columns of {contract.id} cannot be traced: {error.message}"
            self.context.notes.append(told)
            return None

    def _scan(self, dataset: str) -> pl.LazyFrame:
        snapshot = self.context.snapshot(dataset)
        if snapshot is not None:
            return frames.scan(snapshot)
        return frames.scan_files([], self.context.project.contracts[dataset].table_columns)

    def _changes(self, con: Connection) -> list[pl.LazyFrame] | None:
        """What came to each input and went from it; None if that is most of them all."""
        found, changed, present = [], 0, 0
        read = self._columns_read()
        for number, dataset in enumerate(self.plan.contract.inputs):
            now = self.context.snapshot(dataset)
            columns = {**read[dataset], CAME: "boolean"}
            path = self.folder / f"changes-{number}.parquet"
            if now is None:
                found.append(frames.scan_files([], columns))
                continue
            query = changed_rows_sql(self.plan.before.get(dataset), now, list(read[dataset]), CAME)
            changed += one(con, f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")[0]
            present += now.rows
            found.append(frames.scan_files([path], columns))
        return found if changed <= MOST_CHANGED * present else None

    def _columns_read(self) -> dict[str, dict[str, str]]:
        """The columns of each input that the transform reads, and their types."""
        inputs = {d: dict(self._columns(d)) for d in self.plan.contract.inputs}
        try:
            read = tracing.columns_read(
                self.transform.build, {d: frames.schema(c) for d, c in inputs.items()}
            )
        except Exception:  # what cannot be told apart counts
            return inputs
        return {d: {c: inputs[d][c] for c in read[d]} or inputs[d] for d in inputs}

    def _columns(self, dataset: str) -> Mapping[str, str]:
        now = self.context.snapshot(dataset)
        return now.columns if now else self.context.project.contracts[dataset].table_columns

    def _write(self, name: str, frame: object, only: Sequence[str] = ()) -> str:
        """The frame's rows in a file; gives the relation by which DuckDB reads them."""
        path = self.folder / f"{name}.parquet"
        _sink(self.plan.contract, frame, path, only)
        return f"read_parquet({literal(str(path))}, hive_partitioning=false)"

    def _hold_within(self, con: Connection, rows: str, unit: str) -> None:
        """A row of none of the units would be added beside the one that the table has already."""
        outside = con.execute(
            f"SELECT {unit}::VARCHAR FROM {rows} r ANTI JOIN {_UNITS} u"
            f" ON r.{unit} IS NOT DISTINCT FROM u.{unit} LIMIT 1"
        ).fetchall()
        if outside:
            told = f"a row of {unit} {outside[0][0]}, which is not among the units of its rebuild."
            raise _wrong(self.plan.contract, f"it gives {told}")


def _sink(contract: Contract, frame: object, path: Path, only: Sequence[str] = ()) -> None:
    wanted = {c: t for c, t in contract.table_columns.items() if not only or c in only}
    rows = _checked(contract, frame, wanted)
    try:
        rows.select(list(wanted)).sink_parquet(path, compression="lz4", statistics=False)
    except (Exception, pl.exceptions.PanicException) as error:
        raise _failed(contract, error, path) from error


def _called(contract: Contract, function: object, *arguments: object) -> object:
    try:
        return function(*arguments)  # type: ignore[operator]
    except (Exception, pl.exceptions.PanicException) as error:
        raise _failed(contract, error) from error


def _checked(contract: Contract, frame: object, columns: Mapping[str, str]) -> pl.LazyFrame:
    """The frame, whose columns and types must be the contract's, in any order."""
    if not isinstance(frame, pl.LazyFrame):
        raise _wrong(contract, f"it gives {type(frame).__name__}, not a LazyFrame.")
    try:
        given = frame.collect_schema()
    except (Exception, pl.exceptions.PanicException) as error:
        raise _failed(contract, error) from error
    wanted = frames.schema(columns)
    problems = misfits(given, wanted, said="{} where the contract has {}")
    if problems:
        raise _wrong(contract, f"its columns are not the contract's: {'; '.join(problems)}.")
    return frame


def _wrong(contract: Contract, told: str) -> ModelError:
    return ModelError(
        f"transform {contract.transform}: {told}",
        remedy="Mend the transform, or its contract.",
        place=str(contract.path),
    )


def _failed(contract: Contract, error: Exception, place: Path | str = "") -> HeadgateError:
    gave_out = resources.of(error, place)
    if gave_out is not None and gave_out.everywhere:
        return gave_out  # no fault of the transform
    told = " ".join(str(error).split()) or "no reason is given"
    return ModelError(f"transform {contract.transform} failed: {type(error).__name__}: {told}")
