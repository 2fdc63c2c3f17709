"""Rules that no contract writes down because every contract has them, judged from what was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headgate.contracts.model import Contract
from headgate.quality.verdict import RuleResult

if TYPE_CHECKING:
    from headgate.quality.gate import Intake

CONFLICTING_KEY = "conflicting_key"
CONTROL_TOTAL = "control_total"
PRIMARY_KEY = "primary_key"
QUARANTINE_SHARE = "max_quarantine_share"
SNAPSHOT_DELETES = "snapshot_deletes"


def judge(contract: Contract, intake: Intake, share: float | None) -> Iterator[RuleResult]:
    """A result for each unwritten rule that applies; ``share`` of the rows may be set aside at most."""
    for code, count in sorted(intake.reading.items()):
        yield _read(code, "quarantine", count, intake, "readable records")
    for code, count in sorted(intake.warnings.items()):
        yield _read(code, "warn", count, intake, "records as the contract describes")
    if intake.conflicts:
        yield RuleResult(
            CONFLICTING_KEY, CONFLICTING_KEY, "quarantine", None, "row", False, intake.conflicts,
            f"{intake.conflicts} rows", "one content for each key",
        )  # fmt: skip
    if intake.control_total is not None:
        yield _control_total(*intake.control_total)
    if intake.withheld:
        yield RuleResult(
            SNAPSHOT_DELETES, SNAPSHOT_DELETES, "warn", None, "table", False, intake.withheld,
            f"{intake.withheld} records cannot be read", "a snapshot that can be read in full",
            "no row was deleted for being absent: those records may hold it",
        )  # fmt: skip
    if share is not None:
        yield _share(share, intake)
    if intake.repeated_keys:
        yield RuleResult(
            PRIMARY_KEY, "unique", "fail", contract.key[0], "table", False, intake.repeated_keys,
            f"{intake.repeated_keys} keys with several rows", f"one row for each {', '.join(contract.key)}",
        )  # fmt: skip


def _read(code: str, severity: str, count: int, intake: Intake, expected: str) -> RuleResult:
    return RuleResult(
        f"read.{code}", "read", severity, None, "row", False, count,
        f"{count} of {intake.read} records", expected,
    )  # fmt: skip


def _control_total(said: int | None, counted: int) -> RuleResult:
    """A total that is wrong refuses the batch; one that is cut off with the file's end is told."""
    passed = said == counted
    return RuleResult(
        CONTROL_TOTAL, CONTROL_TOTAL, "warn" if said is None else "fail", None, "table", passed,
        0 if passed else 1, f"{counted} records",
        "a total of the records" if said is None else f"{said} records, as the source says",
    )  # fmt: skip


def _share(limit: float, intake: Intake) -> RuleResult:
    share = intake.quarantined / intake.read if intake.read else 0.0
    passed = share <= limit
    return RuleResult(
        QUARANTINE_SHARE, QUARANTINE_SHARE, "fail", None, "table", passed,
        0 if passed else intake.quarantined, f"{share:.4f}",
        f"at most {limit:g} of the batch set aside",
    )  # fmt: skip
