"""Parquet files: cast in SQL where the types lose nothing, looked at row by row elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from headgate.contracts import types
from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.core.settings import Settings
from headgate.ingest import arrowvalues, casts, parquetfooter, values
from headgate.ingest.blocks import Blocks
from headgate.ingest.exact import RESCUED
from headgate.ingest.readers.base import ExactRow, Positions, Reason, Scan, SourceFile, Unsafe
from headgate.ingest.unpack import Unpacked
from headgate.lake.engines.duckdb import identifier, literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow.parquet as pq

EXTENSIONS = (".parquet",)
#: Rows that are proven are read by the engine, from the file itself.
ENGINE_OPENS = True
#: What a contract may say of the source beside format and path.
OPTIONS = {"ignore": "fields (or paths such as @.a.b) that no column takes on purpose"}
Path = tuple[str, ...]
_ROW = "file_row_number"
_GLOB = re.compile(r"([*?\[])")
#: Bytes that a value takes at the least once it is read, by its physical type.
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8,
           "BYTE_ARRAY": 4}  # fmt: skip
#: Bytes of read values from which on they are compared with the file's size.
_FLOOR = 256 << 20
#: Rows that are looked at exactly at a time.
_BATCH = 10_000


def open_file(contract: Contract, source: SourceFile, settings: Settings) -> ParquetRows:
    """A reader on one Parquet file."""
    return ParquetRows(contract, source, settings)


class ParquetRows:
    """See :class:`headgate.ingest.readers.base.Reader`.

    ``read`` is the number of rows that the file's footer gives. A file without a readable footer
    is one record, refused as ``corrupt_file``; one that is compressed as a whole is unpacked, and
    damage of that is a record of its own.
    """

    def __init__(self, contract: Contract, source: SourceFile, settings: Settings) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.notes: tuple[str, ...] = ()
        self.control_total = None  # the footer's count is the reader's own
        self.damage = ""
        self._columns = contract.columns
        self._typers = {c.name: arrowvalues.typer(c.type) for c in contract.columns}
        found = mapping(contract)
        self._places: dict[str, Path] = {n: at.steps for n, at in found.columns.items()}
        #: Where something stands that is taken, or left out on purpose.
        self._known = {*self._places.values(), *(at.steps for at in found.ignored)}
        self._blocks = Blocks(source, settings.max_unpack_ratio)
        self._hashing: Future[str] | None = None
        self._unpacked: Unpacked | None = None
        self._path = source.path
        self._file: pq.ParquetFile | None = None
        self.read, self._rows = 1, 0
        try:
            if source.compression != "none":
                self._unpacked = Unpacked(self._blocks, settings)
                self._path = self._unpacked.path
            parquetfooter.check(
                self._path, max_fields=settings.max_fields, max_nesting=settings.max_nesting
            )
            file = pq.ParquetFile(self._path)
            self._weigh(file, settings.max_unpack_ratio)
            self._file, self._rows = file, file.metadata.num_rows
            self.read = self._rows + bool(self._blocks.damage)
        except (pa.ArrowException, OSError) as error:
            self.damage = str(error).splitlines()[0]
        except BaseException:
            self.close()
            raise

    def _weigh(self, file: pq.ParquetFile, max_ratio: int) -> None:
        """Demand that the rows can be what the file's bytes hold, before they are asked for.

        Raises:
            OSError: the footer contradicts itself.
            Unsafe: what columns take of the rows would be too much.
        """
        found, size = file.metadata, self._path.stat().st_size
        rows = found.num_rows
        groups = [found.row_group(g).num_rows for g in range(found.num_row_groups)]
        if min(groups, default=0) < 0 or sum(groups) != rows:
            raise OSError(f"the footer counts {rows} rows, its row groups {sum(groups)}")
        tops = {place[0] for place in self._places.values()}
        leaves = [file.schema.column(i) for i in range(len(file.schema))]
        taken = [i for i, c in enumerate(leaves) if c.path.partition(".")[0] in tops]
        row = sum(_WIDTHS.get(leaves[i].physical_type) or leaves[i].length for i in taken) or 1
        most = max(_FLOOR, max_ratio * size)
        weight = rows * row
        if weight <= most:
            texts = [i for i in taken if leaves[i].physical_type == "BYTE_ARRAY"]
            weight += parquetfooter.texts(self._path, found, texts, most)
        if weight > most:
            raise Unsafe(
                Reason(
                    "unpacks_too_far", None,
                    f"its {size:,} bytes decode to {rows:,} rows of {weight:,} bytes or more, over"
                    f" {max_ratio} times as much: nothing was taken; raise the setting"
                    " max_unpack_ratio if it is meant to be so",
                )
            )  # fmt: skip

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file's bytes as stored."""
        if self._unpacked is None:
            return self._hash().result()
        return self._blocks.content_hash

    def _hash(self) -> Future[str]:
        """The hash in the making: it takes a processor that the engine leaves idle at times."""
        if self._hashing is None:

            def whole() -> str:
                for _ in self._blocks.stream(hashed=True):
                    pass
                return self._blocks.content_hash

            with_one = ThreadPoolExecutor(1)
            self._hashing = with_one.submit(whole)
            with_one.shutdown(wait=False)
        return self._hashing

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The rows whose casts lose nothing; see the protocol."""
        import duckdb

        if self._unpacked is None:
            self._hash()
        if careful or self._file is None or not self._rows or not self._plain_names():
            return Scan(self._nothing())
        path = literal(_GLOB.sub(r"[\1]", str(self._path)))
        rows = f"read_parquet({path}, {_ROW} = true, hive_partitioning = false)"
        try:
            found = con.execute(f"DESCRIBE SELECT * EXCLUDE ({_ROW}) FROM {rows}").fetchall()
        except duckdb.Error:  # the engine cannot read it; the exact look tells what is damaged
            return Scan(self._nothing())
        kinds: dict[Path, str] = {(str(name),): str(kind) for name, kind, *_ in found}
        nested = [
            p for p in {*self._places.values(), *self._leaves()} if len(p) > 1 and self._reach(p)
        ]
        if nested:
            asked = ", ".join(f"{_sql(p)} AS c{i}" for i, p in enumerate(nested))
            told = con.execute(f"DESCRIBE SELECT {asked} FROM {rows}").fetchall()
            kinds |= {p: str(row[1]) for p, row in zip(nested, told, strict=True)}
        kinds = {p: self._kind(p, kind) for p, kind in kinds.items()}
        return Scan(self._relation(rows, kinds), {"TimeZone": "UTC"})

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The rows at ``positions``, value by value; see the protocol."""
        wanted = np.asarray(positions, dtype=np.int64)
        damage = self._blocks.damage
        if self._file is None:
            if len(wanted):
                code = "corrupt_compression" if damage else _code(self.damage)
                yield ExactRow(1, "", None, (Reason(code, None, damage or self.damage),))
            return
        last = wanted[wanted > self._rows]
        wanted = wanted[wanted <= self._rows]
        first = 1
        for group in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(group).num_rows
            low, high = np.searchsorted(wanted, [first, first + rows])
            if high > low:
                yield from self._group(group, first, wanted[low:high])
            first += rows
        if len(last):
            reason = Reason("corrupt_compression", None, damage or "")
            yield ExactRow(self.read, "", None, (reason,))
        self._blocks.check_unchanged()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        if self._hashing is not None:
            self._hashing.exception()  # it reads the file that is closed next
        if self._unpacked is not None:
            self._unpacked.remove()
        self._blocks.close()

    def _plain_names(self) -> bool:
        """Whether SQL tells the file's fields apart as the contract does, and all are where a
        column looks for them."""
        assert self._file is not None
        paths = list(self._places.values())
        tops = list(self._file.schema_arrow.names)
        lowered = [n.casefold() for n in tops] + [_ROW]
        if len(set(lowered)) < len(lowered) or len(
            {tuple(map(str.casefold, p)) for p in paths}
        ) < len(paths):
            return False
        if any(p[0] not in tops and p[0].casefold() in lowered for p in paths):
            return False
        return all(self._reach(p) is not False for p in paths if len(p) > 1)

    def _reach(self, path: Path) -> bool | None:
        """Whether the path leads to a field; None if nothing is there, False if SQL cannot tell
        by its name."""
        assert self._file is not None
        import pyarrow as pa

        at: Any = pa.struct(list(self._file.schema_arrow))
        for step in path:
            if not pa.types.is_struct(at):
                return False  # the exact look tells what stands there instead
            names = [at.field(i).name for i in range(at.num_fields)]
            lowered = [n.casefold() for n in names]
            if step.casefold() not in lowered:
                return None
            if step not in names or lowered.count(step.casefold()) > 1:
                return False
            at = at.field(step).type
        return True

    def _leaves(self) -> list[Path]:
        """The fields inside of structs, some of whose fields columns take, that none takes."""
        assert self._file is not None
        import pyarrow as pa

        into = {p[:i] for p in self._known for i in range(1, len(p))}
        found: list[Path] = []

        def walk(path: Path, kind: Any) -> None:
            if path in self._known:
                return
            if path in into and pa.types.is_struct(kind):
                for i in range(kind.num_fields):
                    walk((*path, kind.field(i).name), kind.field(i).type)
            elif len(path) > 1:
                found.append(path)

        for field in self._file.schema_arrow:
            walk((field.name,), field.type)
        return found

    def _kind(self, path: Path, kind: str) -> str:
        """DuckDB's type of a field; what it would shorten to microseconds has none."""
        assert self._file is not None
        schema = self._file.schema
        physical = {
            schema.column(i).path: schema.column(i).physical_type for i in range(len(schema))
        }
        return "INT96" if physical.get(".".join(path)) == "INT96" else kind

    def _nothing(self) -> str:
        own = ", ".join(
            f"NULL::{types.duckdb_type(c.type)} AS {identifier(c.name)}" for c in self._columns
        )
        return f"(SELECT {own}, NULL::VARCHAR AS _rescued, 0::BIGINT AS _position WHERE FALSE)"

    def _relation(self, rows: str, kinds: dict[Path, str]) -> str:
        inner, outer, guards = [], [], []
        for i, column in enumerate(self._columns):
            path = self._places[column.name]
            target = types.duckdb_type(column.type)
            if path not in kinds:
                inner.append(f"NULL::{target} AS v{i}")
            else:
                cast = casts.lossless(kinds[path], column.type)
                cast = cast or casts.Cast(f"NULL::{target}", "FALSE")
                inner.append(f"{cast.value.format(x=_sql(path))} AS v{i}")
                if cast.guard:
                    inner.append(f"{_sql(path)} AS x{i}")
                    guards.append(f"(x{i} IS NULL OR ({cast.guard.format(x=f'x{i}', v=f'v{i}')}))")
            outer.append(f"v{i} AS {identifier(column.name)}")
        # What is unknown inside of a struct is written by the exact look.
        inside = self._leaves()
        where = [f"{_sql(path)} IS NULL" for path in inside]
        begun = {p[0] for p in self._known}
        unknown = {p[0]: kind for p, kind in kinds.items() if len(p) == 1 and p[0] not in begun}
        kept = casts.rescued(unknown)
        if unknown or inside:
            names = ", ".join(sorted([*unknown, *(".".join(p) for p in inside)]))
            self.notes = (f"columns that the contract does not name are in _rescued: {names}",)
        if kept and kept.guard:
            where.append(kept.guard)
        return (
            f"(SELECT {', '.join(outer)}, _rescued, _position FROM (SELECT"
            f" {', '.join(inner)}, {kept.value if kept else 'NULL::VARCHAR'} AS _rescued,"
            f" {_ROW} + 1 AS _position FROM {rows} WHERE {' AND '.join(where) or 'TRUE'})"
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
                lists = [arrowvalues.python_values(column) for column in rows.columns]
                for position, *row in zip(wanted[low:high].tolist(), *lists, strict=True):
                    yield self._row(position, names, row)
                done += batch.num_rows
            detail = f"row group {group}: fewer rows than the footer says"
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            detail = f"row group {group}: {str(error).splitlines()[0]}"
        for position in wanted[np.searchsorted(wanted, done) :].tolist():
            yield ExactRow(position, "", None, (Reason(_code(detail), None, detail),))

    def _row(self, position: int, names: list[str], row: list[Any]) -> ExactRow:
        record = dict(zip(names, row, strict=True))
        raw = hjson.dumps({k: arrowvalues.as_json(v) for k, v in record.items()})
        if len(record) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            reason = Reason("duplicate_field", None, f"column {twice!r} appears twice")
            return ExactRow(position, raw, None, (reason,))
        found: dict[str, object] = {}
        reasons: list[Reason] = []
        for column in self._columns:
            value = _at(record, self._places[column.name])
            try:
                found[column.name] = None if value is None else self._typers[column.name](value)
            except values.Unfit as unfit:
                reasons.append(Reason(unfit.code, column.name, unfit.detail))
        unknown = {k: arrowvalues.as_json(v) for k, v in self._rest(record, ()).items()}
        found[RESCUED] = hjson.dumps(unknown) if unknown else None
        warnings = tuple(
            Reason("unknown_field", None, f"field {k!r} is not in the contract")
            for k in sorted(unknown)
        )
        return ExactRow(position, raw, None if reasons else found, tuple(reasons), warnings)

    def _rest(self, record: dict[str, Any], path: Path) -> dict[str, Any]:
        """What no column takes, nested as it stands."""
        found = {}
        for name, value in record.items():
            at = (*path, name)
            if value is None or at in self._known:
                continue
            if isinstance(value, dict) and any(p[: len(at)] == at for p in self._known):
                value = self._rest(value, at)
                if not value:
                    continue
            found[name] = value
        return found


def _code(told: str) -> str:
    """The code of what a library says of a file that it does not read."""
    return "encrypted" if "crypt" in told.lower() else "corrupt_file"


def _sql(path: Sequence[str]) -> str:
    """SQL for a field of a row."""
    text = identifier(path[0])
    for step in path[1:]:
        text = f"struct_extract({text}, {literal(step)})"
    return text


def _at(record: dict[str, Any], path: Path) -> Any:
    value: Any = record
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
