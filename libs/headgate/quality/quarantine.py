"""Quarantine: the Delta table beside a dataset that keeps every refused row until someone acts.

A row is open until it is replayed (its content is in the table now), waived (someone said, with
a reason, that it may stay out) or superseded (its file or model run was delivered anew).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core import clock, failpoints
from headgate.core import ids as core_ids
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError, UsageError
from headgate.lake import attempts
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import Connection, connect, literal, one
from headgate.lake.lake import Lake
from headgate.lake.merge import merge_by_key
from headgate.lake.meta import CommitMeta
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.lake.stage import StagedFile, stage

STATES = ("open", "replayed", "waived", "superseded")
#: Columns of every quarantine table. What a retry of the same batch may write differently has a
#: leading underscore, so that twice is once.
COLUMNS: Mapping[str, str] = {
    "row_id": "string",
    "dataset": "string",
    "source": "string",
    "content_hash": "string",
    "position": "long",
    "raw": "string",
    "reasons": "json",
    "codes": "array<string>",
    "state": "string",
    "state_by": "string",
    "state_why": "string",
    "state_at": "timestamp",
    "_batch_id": "string",
    "_quarantined_at": "timestamp",
}
KEY = ("row_id",)
#: Codes of a file that was set aside as a whole: its row has no raw text to be replayed from, and
#: it is tried anew when the settings of reading change.
WHOLE_FILE = (
    "reader_memory", "reader_time", "reader_output", "reader_crashed", "unpacks_too_far",
    "too_many_fields", "corrupt_file", "encrypted",
)  # fmt: skip


@dataclass(frozen=True)
class QuarantinedRow:
    """One refused row: its raw text, where it stood, every reason, and its state."""

    id: str
    dataset: str
    source: str
    content_hash: str
    position: int
    raw: str
    reasons: tuple[Mapping[str, Any], ...]
    state: str
    state_by: str | None
    state_why: str | None
    state_at: datetime | None
    quarantined_at: datetime


def is_whole_file(row: QuarantinedRow) -> bool:
    """Whether the row stands for a file that was set aside as a whole."""
    codes = [r["code"] for r in row.reasons]
    return row.position == 1 and not row.raw and bool(codes) and codes[0] in WHOLE_FILE


def row_id(dataset: str, content_hash: str, position: int | str) -> str:
    """The id of a refused row: always the same for one place in one content."""
    return core_ids.name_based(dataset, content_hash, str(position))


class Writer:
    """Refused rows of one batch, staged in bounded pieces; nothing is committed here."""

    def __init__(self, con: Connection, contract: Contract, session: Session,
                 source: str, content_hash: str, batch_id: str) -> None:  # fmt: skip
        self.con, self.contract, self.session = con, contract, session
        self.source, self.content_hash, self.batch_id = source, content_hash, batch_id
        self.files: list[StagedFile] = []
        self.rows = 0
        self.row_ids: list[str] = []
        self.codes: dict[str, int] = {}
        self._pending: list[dict[str, Any]] = []
        self._at = clock.now()

    def add(self, position: int, raw: str, reasons: Sequence[Mapping[str, Any]], *,
            identity: str | None = None) -> None:  # fmt: skip
        """One refused row with every reason (mappings with code, column, detail)."""
        codes = list(dict.fromkeys(str(r["code"]) for r in reasons))
        for code in codes:
            self.codes[code] = self.codes.get(code, 0) + 1
        if identity is None and not self.content_hash:
            # A row that was stored: its file may have been delivered several times by one name.
            identity = core_ids.digest(self.source, str(position), raw)
        self.row_ids.append(row_id(self.contract.id, self.content_hash, identity or position))
        self._pending.append(
            {
                "row_id": self.row_ids[-1],
                "dataset": self.contract.id,
                "source": self.source,
                "content_hash": self.content_hash,
                "position": position,
                "raw": raw,
                "reasons": hjson.dumps(list(reasons)),
                "codes": codes,
                "state": "open",
                "_batch_id": self.batch_id,
                "_quarantined_at": self._at,
            }
        )
        self.rows += 1
        if len(self._pending) >= 20_000:
            self.flush()

    def flush(self) -> None:
        """Stage what is pending."""
        if self._pending:
            folder = self.session.staging / "quarantine"
            self.files += _stage_rows(self.con, self._pending, folder, self.session)
            self._pending.clear()


def put(session: Session, con: Connection, contract: Contract, files: Sequence[StagedFile],
        meta: CommitMeta) -> Snapshot | None:  # fmt: skip
    """Commit staged refused rows; rows that are there already (a retry) are left as they are."""
    if not files:
        return session.lake.snapshot(contract.id, quarantine=True)

    def once() -> Snapshot:
        base = session.lake.snapshot(contract.id, quarantine=True)
        rows = _without_waived(con, session, base, files)
        plan = merge_by_key(
            con, base, rows, columns=COLUMNS, key=KEY, order_column=None,
            folder=session.staging / "quarantine", settings=session.settings,
        )  # fmt: skip
        if base is not None and not plan.add and not plan.remove:
            return base
        own = dataclasses.replace(
            meta, kind="quarantine", mode="merge", read=plan.inserted + plan.updated,
            published=plan.inserted + plan.updated, quarantined=0, deduplicated=0, refused=0,
            verdicts=(), engine="duckdb",
        )  # fmt: skip
        snapshot = commit(
            session.lake, contract.id, base=base, columns=COLUMNS, add=plan.add,
            remove=plan.remove, meta=own, key=KEY, quarantine=True,
        )  # fmt: skip
        failpoints.reach("commit.quarantine_committed")
        return snapshot

    return attempts.again(session.lake, session.lake.key(contract.id, quarantine=True), once)


def _without_waived(con: Connection, session: Session, base: Snapshot | None,
                    files: Sequence[StagedFile]) -> Sequence[StagedFile]:  # fmt: skip
    """The staged rows less those that somebody waived already: what was decided stays decided."""
    if base is None:
        return files
    staged = relation([f.as_data_file() for f in files], COLUMNS)
    waived = f"(SELECT row_id, raw FROM {base.relation()} WHERE state = 'waived')"
    kept = (
        f"SELECT s.* FROM {staged} s ANTI JOIN {waived} w ON s.row_id = w.row_id AND s.raw = w.raw"
    )
    if one(con, f"SELECT count(*) FROM ({kept})")[0] == sum(f.rows for f in files):
        return files
    return stage(con, kept, COLUMNS, session.staging / "quarantine", session.settings)


def supersede(session: Session, con: Connection, contract: Contract, source: str,
              content_hash: str | None, meta: CommitMeta) -> int:  # fmt: skip
    """Close the open rows of earlier deliveries of ``source``; ``content_hash`` is the new one."""
    where = f"source = {literal(source)}"
    if content_hash is not None:
        where += f" AND content_hash <> {literal(content_hash)}"
    if content_hash and "tried_with" not in meta.detail:
        # Set aside as a whole by earlier settings, and taken now: by this or another name.
        whole = (
            f"content_hash = {literal(content_hash)} AND position = 1 AND raw = ''"
            f" AND _batch_id <> {literal(meta.batch_id)}"
            f" AND list_has_any(codes, {list(WHOLE_FILE)})"
        )
        where = f"({where}) OR ({whole})"
    why = f"delivered anew in batch {meta.batch_id}"
    return change_state(session, con, contract, where, "superseded", "headgate", why)


def change_state(session: Session, con: Connection, contract: Contract, where: str, state: str,
                 by: str, why: str) -> int:  # fmt: skip
    """Move the open rows that satisfy the SQL ``where`` to ``state``; tells how many there were."""

    def once() -> int:
        base = session.lake.snapshot(contract.id, quarantine=True)
        if base is None:
            return 0
        chosen = f"SELECT * FROM {base.relation()} WHERE state = 'open' AND ({where})"
        if not one(con, f"SELECT count(*) FROM ({chosen})")[0]:
            return 0
        changed = (
            f"SELECT * REPLACE ({literal(state)} AS state, {literal(by)} AS state_by,"
            f" {literal(why)} AS state_why, {literal(clock.iso())}::TIMESTAMPTZ AS state_at)"
            f" FROM ({chosen})"
        )
        folder = session.staging / "quarantine"
        files = stage(con, changed, base.columns, folder, session.settings)
        plan = merge_by_key(
            con, base, files, columns=base.columns, key=KEY, order_column=None, folder=folder,
            settings=session.settings,
        )  # fmt: skip
        meta = CommitMeta(
            batch_id=core_ids.new_id(), run_id=session.run_id, dataset=contract.id, kind="quarantine",
            mode="merge", source=state, content_hash="", contract_version=contract.version,
            contract_hash=contract.hash, committed_at=clock.now(), read=plan.updated,
            published=plan.updated, detail={"by": by, "why": why},
        )  # fmt: skip
        commit(session.lake, contract.id, base=base, columns=base.columns, add=plan.add,
               remove=plan.remove, meta=meta, quarantine=True)  # fmt: skip
        return plan.updated

    return attempts.again(session.lake, session.lake.key(contract.id, quarantine=True), once)


def where_clause(*, ids: Sequence[str] | None = None, reason: str | None = None) -> str:
    """The SQL that picks rows by id or by reason code; all rows if neither is given."""
    parts = []
    if ids:
        parts.append(f"row_id IN ({', '.join(literal(i) for i in ids)})")
    if reason:
        parts.append(f"list_contains(codes, {literal(reason)})")
    return " AND ".join(parts) or "TRUE"


def list_rows(lake: Lake, contract: Contract, *, state: str | None = "open", limit: int | None = 50,
              reason: str | None = None, ids: Sequence[str] | None = None) -> list[QuarantinedRow]:  # fmt: skip
    """Refused rows by source and position; ``state`` None means every state.

    Raises:
        UsageError: no such state.
    """
    if state is not None and state not in STATES:
        raise UsageError(f"no state {state!r}.", remedy=f"Use one of {', '.join(STATES)}.")
    base = lake.snapshot(contract.id, quarantine=True)
    if base is None:
        return []
    where = where_clause(ids=ids, reason=reason)
    if state:
        where += f" AND state = {literal(state)}"
    with connect(lake.settings) as con:
        found = con.execute(
            "SELECT row_id, dataset, source, content_hash, position, raw, reasons, state, state_by,"
            f" state_why, state_at, _quarantined_at FROM {base.relation()} WHERE {where}"
            " ORDER BY source, position, row_id" + (f" LIMIT {int(limit)}" if limit else "")
        ).fetchall()
    return [QuarantinedRow(*(*r[:6], tuple(hjson.loads(r[6])), *r[7:])) for r in found]


def counts(lake: Lake, contract: Contract) -> list[tuple[str, str, int]]:
    """``(reason code, state, rows)``, most rows first; a row counts under each of its reasons."""
    base = lake.snapshot(contract.id, quarantine=True)
    if base is None:
        return []
    with connect(lake.settings) as con:
        return con.execute(
            f"SELECT code, state, count(*) FROM (SELECT unnest(codes) AS code, state FROM"
            f" {base.relation()}) GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).fetchall()


def open_rows(lake: Lake, con: Connection, dataset: str) -> int:
    """How many rows wait for somebody."""
    base = lake.snapshot(dataset, quarantine=True)
    if base is None:
        return 0
    query = f"SELECT count(*) FROM {base.relation(['state'])} WHERE state = 'open'"
    return int(one(con, query)[0])


def waive(lake: Lake, contract: Contract, *, by: str, why: str, ids: Sequence[str] | None = None,
          reason: str | None = None, everything: bool = False) -> int:  # fmt: skip
    """Let open rows stay out for good, and say who decided it and why; tells how many.

    Raises:
        UsageError: nobody, no reason, or no row is named.
        NotFoundError: no open row is meant.
    """
    if not by.strip() or not why.strip():
        raise UsageError("a waiver needs who and why.", remedy="Give --by and --why.")
    if not (ids or reason or everything):
        raise UsageError("which rows?", remedy="Give row ids, --reason CODE or --all.")
    run_id = core_ids.new_id()
    with lake.run_lock(run_id, "quarantine waive"), connect(lake.settings) as con:
        session = Session(lake, con, run_id)
        where = where_clause(ids=ids, reason=reason)
        changed = change_state(session, con, contract, where, "waived", by, why)
        lake.sweep_staging()
    if not changed:
        raise NotFoundError(f"no open row of {contract.id} matches.")
    return changed


def _stage_rows(con: Connection, rows: Iterable[Mapping[str, Any]], folder: Path,
                session: Session) -> list[StagedFile]:  # fmt: skip
    import pyarrow as pa

    schema = pa.schema([(c, types.arrow_type(t)) for c, t in COLUMNS.items()])
    table = pa.Table.from_pylist([{c: r.get(c) for c in COLUMNS} for r in rows], schema)
    con.register("_refused", table)
    try:
        return stage(con, "SELECT * FROM _refused", COLUMNS, folder, session.settings)
    finally:
        con.unregister("_refused")
