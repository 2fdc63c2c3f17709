"""What an evidence pack says in place of values that may be personal or classified."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headgate.contracts import protection
from headgate.contracts.model import Contract
from headgate.quality.verdict import NO_ANSWER, RuleResult

HIDDEN = "(not shown: personal or classified data)"
#: Observations that count rows, and tell of no value.
_COUNT = re.compile(
    r"\d+( of \d+)? (rows|records)( \([\d.e+-]+%\))?|\d+ records cannot be read|"
    r"\d+ keys with several rows"
)
#: Rules that measure how many rows there are, or a share of them, whatever stands in these.
_MEASURES = ("row_count", "max_quarantine_share", "null_share", "control_total", "duplicates")


def is_protected(contract: Contract, column: str | None) -> bool:
    """Whether values of a column, or of a row of the dataset if none is named, may be personal or
    classified; whoever may see them, they stay out of a pack."""
    found = protection.of_table(contract)
    told = [found[column]] if column in found else list(found.values())
    return any(p.is_protected for p in told)


def result(contract: Contract, verdict: Mapping[str, Any]) -> RuleResult:
    """What a rule found, as a commit recorded it, without a value of the data."""
    known: dict[str, Any] = {name: verdict.get(name) for name in RuleResult.__dataclass_fields__}
    known["detail"] = known["detail"] or ""
    found = RuleResult(**known)
    observed = found.observed
    if observed and not _COUNT.fullmatch(observed) and found.kind not in _MEASURES:
        if observed.startswith(NO_ANSWER):
            # Why an engine gave no answer quotes the value that it could not read.
            observed = f"{NO_ANSWER}{HIDDEN}" if is_protected(contract, None) else observed
        elif is_protected(contract, found.column):
            observed = HIDDEN
    detail = HIDDEN if found.detail and is_protected(contract, None) else found.detail
    return RuleResult(
        found.rule_id, found.kind, found.severity, found.column, found.scope, bool(found.passed),
        int(found.breaches), observed, found.expected, detail,
    )  # fmt: skip


def document(contract: Contract | None, written: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A contract's document without examples of protected columns, and whether any were left out.

    Of a document that is no contract any more (``contract`` None) no example is kept.
    """
    hidden = False

    def walk(value: Any, protected: bool) -> Any:
        nonlocal hidden
        if isinstance(value, Mapping):
            name = value.get("name")
            own = protected
            if contract is not None and name in columns and "logicalType" in value:
                own = is_protected(contract, str(name))
            found = {}
            for key, part in value.items():
                if key == "examples" and own and part:
                    found[key], hidden = [HIDDEN], True
                else:
                    found[key] = walk(part, own)
            return found
        if isinstance(value, list | tuple):
            return [walk(part, protected) for part in value]
        return value

    columns = {c.name for c in contract.columns} if contract is not None else set()
    made = walk(dict(written), contract is None)
    return made, hidden
