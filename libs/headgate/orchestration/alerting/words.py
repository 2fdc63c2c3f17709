"""What alerts say of what broke: which rules, how many rows, where; and no value of any row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headgate.core.errors import HeadgateError

if TYPE_CHECKING:
    from headgate.quality.outcome import BatchOutcome

#: Rules of a refused batch that are named; the rest are counted.
MOST_RULES = 5


def refused(outcome: BatchOutcome) -> str:
    """Sentences of a refused batch: how many rows, and which rules refused it.

    What was found is not told, since it may be a value; the command of the alert shows it.
    """
    what = outcome.source or "the build"
    told = f"{what} was refused: {outcome.refused:,} of {outcome.read:,} rows."
    results = outcome.verdict.results if outcome.verdict else ()
    broken = [r for r in results if not r.passed]
    broken.sort(key=lambda r: (r.severity != "fail", -r.breaches))
    named = [
        f"{r.rule_id} ({r.breaches:,} {'breach' if r.breaches == 1 else 'breaches'})"
        for r in broken[:MOST_RULES]
    ]
    if len(broken) > MOST_RULES:
        named.append(f"{len(broken) - MOST_RULES} more")
    return f"{told} Rules: {', '.join(named)}." if named else told


def shows(kind: str, dataset: str) -> str:
    """The commands that show more of what broke in a dataset."""
    if dataset.partition(".")[0] not in ("bronze", "silver", "gold"):
        return "headgate status"
    if kind == "refused":
        return f"headgate show verdicts {dataset}; headgate quarantine list {dataset}"
    return f"headgate show accounting {dataset}"


def of_error(error: BaseException) -> str:
    """Sentences of an error, without what may be a value: another's message is not told at all."""
    if isinstance(error, HeadgateError):
        return without_values(str(error))
    name = type(error).__name__
    if type(error).__module__.startswith("airflow."):
        cause = error.__cause__
        said = str(cause) if isinstance(cause, HeadgateError) else str(error)
        return without_values(said) or f"{name}."
    return f"{name}; what it says may hold values of rows: the log has it."


#: Errors of engines and languages that speak of code and the system, and never of rows.
_OF_CODE = frozenset(
    ("Binder", "Catalog", "Parser", "Syntax", "Permission", "IO", "Out of Memory", "ColumnNotFound",
     "SchemaFieldNotFound", "ModuleNotFound", "Import", "Name", "Attribute", "FileNotFound",
     "Timeout", "Memory")
)  # fmt: skip
_ERROR = re.compile(r"\b([A-Z][A-Za-z]*(?: [A-Z]?[a-z]+)*?) ?(Error|Exception):")
_FOUND = re.compile(r"(: expected [^\n]*?), found [^\n]*")


def without_values(text: str) -> str:
    """The text without what may quote a row: what engines say of values, what rules found.

    What follows the name of such an error is left out to its end, whatever it looks like.
    """
    text = _FOUND.sub(r"\1.", text)
    for match in _ERROR.finditer(text):
        if match[1] not in _OF_CODE:
            return f"{text[: match.end() - 1]} (its words may hold values; the log has them)."
    return text
