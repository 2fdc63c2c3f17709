"""Taking one file's rows in, as far as no table is touched: read, proven, judged, staged, told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from headgate.ingest import deletions
from headgate.ingest.duplicates import Duplicates, resolve
from headgate.ingest.judging import CHUNK, Loading, conflict_reason, take_exact
from headgate.ingest.readers.base import ExactRow, Positions, Reader, Scan, SourceFile, open_reader
from headgate.ingest.taken import Taken
from headgate.lake.engines.duckdb import Connection, identifiers, literal, one
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate, quarantine
from headgate.quality.predicates import conjunction

#: Characters of raw text beyond which a piece of exact rows has no more of them.
_CHUNK_WEIGHT = 16 << 20
#: What the engine asked for when a file claims what it does not hold: gigabytes in one piece.
_ALLOCATED = re.compile(r"allocate [^(]*[0-9] [GT]i?B")


def take(loading: Loading, source: SourceFile, at: str, *, judging: bool = True) -> Taken:
    """Read, prove, judge and stage the file; rows say that they were taken at the instant ``at``.

    Without ``judging`` it is read, and all rows that can be typed are staged: others compare them,
    by rules that ``loading`` has none of here.

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
    """
    contract, session = loading.contract, loading.session
    if contract.delivery.snapshot and judging:
        deletions.forget_present(loading.con, contract)
    reader = open_reader(contract, source, session.settings)
    try:
        staged = _stage_proven(loading, reader, at)
        writer = quarantine.Writer(
            loading.con, contract, session, source.name, reader.content_hash, loading.batch_id
        )
        intake = gate.Intake(reader.read, staged, writer, control_total=reader.control_total)
        _take_rest(loading, reader, intake, at)
        dead: list[StagedFile] = []
        present: list[StagedFile] = []
        if judging:
            _settle(loading, reader, intake)
            intake.staged, dead = deletions.part(loading.con, contract, intake.staged, session)
            present = deletions.stage_present(loading.con, contract, session)
        writer.flush()
        return Taken(
            content_hash=reader.content_hash, read=intake.read, staged=tuple(intake.staged),
            refused=tuple(writer.files), quarantined=writer.rows, codes=writer.codes,
            deduplicated=intake.deduplicated, conflicts=intake.conflicts,
            breaches=intake.breaches, reading=intake.reading, warnings=intake.warnings,
            control_total=intake.control_total, tombstones=tuple(dead),
            present=tuple(present),
            notes=tuple(reader.notes),
        )  # fmt: skip
    finally:
        reader.close()


def _stage_proven(loading: Loading, reader: Reader, at: str) -> list[StagedFile]:
    """The rows that are proven and break no rule, staged.

    A file so damaged that the engine fails on it is left to the exact look as a whole.
    """
    import duckdb

    try:
        return _stage_scan(loading, reader.scan(loading.con), at)
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException) and not _ALLOCATED.search(str(error)):
            raise
        return _stage_scan(loading, reader.scan(loading.con, careful=True), at)


def _stage_scan(loading: Loading, scan: Scan, at: str) -> list[StagedFile]:
    """One pass: read, prove, judge and write. What breaks a rule or is not proven is left out."""
    con, contract = loading.con, loading.contract
    before = {k: one(con, "SELECT current_setting(?)", [k])[0] for k in scan.settings}
    own = identifiers(c.name for c in contract.columns)
    query = (
        f"SELECT {own}, {loading.ingest_columns(at)} FROM {scan.relation}"
        f" WHERE {conjunction(loading.judged)}"
    )
    try:
        for name, value in scan.settings.items():
            con.execute(f"SET {name} = {literal(value)}")
        return stage(
            con, query, contract.table_columns, loading.session.staging, loading.session.settings
        )
    finally:
        for name, found in before.items():
            con.execute(f"SET {name} = {literal(found)}")


def _take_rest(loading: Loading, reader: Reader, intake: gate.Intake, at: str) -> None:
    """Look at every record that was not staged."""
    session, contract, writer = loading.session, loading.contract, intake.refused_rows
    missing = _missing(loading.con, intake.staged, reader.read)
    most = gate.share_limit(session, contract) * reader.read
    for chunk in _chunks(reader.exact(missing) if len(missing) else iter(())):
        take_exact(loading, intake, [(r, r.position) for r in chunk], at)
        if writer.rows > most:
            # The batch is refused whatever follows: do not fill the disk with its rows.
            break


def _settle(loading: Loading, reader: Reader, intake: gate.Intake) -> None:
    """Leave one row a key among the staged rows, and set those aside that contradict each other."""
    contract, writer = loading.contract, intake.refused_rows
    drop = resolve(loading.con, contract, intake.staged, loading.session)
    if drop.conflicts:
        _still_present(loading, intake.staged, drop)
        wanted = np.array(sorted(drop.conflicts), dtype=np.int64)
        for row in reader.exact(wanted):
            writer.add(row.position, row.raw, [conflict_reason(contract, drop, row.position)])
    intake.staged = drop.staged
    intake.deduplicated += drop.repeated
    intake.conflicts = len(drop.conflicts)


def _still_present(loading: Loading, staged: Sequence[StagedFile], drop: Duplicates) -> None:
    """Rows that contradict each other are set aside, and yet their keys were delivered."""
    if loading.contract.delivery.snapshot:
        rows = relation([f.as_data_file() for f in staged], loading.contract.table_columns)
        places = ", ".join(map(str, drop.conflicts))
        query = f"SELECT * FROM {rows} WHERE _position IN ({places})"
        deletions.still_present(loading.con, loading.contract, query)


def _missing(con: Connection, staged: Sequence[StagedFile], read: int) -> Positions:
    """The positions in 1..read that are not among the staged rows."""
    if sum(f.rows for f in staged) == read:
        return np.empty(0, dtype=np.int64)
    seen = np.zeros(read + 1, dtype=bool)
    seen[0] = True
    if staged:
        files = relation([f.as_data_file() for f in staged], {"_position": "long"})
        # A cursor of its own: a result that is streamed keeps its connection from other work.
        with con.cursor() as own:
            found = own.sql(f"SELECT _position FROM {files}").to_arrow_reader(1_000_000)
            for batch in found:
                seen[batch.column(0).to_numpy(zero_copy_only=False)] = True
    return np.flatnonzero(~seen).astype(np.int64)


def _chunks(rows: Iterable[ExactRow]) -> Iterator[list[ExactRow]]:
    """The rows in pieces that are bounded by count and by what they weigh."""
    chunk: list[ExactRow] = []
    weight = 0
    for row in rows:
        chunk.append(row)
        weight += len(row.raw)
        if len(chunk) >= CHUNK or weight >= _CHUNK_WEIGHT:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk
