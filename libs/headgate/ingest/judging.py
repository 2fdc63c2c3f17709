"""Records that are looked at one by one: typed, judged, and staged or set aside with every reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.ingest import deletions
from headgate.ingest.duplicates import Duplicates
from headgate.ingest.readers.base import ExactRow
from headgate.lake.engines.duckdb import Connection, identifiers, literal
from headgate.lake.session import Session
from headgate.lake.stage import stage
from headgate.quality import gate, unwritten
from headgate.quality.predicates import CompiledRule, judged_sql, keeping_out

#: Rows that take the exact path are typed and judged in pieces of this many.
CHUNK = 20_000


@dataclass(frozen=True)
class Loading:
    """What one file's loading needs at hand."""

    session: Session
    contract: Contract
    batch_id: str
    source: str
    rules: tuple[CompiledRule, ...]
    parents: Mapping[str, str]

    @property
    def con(self) -> Connection:
        """The engine that judges the rows."""
        return self.session.engine(self.contract)

    @property
    def judged(self) -> tuple[CompiledRule, ...]:
        """The rules that keep a row out: all but warnings."""
        return keeping_out(self.rules)

    def ingest_columns(self, at: str) -> str:
        """SQL for the columns that ingest adds, ``_rescued`` and ``_position`` being there."""
        return (
            f"_rescued, {_constant(self.source)} AS _source, _position,"
            f" {_constant(self.batch_id)} AS _batch_id, {literal(at)}::TIMESTAMPTZ AS _ingested_at"
        )


def _constant(text: str) -> str:
    """SQL for a text that is the same in every row: as an enum, DuckDB writes it without hashing."""
    return f"{literal(text)}::ENUM({literal(text)})"


def conflict_reason(contract: Contract, drop: Duplicates, position: int) -> dict[str, Any]:
    """Why a row with a key that has several contents is set aside."""
    others = ", ".join(str(p) for p in drop.conflicts[position] if p != position)
    return {
        "code": unwritten.CONFLICTING_KEY,
        "column": contract.key[0],
        "detail": f"same {', '.join(contract.key)} with other content at {others}",
    }


def take_exact(
    loading: Loading, intake: gate.Intake, rows: Sequence[tuple[ExactRow, int]], at: str
) -> None:
    """Type and judge exact rows: the good are staged, the others go to quarantine with reasons.

    Each row comes with the position to store; its place in ``rows`` is what tells it apart.
    """
    import pyarrow as pa

    contract, con, writer = loading.contract, loading.con, intake.refused_rows
    typed: list[dict[str, Any]] = []
    raws: list[ExactRow] = []
    for row, position in rows:
        for warning in row.warnings:
            intake.warnings[warning.code] = intake.warnings.get(warning.code, 0) + 1
        if row.values is None:
            codes = {r.code for r in row.reasons}
            for code in codes:
                intake.reading[code] = intake.reading.get(code, 0) + 1
            writer.add(
                position, row.raw, [_reason(r.code, r.column, r.detail) for r in row.reasons]
            )
        else:
            typed.append({**row.values, "_position": position, "_row": len(typed)})
            raws.append(row)
    if not typed:
        return
    columns = {c.name: c.type for c in contract.columns} | {"_rescued": "json"}
    fields = [(c, types.arrow_type(t)) for c, t in columns.items()]
    schema = pa.schema([*fields, ("_position", pa.int64()), ("_row", pa.int64())])
    con.register("_exact", pa.Table.from_pylist(typed, schema))
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE _judged AS {judged_sql(loading.judged, '_exact')}"
        )
        rules = {r.rule.id: r.rule for r in loading.judged}
        for index, why, position in con.execute(
            "SELECT _row, _why, _position FROM _judged WHERE len(_why) > 0 ORDER BY _row"
        ).fetchall():
            for rule_id in why:
                intake.breaches[rule_id] = intake.breaches.get(rule_id, 0) + 1
            told = [_reason(i, rules[i].column, expectation(rules[i])) for i in why]
            writer.add(position, raws[index].raw, told)
        if contract.delivery.snapshot:
            deletions.still_present(con, contract, "SELECT * FROM _judged WHERE len(_why) > 0")
        own = identifiers(c.name for c in contract.columns)
        intake.staged += stage(
            con, f"SELECT {own}, {loading.ingest_columns(at)} FROM _judged WHERE len(_why) = 0",
            contract.table_columns, loading.session.staging, loading.session.settings,
        )  # fmt: skip
    finally:
        con.unregister("_exact")
        con.execute("DROP TABLE IF EXISTS _judged")


def _reason(code: str, column: str | None, detail: str) -> dict[str, Any]:
    return {"code": code, "column": column, "detail": detail}
