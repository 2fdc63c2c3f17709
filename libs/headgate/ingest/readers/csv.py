"""Delimited text, plain or compressed, in any dialect: typed in SQL where proven, else exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError
from headgate.core.settings import Settings
from headgate.ingest import casts
from headgate.ingest.delimited import dialect, texts
from headgate.ingest.delimited.cutting import Cutter, Records
from headgate.ingest.delimited.encodings import Utf8
from headgate.ingest.delimited.textrecords import HEADER_MARK, TextRecords
from headgate.ingest.exact import RAW_KEPT
from headgate.ingest.readers.base import (
    ExactRow,
    Positions,
    RawReader,
    Reason,
    Scan,
    SourceFile,
)
from headgate.ingest.streamed import Streamed
from headgate.lake.engines.duckdb import UNGUARDING, identifier

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXTENSIONS = (".csv", ".tsv")
OPTIONS = dialect.OPTIONS
#: Without these the casts would be written twice, into the guards too.
_SETTINGS = {"disabled_optimizers": f"filter_pushdown,{UNGUARDING}", "TimeZone": "UTC"}


class _Entry(NamedTuple):
    """Where a chunk stands in the text: records are counted, offsets and lengths are bytes."""

    first: int
    offset: int
    length: int
    size: int
    ended: bool


def open_file(contract: Contract, source: SourceFile, settings: Settings) -> CsvRows:
    """A reader on one file of delimited text."""
    return CsvRows(contract, source, settings)


def raw_reader(contract: Contract, settings: Settings) -> RawReader:
    """What reads a refused record again; its raw text ends with its file's header."""
    known = dialect.dialect(contract)
    # Raw text is UTF-8, whatever the file was.
    records = TextRecords(contract, replace(known, encoding="utf-8"), settings)
    records.use(None)
    used = ""

    def read(position: int, raw: bytes) -> ExactRow:
        nonlocal used
        text, mark, header = raw.decode("utf-8", "backslashreplace").rpartition(HEADER_MARK)
        if not mark:
            reason = Reason("raw_incomplete", None, "take the file again once it is mended")
            return ExactRow(position, header, None, (reason,))
        if known.header and header != used:
            records.use(header.encode())
            used = header
        return records.read(position, text.encode())

    return read


