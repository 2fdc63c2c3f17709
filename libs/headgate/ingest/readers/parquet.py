"""Parquet files: cast in SQL where the types lose nothing, looked at row by row elsewhere."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.settings import Settings
from headgate.ingest import casts, values
from headgate.ingest.blocks import Blocks
from headgate.ingest.exact import RESCUED
from headgate.ingest.readers.base import ExactRow, Positions, Reason, Scan, SourceFile
from headgate.lake.engines.duckdb import identifier, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXTENSIONS = (".parquet",)
_ROW = "file_row_number"
_GLOB = re.compile(r"([*?\[])")
#: Rows that are looked at exactly at a time.
_BATCH = 10_000


def open_file(contract: Contract, source: SourceFile, settings: Settings) -> ParquetRows:
    """A reader on one Parquet file."""
    return ParquetRows(contract, source)


class ParquetRows:
    """See :class:`headgate.ingest.readers.base.Reader`.

    ``read`` is the number of rows that the file's footer gives. A file without a readable footer
    is one record, refused as ``corrupt_file``.
    """

    def __init__(self, contract: Contract, source: SourceFile) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.notes: tuple[str, ...] = ()
        self.damage = ""
        self._columns = contract.columns
        self._typers = {c.name: _typer(c.type) for c in contract.columns}
        self._source = source
        self._blocks = Blocks(SourceFile(source.path, source.name, source.size))
        self._hash = ""
        self._file: pq.ParquetFile | None = None
        self.read = 1
        try:
            self._file = pq.ParquetFile(source.path)
            self.read = self._file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            self.damage = str(error).splitlines()[0]

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file's bytes."""
        if not self._hash:
            hasher = ids.content_hasher()
            for block in self._blocks.stream():
                hasher.update(block)
            self._hash = hasher.hexdigest()
        return self._hash

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The rows whose casts lose nothing; see the protocol."""
        import duckdb

        if careful or self._file is None or not self.read or not self._plain_names():
            return Scan(self._nothing())
        path = literal(_GLOB.sub(r"[\1]", str(self._source.path)))
        rows = f"read_parquet({path}, {_ROW} = true, hive_partitioning = false)"
        try:
            found = con.execute(f"DESCRIBE SELECT * EXCLUDE ({_ROW}) FROM {rows}").fetchall()
        except duckdb.Error:  # the engine cannot read it; the exact look tells what is damaged
            return Scan(self._nothing())
        kinds = {str(name): self._kind(str(name), str(kind)) for name, kind, *_ in found}
        return Scan(self._relation(rows, kinds), {"TimeZone": "UTC"})

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The rows at ``positions``, value by value; see the protocol."""
        wanted = np.asarray(positions, dtype=np.int64)
        if self._file is None:
            if len(wanted):
                reason = Reason("corrupt_file", None, self.damage)
                yield ExactRow(1, "", None, (reason,))
            return
        first = 1
        for group in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(wanted, [first, first + rows])
            if high > low:
                yield from self._group(group, first, wanted[low:high])
            first += rows
        self._blocks.check_unchanged()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._blocks.close()

    def _plain_names(self) -> bool:
        """Whether SQL tells the file's columns apart as the contract does."""
        assert self._file is not None
        names = [n.casefold() for n in self._file.schema_arrow.names] + [_ROW]
        asked = [c.field.casefold() for c in self._columns]
        exact = set(self._file.schema_arrow.names)
        return (
            len(set(names)) == len(names)
            and len(set(asked)) == len(asked)
            and all(c.field in exact or c.field.casefold() not in names for c in self._columns)
        )

    def _kind(self, name: str, kind: str) -> str:
        """DuckDB's type of a column; what it would shorten to microseconds has none."""
        assert self._file is not None
        schema = self._file.schema
        index = self._file.schema_arrow.get_field_index(name)
        nested = self._file.schema_arrow.field(index).type.num_fields
        physical = {
            schema.column(i).path: schema.column(i).physical_type for i in range(len(schema))
        }
        return "INT96" if not nested and physical.get(name) == "INT96" else kind

    def _nothing(self) -> str:
        own = ", ".join(
            f"NULL::{types.duckdb_type(c.type)} AS {identifier(c.name)}" for c in self._columns
        )
        return f"(SELECT {own}, NULL::VARCHAR AS _rescued, 0::BIGINT AS _position WHERE FALSE)"

    def _relation(self, rows: str, kinds: dict[str, str]) -> str:
        inner, outer, guards = [], [], []
        for i, column in enumerate(self._columns):
            name, x = identifier(column.name), identifier(column.field)
            target = types.duckdb_type(column.type)
            if column.field not in kinds:
                inner.append(f"NULL::{target} AS v{i}")
            else:
                cast = casts.lossless(kinds[column.field], column.type)
                cast = cast or casts.Cast(f"NULL::{target}", "FALSE")
                inner.append(f"{cast.value.format(x=x)} AS v{i}")
                if cast.guard:
                    inner.append(f"{x} AS x{i}")
                    guards.append(f"(x{i} IS NULL OR ({cast.guard.format(x=f'x{i}', v=f'v{i}')}))")
            outer.append(f"v{i} AS {name}")
        asked = {c.field for c in self._columns}
        unknown = {name: kind for name, kind in kinds.items() if name not in asked}
        kept = casts.rescued(unknown)
        where = ""
        if unknown:
            names = ", ".join(sorted(unknown))
            self.notes = (f"columns that the contract does not name are in _rescued: {names}",)
        if kept and kept.guard:
            where = f" WHERE {kept.guard}"
        return (
            f"(SELECT {', '.join(outer)}, _rescued, _position FROM (SELECT"
            f" {', '.join(inner)}, {kept.value if kept else 'NULL::VARCHAR'} AS _rescued,"
            f" {_ROW} + 1 AS _position FROM {rows}{where})"
            f" WHERE {' AND '.join(guards) or 'TRUE'})"
        )

    def _group(self, group: int, first: int, wanted: Positions) -> Iterator[ExactRow]:
        """The wanted rows of one row group; if it cannot be read, each is refused."""
        import pyarrow as pa

        assert self._file is not None
        done = first  # the first position that has not been read
        try:
            for batch in self._file.iter_batches(_BATCH, row_groups=[group], use_threads=False):
                low, high = np.searchsorted(wanted, [done, done + batch.num_rows])
                rows = batch.take(pa.array(wanted[low:high] - done))
                names = batch.schema.names
                lists = [_python(column) for column in rows.columns]
                for position, *row in zip(wanted[low:high].tolist(), *lists, strict=True):
                    yield self._row(position, names, row)
                done += batch.num_rows
            detail = f"row group {group}: fewer rows than the footer says"
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            detail = f"row group {group}: {str(error).splitlines()[0]}"
        for position in wanted[np.searchsorted(wanted, done) :].tolist():
            yield ExactRow(position, "", None, (Reason("corrupt_file", None, detail),))

    def _row(self, position: int, names: list[str], row: list[Any]) -> ExactRow:
        record = dict(zip(names, row, strict=True))
        raw = hjson.dumps({k: _json(v) for k, v in record.items()})
        if len(record) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            reason = Reason("duplicate_field", None, f"column {twice!r} appears twice")
            return ExactRow(position, raw, None, (reason,))
        found: dict[str, object] = {}
        reasons: list[Reason] = []
        for column in self._columns:
            value = record.pop(column.field, None)
            try:
                found[column.name] = None if value is None else self._typers[column.name](value)
            except values.Unfit as unfit:
                reasons.append(Reason(unfit.code, column.name, unfit.detail))
        unknown = {k: _json(v) for k, v in record.items() if v is not None}
        found[RESCUED] = hjson.dumps(unknown) if unknown else None
        warnings = tuple(
            Reason("unknown_field", None, f"field {k!r} is not in the contract")
            for k in sorted(unknown)
        )
        return ExactRow(position, raw, None if reasons else found, tuple(reasons), warnings)


