"""Refused rows read again from their raw text and judged by today's contract."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core import json as hjson
from headgate.ingest import deletions
from headgate.ingest.duplicates import resolve
from headgate.ingest.judging import CHUNK, Loading, conflict_reason, take_exact
from headgate.ingest.load import merge_plan
from headgate.ingest.readers.base import raw_reader
from headgate.ingest.stored import rows as stored
from headgate.lake.deletes import Deletes
from headgate.lake.engines.duckdb import literal
from headgate.lake.session import Session
from headgate.quality import gate, quarantine
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import compile_row_rules
from headgate.quality.quarantine import QuarantinedRow

#: A replay that is about to be committed: its dataset, its batch, and the rows that passed.
NOTE = "_state/replay.json"


def replay_rows(
    session: Session,
    contract: Contract,
    rows: Sequence[QuarantinedRow],
    *,
    batch_id: str,
    started: float,
) -> gate.Entry:
    """Judge open rows of one delivery again; those that pass are merged and marked replayed.

    The rows keep their source, position and time of delivery, so that a row which was delivered
    later under the same key is not undone. Those that still break a rule stay open.
    """
    source, content_hash = rows[0].source, rows[0].content_hash
    con = session.engine(contract)
    parents = parent_keys(session, con, contract)
    rules = compile_row_rules(contract, parents=parents)
    loading = Loading(session, contract, batch_id, source, rules, parents)
    if contract.delivery.snapshot:
        deletions.forget_present(con, contract)
    writer = quarantine.Writer(session.con, contract, session, source, content_hash, batch_id)
    intake = gate.Intake(len(rows), [], writer)
    was_stored = content_hash == stored.CONTENT_HASH
    read = stored.reader(contract) if was_stored else raw_reader(contract, session.settings)
    at = clock.iso(rows[0].quarantined_at)
    for start in range(0, len(rows), CHUNK):
        chunk = [
            (read(r.position, r.raw.encode("utf-8", "surrogatepass")), r.position)
            for r in rows[start : start + CHUNK]
        ]
        take_exact(loading, intake, chunk, at)
    settled = resolve(con, contract, intake.staged, session)
    raw = {r.position: r.raw for r in rows}
    for position in sorted(settled.conflicts):
        writer.add(position, raw[position], [conflict_reason(contract, settled, position)])
    intake.staged, dead = deletions.part(con, contract, settled.staged, session)
    # Refused rows are no snapshot by themselves, whatever they were delivered in.
    intake.deletes, intake.deduplicated = Deletes(dead), settled.repeated
    intake.conflicts = len(settled.conflicts)
    batch = gate.Batch(
        contract=contract, batch_id=batch_id, kind="replay", mode="merge", source=source,
        content_hash=content_hash, limited=False, started=started,
        inputs=session.versions(contract.parents),
    )  # fmt: skip
    outcome, meta = gate.publish(
        session,
        con,
        batch,
        intake,
        merge_plan(session, contract, intake, by_delivery=True),
        parents=parents,
        before_commit=lambda: _note(session, contract, batch_id, rows, writer),
    )
    if outcome.outcome == "published":
        settle(session, contract)
    return outcome, meta


def begun(session: Session) -> tuple[str, str] | None:
    """Dataset and batch of a replay whose rows were not marked yet; committed or not."""
    data = session.lake.storage.read(NOTE)
    noted = hjson.loads(data) if data else None
    return (noted["dataset"], noted["batch_id"]) if noted else None


def settle(session: Session, contract: Contract) -> None:
    """Mark the rows of a replay that is committed as replayed."""
    noted = hjson.loads(session.lake.storage.read(NOTE) or b"{}")
    done = noted.get("passed", [])
    for start in range(0, len(done), 1_000):
        where = "row_id IN (" + ", ".join(literal(i) for i in done[start : start + 1_000]) + ")"
        quarantine.change_state(
            session, session.con, contract, where, "replayed", "headgate",
            f"passed in batch {noted['batch_id']}",
        )  # fmt: skip
    forget(session)


def forget(session: Session) -> None:
    """No replay is under way any more."""
    folder, _, name = NOTE.rpartition("/")
    session.lake.storage.remove(folder, [name])


def _note(
    session: Session,
    contract: Contract,
    batch_id: str,
    rows: Sequence[QuarantinedRow],
    writer: quarantine.Writer,
) -> None:
    """Keep which rows pass, so that whoever comes after a crash can mark them."""
    still = set(writer.row_ids)
    noted = {"dataset": contract.id, "batch_id": batch_id,
             "passed": [r.id for r in rows if r.id not in still]}  # fmt: skip
    session.lake.storage.put(NOTE, hjson.dumps(noted).encode())