class CsvRows(Streamed):
    """See :class:`headgate.ingest.readers.base.Reader`.

    Positions count records; the header and what stands before it are not counted.
    """

    def __init__(self, contract: Contract, source: SourceFile, settings: Settings) -> None:
        super().__init__(source)
        self._blocks.max_ratio = settings.max_unpack_ratio
        self._columns = contract.columns
        self._dialect = dialect.dialect(contract)
        self._records = TextRecords(contract, self._dialect, settings)
        d = self._dialect
        self._cutter = Cutter(d, settings.max_record_bytes)
        self._max = settings.max_record_bytes
        self._start = 0  # bytes of text before the first record
        self._mark = 0  # bytes of a byte order mark
        self._encoding = self._dialect.encoding  # as the mark says, if there is one
        self._index: list[_Entry] = []
        try:
            self._find_start()
        except BaseException:
            self._blocks.close()
            raise

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The proven rows; see the protocol."""
        import pyarrow as pa

        self._unregister()
        self._read, self._index, self._failure = 0, [], None
        self._rest = self._counted(self._cut(hashed=True))
        records = self._records
        width = len(records.header.names)
        used = records.taken
        if records.header.fault or not used:
            careful = True
        schema = pa.schema([*((f"c{at}", pa.string()) for at in used), ("_position", pa.int64())])
        batches = self._batches(schema, width, {} if careful else used)
        name = self._register(con, schema, batches)
        return Scan(self._relation(name), _SETTINGS)

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The records at ``positions``; see the protocol."""
        self._finish()
        wanted = np.asarray(positions, dtype=np.int64)
        damage = self._blocks.damage
        damaged = bool(damage and len(wanted) and wanted[-1] == self._read)
        if damaged:
            wanted = wanted[:-1]
        for chunk in self._chunks_with(wanted):
            low, high = np.searchsorted(wanted, [chunk.first, chunk.first + chunk.count])
            last = chunk.first + chunk.count - 1
            for number, raw in chunk.pick(wanted[low:high]):
                ended = chunk.ended or number != last
                yield self._records.read(number, raw, ended=ended, size=chunk.size)
        if damaged:
            reason = Reason("corrupt_compression", None, damage or "")
            yield ExactRow(self._read, "", None, (reason,))

    def _find_start(self) -> None:
        """Read the header, and learn where the first record starts: behind it, if it is of use."""
        text = Utf8(self._blocks.stream(), self._dialect.encoding)
        blocks = iter(text)
        head, skip, end = b"", self._dialect.skip, 0
        for block in blocks:
            head += block
            while skip and b"\n" in head:
                line, _, head = head.partition(b"\n")
                self._start += len(line) + 1
                skip -= 1
            if skip:
                self._start, head = self._start + len(head), b""
                continue
            end = self._cutter.first(head) if b"\n" in block else 0
            if end or len(head) > self._max or not self._dialect.header:
                break
        self._mark, self._encoding, self.notes = text.start, text.encoding, text.notes
        self._records.encoding = self._encoding
        end = end or self._cutter.first(head, final=True)
        if not self._dialect.header:
            end = 0
        alone = end == len(head) and not any(blocks)
        self._records.use(head[:end] if end else None, alone=alone)
        if not self._records.header.fault:
            self._start += end
        if self._records.unknown:
            told = ", ".join(self._records.unknown)
            self.notes += (f"fields that the contract does not name are in _rescued: {told}",)

    def _cut(self, *, hashed: bool = False) -> Iterator[Records]:
        return self._cutter.cut(self._text(hashed))

    def _text(self, hashed: bool) -> Iterator[bytes]:
        """The file's records as UTF-8."""
        passed = 0
        for block in Utf8(self._blocks.stream(hashed=hashed), self._dialect.encoding):
            if passed < self._start:
                part = block[self._start - passed :]
                passed += len(block)
                if part:
                    yield part
            else:
                yield block

    def _counted(self, found: Iterator[Records]) -> Iterator[Records]:
        for chunk in found:
            self._read += chunk.count
            length = chunk.size or len(chunk.data)
            self._index.append(_Entry(chunk.first, chunk.offset, length, chunk.size, chunk.ended))
            yield chunk
        if self._blocks.damage:
            # The damage is a record of its own, so that the accounting shows it.
            self._read += 1

    def _batches(
        self, schema: pa.Schema, width: int, used: Mapping[int, bool]
    ) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            for chunk in self._rest:
                found = self._records.splitter.columns(chunk, width, used) if used else None
                if found:
                    columns, positions = found
                    yield pa.record_batch([*columns, pa.array(positions)], schema=schema)
        except (OSError, HeadgateError) as error:
            # Through the engine it would come out as the engine's; who asks for the count gets it.
            self._failure = error

    def _relation(self, source: str) -> str:
        inner, outer, guards = [], [], []
        for i, column in enumerate(self._columns):
            place = self._records.places[column.name]
            if place is None:
                inner.append(f"NULL::{types.duckdb_type(column.type)} AS v{i}")
            else:
                cast, x = texts.lossless(column.type, self._dialect), f"c{place}"
                inner += [f"{cast.value.format(x=x)} AS v{i}", f"{x} AS x{i}"]
                if cast.guard:
                    guards.append(f"(x{i} IS NULL OR ({cast.guard.format(x=f'x{i}', v=f'v{i}')}))")
            outer.append(f"v{i} AS {identifier(column.name)}")
        places = self._records.unknown_places
        unknown = [n for n in self._records.header.names if n in places]
        kept = casts.rescued(
            dict.fromkeys(unknown, "VARCHAR"), {n: f"c{places[n]}" for n in unknown}
        )
        where = f" WHERE {kept.guard}" if kept and kept.guard else ""
        return (
            f"(SELECT {', '.join(outer)}, _rescued, _position FROM (SELECT {', '.join(inner)},"
            f" {kept.value if kept else 'NULL::VARCHAR'} AS _rescued, _position"
            f" FROM {source}{where}) WHERE {' AND '.join(guards) or 'TRUE'})"
        )

    def _chunks_with(self, wanted: Positions) -> Iterator[Records]:
        """The chunks that hold wanted records; of a plain file in UTF-8 only those are read."""
        if not len(wanted):
            return
        plain = self._source.compression == "none"
        if not plain or self._encoding != "utf-8":
            for chunk in self._cut():
                if chunk.first > wanted[-1]:
                    return
                yield chunk
            return
        firsts = np.array([entry.first for entry in self._index])
        for index in np.unique(np.searchsorted(firsts, wanted, side="right") - 1).tolist():
            entry = self._index[index]
            kept = min(entry.length, RAW_KEPT) if entry.size else entry.length
            data = self._blocks.at(self._mark + self._start + entry.offset, kept)
            ends = np.array([len(data)]) if entry.size else self._cutter.again(data)
            yield Records(entry.first, entry.offset, data, ends, entry.size, entry.ended)
        self._blocks.check_unchanged()
