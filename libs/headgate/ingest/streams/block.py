"""The values of a micro-batch as one block of lines, of which the engine proves what it can.

A message is line ``i + 1`` of its block, whatever stands in it: one that would break the lines (it
holds a line feed, or nothing) is an empty line there, which proves nothing, and is looked at alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core.settings import Settings
from headgate.ingest.lines import layout, proof
from headgate.ingest.lines.chunks import Chunk
from headgate.ingest.shapes.nested import Nested
from headgate.lake.engines.duckdb import Connection

#: What must be in force on the connection while a block's relation is read.
SETTINGS: Mapping[str, str] = proof.SETTINGS
#: Share of a block that must be proven; below it the way of proving is chosen anew.
_ENOUGH = 0.9
#: Lines by which a way of proving is chosen.
_SAMPLE = 400
#: Arrow batches of a block: the engine's threads take one each.
_PIECES = 4


class Prover:
    """Chooses how blocks of a contract's stream are proven, and goes on so while that works."""

    def __init__(self, con: Connection, contract: Contract, settings: Settings) -> None:
        self._con, self._contract, self._settings = con, contract, settings
        self._plain = mapping(contract).plain and settings.max_nesting > 1
        self._layout: layout.Layout | None = None
        self._nested: Nested | None = None
        self._chosen = False

    def relation(self, name: str, values: Sequence[bytes | None]) -> str:
        """SQL for the proven rows of the block of these values, which is registered as ``name``: the
        contract's columns, ``_rescued``, and ``_position``, which counts messages from 1."""
        if not self._chosen:
            self._choose(values)
        return self._shown(name, _chunk(values))

    def learn(self, proven: int, of: int) -> None:
        """So many were proven of so many; if that is too few, the next block's way is chosen anew."""
        self._chosen = proven >= _ENOUGH * of

    def _shown(self, name: str, chunk: Chunk) -> str:
        import pyarrow as pa

        if self._nested is not None:
            batch = self._shape(chunk, self._nested)
            sql = self._nested.relation(name)
        else:
            batch = chunk.batch(_schema(), self._settings.max_record_bytes)
            sql = proof.relation(name, self._contract.columns, self._layout)
        size = max(1, -(-batch.num_rows // _PIECES))
        pieces = [batch.slice(at, size) for at in range(0, batch.num_rows, size)]
        self._con.register(name, pa.Table.from_batches(pieces, batch.schema))
        return sql

    def _choose(self, values: Sequence[bytes | None]) -> None:
        """By writing back, where that proves most of a sample, or as much as their shapes do."""
        sample = values[:: max(1, len(values) // _SAMPLE)]
        lines = [v + b"\n" for v in sample if v and b"\n" not in v]
        self._layout, self._nested = None, None
        known = layout.learn(lines, self._contract.columns) if self._plain and lines else None
        self._layout, written = known, 0
        if known is not None:
            written = self._count(sample)
        if not lines or written >= _ENOUGH * len(lines):
            return
        self._nested = Nested(self._contract, self._settings)
        if self._count(sample) <= written:
            self._nested = None

    def _count(self, values: Sequence[bytes | None]) -> int:
        """How many of the values are proven in the way that is chosen now."""
        name = "_stream_sample"
        sql = self._shown(name, _chunk(values))
        try:
            return int(self._con.execute(f"SELECT count(*) FROM {sql}").fetchall()[0][0])
        finally:
            self._con.unregister(name)

    def _shape(self, chunk: Chunk, nested: Nested) -> Any:
        ends = chunk.ends
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        look = nested.shapes.look(chunk.data, starts, ends - 1)
        return nested.batch(look, np.arange(1, 1 + len(ends)))


def _chunk(values: Sequence[bytes | None]) -> Chunk:
    """The values as lines, each as long as its number says."""
    try:
        data = b"\n".join(values) + b"\n"  # type: ignore[arg-type]
    except TypeError:  # one has no value
        data = b""
    if data.count(b"\n") != len(values):
        data = b"\n".join([b"" if v is None or b"\n" in v else v for v in values]) + b"\n"
    return Chunk(1, 0, data)


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema([("line", pa.string()), ("_position", pa.int64())])