def _python(column: pa.Array) -> list[Any]:
    """The column's values in Python; instants that it cannot hold become text."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns":
            return [None if v is None else _instant(v, 10**9) for v in _ticks(column)]
        per_second = {"s": 1, "ms": 10**3, "us": 10**6}[kind.unit]
        return [None if v is None else _instant(v, per_second) for v in _ticks(column)]
    if pa.types.is_date(kind):
        days = 1 if pa.types.is_date32(kind) else 86_400_000
        raw = column.cast(pa.int32() if days == 1 else pa.int64()).to_pylist()
        return [None if v is None else _day(v // days) for v in raw]
    try:
        found: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        found = [_value(scalar) for scalar in column]
    return found


class _Unreadable(str):
    """Why Python cannot hold a value."""


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError) as error:
        return _Unreadable(f"{scalar.type}: {error}")


def _ticks(column: pa.Array) -> list[int | None]:
    import pyarrow as pa

    found: list[int | None] = column.cast(pa.int64()).to_pylist()
    return found


def _instant(ticks: int, per_second: int) -> dt.datetime | str:
    micros, rest = divmod(ticks * 10**6, per_second)
    try:
        found = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
    except OverflowError:
        return f"{ticks / per_second:.0f} seconds from 1970"
    if rest:
        return f"{found.strftime('%Y-%m-%dT%H:%M:%S')}.{ticks % per_second:09}Z"
    return found


def _day(days: int) -> dt.date | str:
    try:
        return dt.date(1970, 1, 1) + dt.timedelta(days=days)
    except OverflowError:
        return f"{days} days from 1970"


def _typer(kind: str) -> values.Converter:
    """What turns a Parquet value into the column type, by the same rules as a JSON value."""
    inner = types.element(kind)
    if kind == "json":
        return _json_text
    if inner:
        return _lister(kind, _typer(inner))
    convert = values.converter(kind)

    def typed(value: Any) -> object:
        if type(value) in (str, int, bool):
            return convert(value)
        if isinstance(value, dt.date):
            return _dated(kind, value)
        if isinstance(value, float | np.floating):
            if kind == "double":
                return float(value)
            value = float(value)
            value = Decimal(repr(value)) if math.isfinite(value) else Decimal("NaN")
        elif isinstance(value, bytes):
            try:
                value = value.decode("utf-8")
            except UnicodeDecodeError as error:
                raise values.Unfit("invalid_utf8", str(error)) from None
        elif isinstance(value, _Unreadable):
            raise values.Unfit("type_mismatch", f"expected {kind}, got {value}")
        elif kind == "string" and type(value).__name__ == "UUID":
            value = str(value)
        return convert(value)

    return typed


def _lister(kind: str, typed: values.Converter) -> values.Converter:
    def each(value: Any) -> object:
        if not isinstance(value, list):
            raise values.Unfit("type_mismatch", f"expected {kind}, got {values.shown(value)}")
        return [None if v is None else typed(v) for v in value]

    return each


def _dated(kind: str, value: dt.date) -> object:
    if isinstance(value, dt.datetime):
        if kind != "timestamp":
            raise values.Unfit("type_mismatch", f"expected {kind}, got a timestamp")
        if getattr(value, "nanosecond", 0):  # some installations have timestamps of their own
            raise values.Unfit("invalid_timestamp", f"{value} is finer than a microsecond")
        if type(value) is not dt.datetime:
            value = dt.datetime.fromisoformat(value.isoformat())
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if kind != "date":
        raise values.Unfit("type_mismatch", f"expected {kind}, got a date")
    return value


def _json_text(value: Any) -> str:
    """A value of type json: the text itself if it is one, else the value written as JSON."""
    if not isinstance(value, str) or isinstance(value, _Unreadable):
        return hjson.dumps(_json(value))
    try:
        hjson.loads_strict(value)
    except (ValueError, RecursionError) as error:
        raise values.Unfit("type_mismatch", f"expected JSON text: {error}") from None
    return value


def _json(value: Any) -> Any:
    """A Parquet value as JSON can have it; used for raw text and for unknown fields."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, dict):
        return {str(k): _json(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json(v) for v in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dt.datetime):
        return value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str | Decimal | dt.date):
        return value
    return str(value)
