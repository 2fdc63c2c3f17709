"""How many rows of a table lack a value, or have one that is not valid."""

from __future__ import annotations

from headgate.contracts.model import Contract, Rule
from headgate.quality import regex
from headgate.quality.kind import RowScope, TableKind
from headgate.quality.literals import of_type, quoted, wrong


def _null(rule: Rule, contract: Contract) -> str:
    RowScope(contract).type_of(rule)
    return _count(f"{quoted(rule.column or '')} IS NULL")


def _missing(rule: Rule, contract: Contract) -> str:
    kind, column = RowScope(contract).type_of(rule), quoted(rule.column or "")
    values = rule.arguments.get("missingValues", [None])
    if not isinstance(values, list | tuple) or not values:
        raise wrong(rule, values, "missingValues to be a list")
    missing = [f"{column} IS NULL"] if None in values else []
    listed = dict.fromkeys(of_type(v, kind, rule) for v in values if v is not None)
    if listed:
        missing.append(f"{column} IN ({', '.join(listed)})")
    return _count(" OR ".join(missing))


def _invalid(rule: Rule, contract: Contract) -> str:
    kind, column = RowScope(contract).type_of(rule), quoted(rule.column or "")
    valid = []
    if "validValues" in rule.arguments:
        values = rule.arguments["validValues"]
        if not isinstance(values, list | tuple) or not values:
            raise wrong(rule, values, "validValues to be a list")
        listed = dict.fromkeys(of_type(v, kind, rule) for v in values)
        valid.append(f"{column} IN ({', '.join(listed)})")
    if "pattern" in rule.arguments:
        RowScope(contract).type_of(rule, "string", "json")
        valid.append(f"regexp_matches({column}, {regex.checked(rule.arguments['pattern'], rule)})")
    if not valid:
        raise wrong(rule, dict(rule.arguments), "validValues or pattern")
    return _count(f"NOT ({' AND '.join(valid)})")


def _count(condition: str) -> str:
    # Unlike count_if, this is 0 over no rows.
    return f"count(*) FILTER (WHERE {condition})"


_COMPARISON = {
    "operator": "how the number compares: mustBe, mustBeLessThan, …",
    "value": "what it compares with (two numbers for …Between)",
    "unit": "rows, or percent of the table's rows (0 if it has none)",
}
KINDS = (
    TableKind(
        name="null_share",
        doc="The number of rows without a value compares as demanded.",
        odcs="metric: nullValues, mustBeLessThan: 5, unit: percent",
        example="half of the rows are null",
        arguments=_COMPARISON,
        aggregate=_null,
    ),
    TableKind(
        name="missing_share",
        doc="The number of rows whose value stands for none compares as demanded.",
        odcs="metric: missingValues, arguments: {missingValues: [null, '', N/A]}, mustBe: 0",
        example="author: 'N/A'",
        arguments={"missingValues": "what stands for no value; null among them", **_COMPARISON},
        aggregate=_missing,
    ),
    TableKind(
        name="invalid_share",
        doc="The number of rows whose value is not valid compares as demanded; NULL is valid.",
        odcs="metric: invalidValues, arguments: {pattern: '^#'}, mustBeLessThan: 1, unit: percent",
        example="channel: 'ubuntu'",
        arguments={
            "validValues": "the values that are valid",
            "pattern": "an RE2 pattern that is found in valid values",
            **_COMPARISON,
        },
        aggregate=_invalid,
    ),
)
