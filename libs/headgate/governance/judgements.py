"""What the gate decided about past batches, read from the lake's ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.lake import Lake
from headgate.quality.examples_of_breaches import Example, examples
from headgate.quality.gx_results import validation_result
from headgate.quality.verdict import RuleResult, Verdict

#: Rules of one batch, at the most.
_MOST_RULES = 100_000


@dataclass(frozen=True)
class Judgement:
    """One batch of one dataset: its account as the ledger has it, its verdict, and examples."""

    contract: Contract
    batch: Mapping[str, Any]
    verdict: Verdict
    examples: Mapping[str, list[Example]] = field(default_factory=dict)

    @property
    def judged_at(self) -> datetime:
        """When it was committed or refused, UTC."""
        at: datetime = self.batch["committed_at"]
        return at

    @property
    def outcome(self) -> str:
        """``published``, ``published in part`` (some rows were set aside) or ``refused``."""
        if self.batch["outcome"] == "published" and self.batch["quarantined"]:
            return "published in part"
        return str(self.batch["outcome"])

    def result(self) -> dict[str, Any]:
        """The JSON of Great Expectations' validation result."""
        name = self.contract.id
        return validation_result(
            self.contract,
            self.verdict,
            int(self.batch["read"]),
            examples=self.examples,
            about={
                "batch_spec": {"data_asset_name": name, "source": self.batch["source"]},
                "run_id": {
                    "run_name": self.batch["run_id"],
                    "run_time": clock.iso(self.judged_at),
                },
                "validation_time": clock.iso(self.judged_at),
            },
        )


def judgements(con: Connection, lake: Lake, contract: Contract, most: int) -> list[Judgement]:
    """The last ``most`` judged batches of a dataset, newest first."""
    where = f"dataset = {literal(contract.id)}"
    batches = ledger.rows(
        lake, con, ledger.BATCHES, where, "committed_at DESC, batch_id DESC", most
    )
    names = [str(b["batch_id"]) for b in batches]
    if not names:
        return []
    where += f" AND batch_id IN ({', '.join(literal(n) for n in names)})"
    by_batch: dict[str, list[RuleResult]] = {}
    for row in ledger.rows(lake, con, ledger.VERDICTS, where, "rule_id", _MOST_RULES * most):
        by_batch.setdefault(str(row["batch_id"]), []).append(_result(row))
    shown = examples(con, contract, lake.snapshot(contract.id, quarantine=True), names)
    return [
        Judgement(
            contract,
            batch,
            Verdict(contract.id, name, str(batch["outcome"]), tuple(by_batch[name])),
            shown.get(name, {}),
        )
        for name, batch in zip(names, batches, strict=True)
        if name in by_batch
    ]


def _result(row: Mapping[str, Any]) -> RuleResult:
    return RuleResult(
        rule_id=row["rule_id"],
        kind=row["rule_kind"],
        severity=row["severity"],
        column=row["column_name"],
        scope=row["scope"],
        passed=row["passed"],
        breaches=row["breaches"],
        observed=row["observed"],
        expected=row["expected"],
    )
