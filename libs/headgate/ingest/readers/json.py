"""JSON documents, plain or compressed: the records that stand in one, cut out as it streams by.

A record is an element of an array of the document, of an array inside such an element, or a part
of the document; the contract's mapping says which. Records of a shape that is known are proven
(:mod:`headgate.ingest.shapes.nested`); the others, and all damage, are looked at exactly.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError, RefusedError
from headgate.core.settings import Settings
from headgate.ingest.documents.document import Document
from headgate.ingest.documents.feed import Feed
from headgate.ingest.documents.records import Chunk
from headgate.ingest.documents.structure import Places
from headgate.ingest.documents.units import Units
from headgate.ingest.lines import proof
from headgate.ingest.readers.base import (
    ExactRow,
    Positions,
    RawReader,
    Reason,
    Scan,
    SourceFile,
)
from headgate.ingest.shapes.nested import Nested
from headgate.ingest.streamed import Streamed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

EXTENSIONS = (".json",)
#: What a contract may say of the source beside format and path.
OPTIONS = {
    "records": "where the records stand: $, $.field, $[*], $.items[*] or the like",
    "ignore": "places in the record that no column takes and that are left out on purpose",
    "controlTotal": "where the document says how many elements the array of the records has",
}


class _Counted(NamedTuple):
    """A chunk, and the position of each unit's first record."""

    chunk: Chunk
    positions: Places


class _Entry(NamedTuple):
    """Where a chunk stands: its first record's position and where its bytes begin; then its
    units' starts and ends and how many records each has, packed."""

    first: int
    offset: int
    length: int
    size: int
    ended: bool
    units: bytes


def open_file(contract: Contract, source: SourceFile, settings: Settings) -> JsonDocument:
    """A reader on one file that is a JSON document.

    Raises:
        ContractError: a column takes a value that holds the records themselves.
    """
    return JsonDocument(contract, source, settings)


def raw_reader(contract: Contract, settings: Settings) -> RawReader:
    """What reads a refused record again, from a document that holds nothing else."""
    units = Units(contract, settings)

    def read(position: int, raw: bytes) -> ExactRow:
        document = Document([raw], units.places, 2 * settings.max_record_bytes, units.objection)
        document.open()
        rows = [units.whole(document)] if document.whole else []
        for chunk in document.chunks():
            around = units.document(document)
            for start, end in zip(chunk.starts, chunk.ends, strict=True):
                unit = chunk.data[start:end]
                rows += units.rows(1, around, unit, size=chunk.size)
        if len(rows) == 1 and not document.damage:
            return rows[0]._replace(position=position)
        told = Reason("no_records", None, f"expected one record, got {len(rows)}")
        text = raw.decode("utf-8", "backslashreplace")
        return ExactRow(position, text, None, (document.damage or told,))

    return read


