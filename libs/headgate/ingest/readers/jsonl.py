"""JSON lines, plain or compressed: one object a line, proven in SQL or looked at exactly.

Lines are proven by what they are when written back (:mod:`headgate.ingest.lines.proof`) where the
columns are fields of the line and a sample shows that it works; else by their shape
(:mod:`headgate.ingest.shapes.nested`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core.errors import ContractError, HeadgateError
from headgate.core.settings import Settings
from headgate.ingest.exact import RAW_KEPT, ExactRecords
from headgate.ingest.lines import chunks, layout, proof
from headgate.ingest.readers.base import ExactRow, Positions, Reason, Scan, SourceFile
from headgate.ingest.shapes.nested import Nested
from headgate.ingest.streamed import Streamed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXTENSIONS = (".jsonl", ".ndjson")
#: What a contract may say of the source beside format and path.
OPTIONS = {
    "records": "where the record stands in a line: $ or $.field",
    "ignore": "places in the record that no column takes and that are left out on purpose",
}
#: Bytes of each piece of a plain file that is looked at before it is read.
_PIECE = 1 << 16
#: Share of a sample that writing back must prove; else shapes are tried.
_ENOUGH = 0.9
_names = count(1)


class _Entry(NamedTuple):
    """Where a chunk stands in the file: lines are counted, offsets and lengths are bytes."""

    first: int
    lines: int
    offset: int
    length: int
    size: int
    ended: bool


def open_file(contract: Contract, source: SourceFile, settings: Settings) -> JsonLines:
    """A reader on one file of JSON lines.

    Raises:
        ContractError: the contract looks for several records in a line.
    """
    if mapping(contract).arrays:
        raise ContractError(
            f"{contract.id}: JSON lines hold one record each, and records names an array.",
            remedy="Use format json for documents, or leave records out.",
            place=f"{contract.path}#/customProperties/headgate.source",
        )
    return JsonLines(contract, source, settings)


class JsonLines(Streamed):
    """See :class:`headgate.ingest.readers.base.Reader`."""

    def __init__(self, contract: Contract, source: SourceFile, settings: Settings) -> None:
        super().__init__(source)
        self._blocks.max_ratio = settings.max_unpack_ratio
        self.layout: layout.Layout | None = None
        self._contract = contract
        self._columns = contract.columns
        self._plain = mapping(contract).plain
        self._settings = settings
        self._max_bytes = settings.max_record_bytes
        self._nesting = settings.max_nesting
        self._exact = ExactRecords(
            contract.columns,
            max_nesting=settings.max_nesting,
            max_record_bytes=settings.max_record_bytes,
            max_fields=settings.max_fields,
            places=mapping(contract),
        )
        self._start = 0  # where the first line starts: behind a byte order mark
        self._index: list[_Entry] = []

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The proven rows; see the protocol."""
        self._unregister()
        self._read, self._index, self._failure = 0, [], None
        self._rest = self._counted(self._cut(hashed=True))
        first = next(self._rest, None)
        sample = self._sample(first) if first is not None else []
        known = layout.learn(sample, self._columns) if self._plain else None
        self.layout = known if self._nesting > 1 and not careful else None
        if careful or self._written_back(con, sample):
            schema = _schema()
            name = self._register(con, schema, self._batches(first, schema))
            clean = self.layout is not None and self._looks_clean(con)
            sql = proof.relation(name, self._columns, self.layout, clean=clean)
        else:
            nested = Nested(self._contract, self._settings)
            sql = nested.relation(self._register(con, nested.schema, self._shaped(first, nested)))
        return Scan(sql, proof.SETTINGS)

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The records at ``positions``; see the protocol."""
        self._finish()
        wanted = np.asarray(positions, dtype=np.int64)
        damage = self._blocks.damage
        if damage and len(wanted) and wanted[-1] == self._read:
            wanted, damaged = wanted[:-1], True
        else:
            damaged = False
        for chunk in self._chunks_with(wanted):
            low, high = np.searchsorted(wanted, [chunk.first, chunk.first + chunk.lines])
            last = chunk.first + chunk.lines - 1
            for number, raw in chunk.pick(wanted[low:high]):
                ended = chunk.ended or number != last
                yield self._exact.read(number, raw, ended=ended, size=chunk.size)
        if damaged:
            reason = Reason("corrupt_compression", None, damage or "")
            yield ExactRow(self._read, "", None, (reason,))

    def _sample(self, first: chunks.Chunk) -> list[bytes]:
        """Lines from all over a plain file, from the first block of a compressed one."""
        pieces = list(self._pieces(8))
        if not pieces:
            lines = [line + b"\n" for line in first.data.split(b"\n")[:-1]]
            return lines[:: max(1, len(lines) // layout.SAMPLE)]
        each = layout.SAMPLE // len(pieces)
        return [line + b"\n" for piece in pieces for line in piece.split(b"\n")[1:-1][:each]]

    def _pieces(self, count: int) -> Iterator[bytes]:
        """So many pieces of a plain file, evenly spread; none of a small or a compressed one."""
        size = self._source.size
        if self._source.compression == "none" and size >= 2 * count * _PIECE:
            for place in range(count):
                yield self._blocks.at(place * (size - _PIECE) // (count - 1), _PIECE)

    def _written_back(self, con: duckdb.DuckDBPyConnection, sample: list[bytes]) -> bool:
        """Whether lines are proven by writing them back: if that proves most of the sample, or as
        many as their shapes do."""
        if self.layout is None or not sample:
            return self._plain and not sample
        chunk = chunks.Chunk(1, 0, b"".join(sample))
        nested = Nested(self._contract, self._settings)
        written = self._count(
            con,
            chunk.batch(_schema(), self._max_bytes),
            lambda name: proof.relation(name, self._columns, self.layout),
        )
        if written >= _ENOUGH * len(sample):
            return True
        return written >= self._count(con, self._shape(chunk, nested), nested.relation)

    def _count(
        self, con: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, sql: Callable[[str], str]
    ) -> int:
        """How many records of a batch are proven."""
        import pyarrow as pa

        name = f"_headgate_lines_{next(_names)}"
        con.register(name, pa.Table.from_batches([batch]))
        try:
            return int(con.execute(f"SELECT count(*) FROM {sql(name)}").fetchall()[0][0])
        finally:
            con.unregister(name)

    def _shape(self, chunk: chunks.Chunk, nested: Nested) -> pa.RecordBatch:
        """The records of a chunk that are proven by their shape."""
        ends = chunk.ends
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        lines = len(ends) - (chunk.size > 0 or not chunk.ended)  # the last one is cut, or may be
        look = nested.shapes.look(chunk.data, starts[:lines], ends[:lines] - 1)
        return nested.batch(look, np.arange(chunk.first, chunk.first + lines))

    def _looks_clean(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Whether every line of a fortieth of the file (8 MiB at most) is JSON."""
        import pyarrow as pa

        count = min(self._source.size // (40 * _PIECE), 128)
        pieces = self._pieces(count) if count > 1 else ()
        # A byte that is no UTF-8 makes its line null before it is parsed: here it does no harm.
        lines = [
            line for piece in pieces for line in piece.decode("utf-8", "replace").split("\n")[1:-1]
        ]
        if not lines:
            return False
        name = f"_headgate_lines_{next(_names)}"
        con.register(name, pa.table({"line": lines}))
        try:
            bad = con.execute(f"SELECT count(*) FROM {name} WHERE NOT json_valid(line)").fetchall()
        finally:
            con.unregister(name)
        return bool(bad[0][0] == 0)

    def _cut(self, *, hashed: bool = False) -> Iterator[chunks.Chunk]:
        return chunks.cut(self._unmarked(self._blocks.stream(hashed=hashed)), self._max_bytes)

    def _unmarked(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks without the byte order mark that some programs begin a file with."""
        head = b""
        for block in blocks:
            head += block
            if len(head) >= len(chunks.MARK):
                break
        if head.startswith(chunks.MARK):
            self._start = len(chunks.MARK)
            self.notes = ("a byte order mark at the beginning was skipped",)
            head = head[self._start :]
        yield from chain([head] if head else [], blocks)

    def _counted(self, found: Iterator[chunks.Chunk]) -> Iterator[chunks.Chunk]:
        for chunk in found:
            self._read += chunk.lines
            length = chunk.size or len(chunk.data)
            self._index.append(
                _Entry(chunk.first, chunk.lines, chunk.offset, length, chunk.size, chunk.ended)
            )
            yield chunk
        if self._blocks.damage:
            # The damage is a record of its own, so that the accounting shows it.
            self._read += 1

    def _batches(self, first: chunks.Chunk | None, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The lines of the file, to be written back."""
        for chunk in self._unfailing(first):
            yield chunk.batch(schema, self._max_bytes)

    def _shaped(self, first: chunks.Chunk | None, nested: Nested) -> Iterator[pa.RecordBatch]:
        """The records of the file that are proven by their shape."""
        for chunk in self._unfailing(first):
            yield self._shape(chunk, nested)

    def _unfailing(self, first: chunks.Chunk | None) -> Iterator[chunks.Chunk]:
        try:
            yield from chain([first] if first else [], self._rest)
        except (OSError, HeadgateError) as error:
            # Through the engine it would come out as the engine's; who asks for the count gets it.
            self._failure = error

    def _chunks_with(self, wanted: Positions) -> Iterator[chunks.Chunk]:
        """The chunks that hold wanted lines; of a plain file only those are read."""
        if not len(wanted):
            return
        if self._source.compression != "none":
            for chunk in self._cut():
                if chunk.first > wanted[-1]:
                    return
                yield chunk
            return
        firsts = np.array([entry.first for entry in self._index])
        for index in np.unique(np.searchsorted(firsts, wanted, side="right") - 1).tolist():
            entry = self._index[index]
            kept = min(entry.length, RAW_KEPT) if entry.size else entry.length
            data = self._blocks.at(self._start + entry.offset, kept)
            yield chunks.Chunk(entry.first, entry.offset, data, entry.size, entry.ended)
        self._blocks.check_unchanged()


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("line", pa.string()), ("_position", pa.int64())])
