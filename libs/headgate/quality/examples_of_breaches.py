"""Rows in quarantine that show how a rule was broken, without telling personal values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.snapshot import Snapshot

#: Examples of each rule.
MOST = 10
LONGEST = 120
HIDDEN = "(not shown: personal data)"
UNKNOWN = "(see the quarantine)"


@dataclass(frozen=True)
class Example:
    """One row that broke a rule: the value of the rule's column, and where the row stood."""

    value: str
    source: str
    position: int


def examples(
    con: Connection, contract: Contract, quarantine: Snapshot | None, batch_ids: Sequence[str]
) -> dict[str, dict[str, list[Example]]]:
    """Examples by batch and by rule id, in order of source and position.

    ``quarantine`` is the snapshot of the dataset's quarantine, None if it has none. Values of
    personal and of confidential columns are hidden; long ones are cut.
    """
    if quarantine is None or not batch_ids:
        return {}
    listed = ", ".join(literal(b) for b in batch_ids)
    rows = con.execute(
        "SELECT * EXCLUDE n FROM (SELECT _batch_id, code, raw, source, position, row_number() OVER"
        " (PARTITION BY _batch_id, code ORDER BY source, position, row_id) AS n FROM"
        f" (SELECT *, unnest(codes) AS code FROM {quarantine.relation()}"
        f" WHERE _batch_id IN ({listed}))) WHERE n <= {MOST} ORDER BY ALL"
    ).fetchall()
    columns = {r.id: r.column for r in contract.rules}
    found: dict[str, dict[str, list[Example]]] = {}
    for batch, code, raw, source, position in rows:
        value = _value(contract, columns.get(code), raw)
        found.setdefault(batch, {}).setdefault(code, []).append(Example(value, source, position))
    return found


def _value(contract: Contract, name: str | None, raw: str) -> str:
    """The value of a column in the raw text of a row, as far as that is JSON."""
    column = next((c for c in contract.columns if c.name == name), None)
    if column is None:
        return UNKNOWN
    if column.personal or column.classification not in ("public", "internal"):
        return HIDDEN
    try:
        record: Any = hjson.loads_strict(raw)
    except (ValueError, RecursionError):
        return UNKNOWN
    steps: tuple[str, ...] = (column.field or column.name,)
    if contract.source:
        spec = mapping(contract)
        place = spec.columns[column.name]
        inside = place.level == spec.record.level
        steps = place.steps[len(spec.record.steps) :] if inside else (column.name,)
    for step in steps:
        if not isinstance(record, Mapping) or step not in record:
            return UNKNOWN
        record = record[step]
    text = str(record) if isinstance(record, str | Decimal) else hjson.dumps(record)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