class JsonDocument(Streamed):
    """See :class:`headgate.ingest.readers.base.Reader`. Damage that is no record's own counts as one."""

    def __init__(self, contract: Contract, source: SourceFile, settings: Settings) -> None:
        super().__init__(source)
        self._blocks.max_ratio = settings.max_unpack_ratio
        self._contract, self._settings = contract, settings
        self._units = Units(contract, settings)
        self._places = self._units.places
        self._stream: Iterator[bytes] = iter(())
        self._document = self._opened(self._stream)
        self._index: list[_Entry] = []

    @property
    def control_total(self) -> tuple[int | None, int] | None:
        """How many elements the document says its array has (None: it does not say so), and how
        many there are; None if the contract asks for no such comparison."""
        where = self._places.control_total
        if where is None:
            return None
        self._finish()
        said: object = self._document.value if self._document.complete else None
        for step in where.steps:
            said = said.get(step) if isinstance(said, dict) else None
        return said if type(said) is int else None, self._document.count

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The proven rows; see the protocol."""

        self._unregister()
        self._read, self._index, self._failure = 0, [], None
        nested = Nested(self._contract, self._settings)
        for hasty in (True, False):
            self._stream = self._blocks.stream(hashed=True)
            self._document = self._opened(self._stream, nested, hasty=hasty)
            self._document.open()
            if self._places.arrays or not self._document.damage:
                break
        if self._document.marked:
            self.notes = ("a byte order mark at the beginning was skipped",)
        found = None if careful else self._units.constants(self._document)
        self._rest = self._counted()
        batches = self._batches(nested, proven=found is not None and bool(self._places.arrays))
        name = self._register(con, nested.schema, batches)
        return Scan(nested.relation(name, found or {}), proof.SETTINGS)

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The records at ``positions``; see the protocol."""
        self._finish()
        wanted = np.asarray(positions, dtype=np.int64)
        damage = self._damage()
        last = len(wanted) and wanted[-1] == self._read and damage
        if last:
            wanted = wanted[:-1]
        if self._document.whole and len(wanted):
            yield self._units.whole(self._document)
        elif len(wanted):
            yield from self._looked_at(wanted)
        if last and damage:
            document = self._document
            shown = document.rest if document.count else document.beginning
            yield ExactRow(self._read, shown.decode("utf-8", "backslashreplace"), None, (damage,))

    def _opened(
        self, blocks: Iterable[bytes], nested: Nested | None = None, *, hasty: bool = False
    ) -> Document:
        return Document(
            blocks,
            self._places,
            self._settings.max_record_bytes,
            self._units.objection,
            nested.judge if nested else None,
            # With an array to go through, haste behind it could not be mended any more.
            hasty=hasty and not self._places.arrays,
        )

    def _damage(self) -> Reason | None:
        """What is wrong with the file apart from its units: a record of its own."""
        if self._blocks.damage:
            return Reason("corrupt_compression", None, self._blocks.damage)
        return self._document.damage

    def _counted(self) -> Iterator[_Counted]:
        """The chunks, and the position of each unit's first record."""
        document, several = self._document, len(self._places.arrays) > 1
        self._read = int(document.whole)
        for chunk in document.chunks():
            counts = np.ones(chunk.units, dtype=np.int64)
            if several:
                counts = chunk.inner.copy()
                for unit in np.flatnonzero(counts < 0).tolist():
                    raw = chunk.data[chunk.starts[unit] : chunk.ends[unit]]
                    ended = chunk.ended or unit + 1 < chunk.units
                    counts[unit] = self._units.count(raw, ended=ended, size=chunk.size)
            positions = self._read + 1 + np.cumsum(counts) - counts
            packed = np.diff(np.stack((chunk.starts, chunk.ends, counts)), prepend=0)
            self._index.append(
                _Entry(
                    self._read + 1, chunk.offset, len(chunk.data), chunk.size, chunk.ended,
                    zlib.compress(packed.astype(np.int32).tobytes(), 1),
                )
            )  # fmt: skip
            self._read += int(counts.sum())
            yield _Counted(chunk, positions)
        for _ in self._stream:  # what lies behind damage counts for the hash
            pass
        if document.count and document.damage and document.damage.code == "duplicate_field":
            raise RefusedError(
                f"{self._source.name}: {document.damage.detail}.",
                remedy="Which is meant cannot be known; nothing of the file was published.",
            )
        # Damage is a record of its own, so that the accounting shows it.
        self._read += self._damage() is not None

    def _batches(self, nested: Nested, *, proven: bool) -> Iterator[pa.RecordBatch]:
        """The records that are proven by their shape."""
        try:
            for chunk, positions in self._rest:
                if proven and not chunk.size and chunk.proven.any():
                    yield nested.batch_of(chunk.starts, chunk.ends, positions)
        except (OSError, HeadgateError) as error:
            # Through the engine it would come out as the engine's; who asks for the count gets it.
            self._failure = error

    def _looked_at(self, wanted: Positions) -> Iterator[ExactRow]:
        """The records at ``wanted``, which all stand in units; of a plain file only the chunks
        that hold them are read."""
        around = self._units.document(self._document)
        firsts = np.array([entry.first for entry in self._index])
        found = np.searchsorted(firsts, wanted, side="right") - 1
        entries = [self._index[i] for i in np.unique(found).tolist()]
        for entry, data in zip(entries, self._pieces(entries), strict=True):
            packed = np.frombuffer(zlib.decompress(entry.units), np.int32).reshape(3, -1)
            starts, ends, counts = np.cumsum(packed, axis=1, dtype=np.int64)
            positions = entry.first + np.cumsum(counts) - counts
            low, high = np.searchsorted(wanted, [entry.first, entry.first + counts.sum()])
            mine = set(wanted[low:high].tolist())
            units = np.searchsorted(positions, wanted[low:high], side="right") - 1
            for unit in np.unique(units).tolist():
                ended = entry.ended or unit + 1 < len(starts)
                raw = data[starts[unit] : ends[unit]]
                for row in self._units.rows(
                    int(positions[unit]), around, raw, ended=ended, size=entry.size
                ):
                    if row.position in mine:
                        yield row

    def _pieces(self, entries: Sequence[_Entry]) -> Iterator[bytes]:
        """The bytes of chunks, which come in the file's order."""
        if self._source.compression == "none":
            for entry in entries:
                yield self._blocks.at(entry.offset, entry.length)
            self._blocks.check_unchanged()
            return
        feed = Feed(self._blocks.stream())
        for entry in entries:
            while feed.offset + len(feed.data) < entry.offset + entry.length and feed.more():
                feed.at = min(entry.offset - feed.offset, len(feed.data))
                feed.drop()
            start = entry.offset - feed.offset
            yield feed.data[start : start + entry.length]
