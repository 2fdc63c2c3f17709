"""Taking messages in, as far as no table is touched: decoded, proven, judged, staged, told.

Where a file's reader works in a process of its own, messages are read in the stream's: what one of
them can ask for is bounded by the broker's largest message, the size of a batch, the limits of
records, and the engine's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from headgate.contracts.model import PLACE, Contract
from headgate.core import clock, ids
from headgate.ingest.judging import CHUNK, Loading, take_exact
from headgate.ingest.readers.base import ExactRow, Reason, raw_reader
from headgate.ingest.streams.block import SETTINGS, Prover
from headgate.ingest.streams.envelope import enveloped
from headgate.ingest.streams.source import Messages
from headgate.lake.engines.duckdb import identifiers, literal, one
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate, quarantine
from headgate.quality.parents import hold, wanted
from headgate.quality.predicates import compile_row_rules, conjunction

_BLOCK, _PLACES = "_stream_block", "_stream_places"
#: A message without a value, which compacted topics use to say that a key is gone.
NO_VALUE = Reason(
    "no_value", None, "the message has a key and no value: a deletion marker of a compacted topic"
)
#: Gives of each value its JSON text, or why there is none.
Decoder = Callable[[Sequence[bytes | None]], Sequence[bytes | Reason | None]]


def place_of(topic: str, partition: int) -> str:
    """What a partition is called in the column ``_source`` and in the log."""
    return f"{topic}/{partition}"


@dataclass
class Taking:
    """What stays between the batches of one stream."""

    session: Session
    contract: Contract
    topic: str
    decode: Decoder | None = None
    #: Whether rows are judged here; else every row that can be typed is staged.
    judges: bool = True
    _prover: Prover = field(init=False)
    _read: Callable[[int, bytes], ExactRow] = field(init=False)

    def __post_init__(self) -> None:
        session = self.session
        self._prover = Prover(session.con, self.contract, session.settings)
        self._read = raw_reader(self.contract, session.settings)

    def begin(self, messages: Messages) -> str:
        """The id of the batch as which the messages are to be taken."""
        return ids.new_id()

    def take(self, messages: Messages, batch_id: str) -> gate.Intake:
        """Stage the messages that break no rule, and set the others aside with every reason.

        Raises:
            HeadgateError: nothing can be staged.
        """
        with clock.held(clock.now()):  # everything a batch says of time is one instant
            return self._take(messages, batch_id, clock.iso())

    def _take(self, messages: Messages, batch_id: str, at: str) -> gate.Intake:
        session, con = self.session, self.session.con
        parents = wanted(session, self.contract) if self.judges else ()
        hold(con, parents, session.parents)
        tables = {p.rule_id: p.table for p in parents}
        rules = compile_row_rules(self.contract, parents=tables) if self.judges else ()
        loading = _Loading(session, self.contract, batch_id, self.topic, rules, tables)
        values, bad = self._decoded(messages)
        con.register(_PLACES, _places(messages))
        try:
            staged = self._stage_proven(loading, values, at)
            writer = self._writer(messages, batch_id)
            intake = gate.Intake(len(messages), staged, writer)
            rest = self._missing(staged, len(messages))
            self._prover.learn(len(messages) - len(rest), len(messages))
            for start in range(0, len(rest), CHUNK):
                rows = [self._exact(int(i), values, bad) for i in rest[start : start + CHUNK]]
                take_exact(loading, intake, [(r, r.position) for r in rows], at)
            writer.flush()
            return intake
        finally:
            con.unregister(_PLACES)

    def _writer(self, messages: Messages, batch_id: str) -> quarantine.Writer:
        """What sets messages aside, by their lines in the batch."""
        session = self.session
        writer = _Writer(session.con, self.contract, session, self.topic, "", batch_id)
        writer.messages = messages
        return writer

    def _decoded(self, messages: Messages) -> tuple[Sequence[bytes | None], dict[int, Reason]]:
        """The messages' JSON texts, and of those that have none (by index) why."""
        found: Sequence[Any] = messages.values
        bad: dict[int, Reason] = {}
        if self.decode is not None:
            found = self.decode(found)
            bad = {i: v for i, v in enumerate(found) if isinstance(v, Reason)}
            if bad:
                found = [None if isinstance(v, Reason) else v for v in found]
        if None in found:
            bad = {i: NO_VALUE for i, v in enumerate(messages.values) if v is None} | bad
        stream = self.contract.stream
        if stream is not None and stream.envelope:
            found = enveloped(messages, found)
        self._raw = messages.values
        return found, bad

    def _stage_proven(
        self, loading: _Loading, values: Sequence[bytes | None], at: str
    ) -> list[StagedFile]:
        """One pass: prove, judge and write."""
        con, contract, session = loading.con, self.contract, self.session
        proven = self._prover.relation(_BLOCK, values)
        own = identifiers(c.name for c in contract.columns)
        source, position = PLACE
        placed = (
            f"SELECT p.* EXCLUDE (_position), q.{source}, q.{position} FROM {proven} p"
            f" JOIN {_PLACES} q ON p._position = q._line"
        )
        query = (
            f"SELECT {own}, _rescued, {source}, {position}, {literal(loading.batch_id)} AS _batch_id,"
            f" {literal(at)}::TIMESTAMPTZ AS _ingested_at FROM ({placed})"
            f" WHERE {conjunction(loading.judged)}"
        )
        before = {k: one(con, "SELECT current_setting(?)", [k])[0] for k in SETTINGS}
        try:
            for name, value in SETTINGS.items():
                con.execute(f"SET {name} = {literal(value)}")
            return stage(con, query, contract.table_columns, session.staging, session.settings)
        finally:
            for name, found in before.items():
                con.execute(f"SET {name} = {literal(found)}")
            con.unregister(_BLOCK)

    def _missing(self, staged: Sequence[StagedFile], read: int) -> Any:
        """The lines from 1 to ``read`` that are not among the staged rows."""
        if sum(f.rows for f in staged) == read:
            return np.empty(0, dtype=np.int64)
        if not staged:
            return np.arange(1, read + 1)
        rows = relation(
            [f.as_data_file() for f in staged], {"_source": "string", "_position": "long"}
        )
        found = self.session.con.execute(
            f"SELECT _line FROM {_PLACES} q ANTI JOIN {rows} s ON q._source = s._source"
            " AND q._position = s._position ORDER BY 1"
        ).fetchnumpy()
        return found["_line"]

    def _exact(
        self, line: int, values: Sequence[bytes | None], bad: Mapping[int, Reason]
    ) -> ExactRow:
        """The exact look at one message; its position is its line."""
        why = bad.get(line - 1)
        if why is None:
            value = values[line - 1]
            assert value is not None
            return self._read(line, value)
        raw = self._raw[line - 1] or b""
        reasons = [why]
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "backslashreplace")
            told = "the message is no text; its other bytes are shown as \\xNN"
            reasons.append(Reason("raw_incomplete", None, told))
        return ExactRow(line, text, None, tuple(reasons))


