"""Refused rows through the gate again, within a run: one batch for each delivery they came in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.ingest.replay import replay_rows
from headgate.lineage import steps
from headgate.orchestration.context import RunContext
from headgate.quality.quarantine import QuarantinedRow


def replay_in(context: RunContext, contract: Contract, rows: Sequence[QuarantinedRow]) -> None:
    """Judge open rows (ordered by source) again within a run, one batch for each delivery."""
    for _, group in groupby(rows, key=lambda r: (r.source, r.content_hash)):
        _replay_one(context, contract, list(group))


def _replay_one(context: RunContext, contract: Contract, rows: list[QuarantinedRow]) -> None:
    """Rows of one delivery, as one batch."""
    batch_id, started = ids.new_id(), clock.monotonic()
    context.progress.step(contract.id, f"replaying {len(rows)} rows of {rows[0].source}")
    step = steps.replay_step(contract, context.run_id, batch_id)
    with context.lineage.running(step):
        context.through_gate(
            contract,
            batch_id,
            lambda: replay_rows(
                context.session, contract, rows, batch_id=batch_id, started=started
            ),
        )
