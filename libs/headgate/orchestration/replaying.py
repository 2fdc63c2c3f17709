"""Refused rows through the gate again, within a run: one batch for each delivery they came in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.ingest import replay
from headgate.lake import ledger
from headgate.lineage import steps
from headgate.orchestration.context import RunContext
from headgate.quality.quarantine import QuarantinedRow


def replay_in(context: RunContext, contract: Contract, rows: Sequence[QuarantinedRow]) -> None:
    """Judge open rows (ordered by source) again within a run, one batch for each delivery."""
    for _, group in groupby(rows, key=lambda r: (r.source, r.content_hash)):
        for part in _apart(list(group)):
            _replay_one(context, contract, part)


def resume(context: RunContext) -> None:
    """Mark the rows of a replay that a dead run committed and did not live to mark."""
    session, lake = context.session, context.project.lake
    begun = replay.begun(session)
    if begun is None:
        return
    dataset, batch_id = begun
    if ledger.committed(session.con, lake, dataset, batch_id):
        replay.settle(session, context.project.contracts[dataset])
    else:
        replay.forget(session)


def _apart(rows: Sequence[QuarantinedRow]) -> list[list[QuarantinedRow]]:
    """The rows in parts within which a position tells a row apart.

    Rows of one delivery are one part; rows that were stored may come from several deliveries of
    one name.
    """
    parts: list[dict[int, QuarantinedRow]] = []
    for row in rows:
        part = next((p for p in parts if row.position not in p), None)
        if part is None:
            part = {}
            parts.append(part)
        part[row.position] = row
    return [list(part.values()) for part in parts]


def _replay_one(context: RunContext, contract: Contract, rows: list[QuarantinedRow]) -> None:
    """Rows of one delivery, as one batch."""
    batch_id, started = ids.new_id(), clock.monotonic()
    context.progress.step(contract.id, f"replaying {len(rows)} rows of {rows[0].source}")
    step = steps.replay_step(contract, context.run_id, batch_id)
    with context.lineage.running(step):
        context.through_gate(
            contract,
            batch_id,
            lambda: replay.replay_rows(
                context.session, contract, rows, batch_id=batch_id, started=started
            ),
        )