@dataclass(frozen=True)
class _Loading(Loading):
    """Rows are told apart by their lines in the batch, and stored with their places in the stream."""

    def ingest_columns(self, at: str) -> str:
        """SQL for the columns that ingest adds, ``_rescued`` and the line being there."""
        source, position = (
            f"(SELECT q.{c} FROM {_PLACES} q WHERE q._line = _judged._position) AS {c}"
            for c in PLACE
        )
        return (
            f"_rescued, {source}, {position}, {literal(self.batch_id)} AS _batch_id,"
            f" {literal(at)}::TIMESTAMPTZ AS _ingested_at"
        )


class _Writer(quarantine.Writer):
    """Refused messages, each told by its place."""

    messages: Messages

    def add(
        self, position: int, raw: str, reasons: Sequence[Mapping[str, Any]], *,
        identity: str | None = None,
    ) -> None:  # fmt: skip
        """One refused message; ``position`` is its line in the batch."""
        index, messages = position - 1, self.messages
        self.source = place_of(messages.topic, messages.partitions[index])
        super().add(messages.offsets[index], raw, reasons, identity=identity)


def _places(messages: Messages) -> Any:
    """Where each line of the batch stands in the stream."""
    import pyarrow as pa

    known = sorted(set(messages.partitions))
    codes = {p: i for i, p in enumerate(known)}
    index = pa.array([codes[p] for p in messages.partitions], pa.int32())
    names = pa.array([place_of(messages.topic, p) for p in known], pa.string())
    return pa.table(
        {
            "_line": pa.array(np.arange(1, len(messages) + 1)),
            "_source": pa.DictionaryArray.from_arrays(index, names),
            "_position": pa.array(messages.offsets, pa.int64()),
        }
    )
