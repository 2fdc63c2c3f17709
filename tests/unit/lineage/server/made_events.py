"""Small events, as a foreign producer makes them."""

from __future__ import annotations

import uuid
from typing import Any

PRODUCER = "https://example.org/producer"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def run_event(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A run that ended; each number is a run of its own, of one job."""
    return {
        "eventType": "COMPLETE",
        "eventTime": f"2026-05-01T12:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": run_id(number)},
        "job": {"namespace": "orders", "name": "load"},
        "inputs": [{"namespace": "db", "name": "public.orders"}],
        "outputs": [{"namespace": "db", "name": "public.sums"}],
        **changed,
    }


def run_id(number: int) -> str:
    """The UUID of the run of that number."""
    return str(uuid.UUID(int=(4 << 76) | (2 << 62) | number))
