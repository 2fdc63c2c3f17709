"""Why a row was refused, in words, and of its values only what who asks may see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headgate.contracts.model import Contract
from headgate.contracts.wording import expectation
from headgate.ingest.readers.base import REASONS
from headgate.portal.access import masking
from headgate.portal.access.masking import Shown
from headgate.portal.access.people import Person
from headgate.portal.told.batches import Judged

#: What a rule finds where it counts rows.
_COUNT = re.compile(
    r"[\d,]+(?: of [\d,]+)? (?:rows|records|records cannot be read|keys with several rows)"
    r"(?: \([\d.,e+-]+%\))?"
)
_NUMBER = re.compile(r"[\d.,e+-]*")
#: Kinds of rules whose number may be a value of the data, such as the greatest of a column.
_ASKING = ("sql", "great_expectations")
_OTHERS = {
    "conflicting_key": "several rows have this key, each with other content",
    "max_quarantine_share": "more of the batch would be set aside than the contract allows",
}


@dataclass(frozen=True)
class Told:
    """One reason: its code, the column that it is about, what it means, and its detail."""

    code: str
    column: str | None
    means: str
    detail: Shown | None


def told(contract: Contract, reason: Mapping[str, Any], person: Person) -> Told:
    """A reason of a refused row. What its detail quotes is masked as the column's values are."""
    code, column = str(reason.get("code") or ""), reason.get("column")
    detail = str(reason.get("detail") or "")
    rule = next((r for r in contract.rules if r.id == code), None)
    if rule is not None:
        wanted = expectation(rule)
        means = f"expected {wanted}"
        # What the contract says is no value of the data; under an older contract it may be.
        if detail in ("", wanted):
            return Told(code, column, means, None)
    else:
        means = meaning(code)
    shown = masking.text(contract, column, detail, person) if detail else None
    return Told(code, column, means, shown)


def meaning(code: str) -> str:
    """What a code means that is no rule of a contract; nothing, if nobody knows."""
    return REASONS.get(code) or _OTHERS.get(code, "")


def of_code(contract: Contract, code: str) -> str:
    """What a code means for a dataset."""
    rule = next((r for r in contract.rules if r.id == code), None)
    return f"expected {expectation(rule)}" if rule is not None else meaning(code)


def observed(contract: Contract, one: Judged, person: Person) -> Shown:
    """What a rule found, as somebody sees it. How many rows it counted is no value of the data; what
    a query gave, an engine's examples and why it gave no answer may be one."""
    counts = _COUNT.fullmatch(one.observed) or (
        one.kind not in _ASKING and _NUMBER.fullmatch(one.observed)
    )
    if counts:
        return Shown(one.observed, False)
    return masking.text(contract, one.column, one.observed, person)
