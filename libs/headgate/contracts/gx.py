"""A contract's rules as a Great Expectations suite: plain JSON, made without importing it.

Each rule becomes the expectation of Great Expectations' own vocabulary that says the same, or else
a query for the rows that break it (in DuckDB's SQL, ``{batch}`` being the table).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headgate.contracts.formats import FORMATS
from headgate.contracts.gx_patterns import portable
from headgate.contracts.model import Contract, Rule
from headgate.contracts.names import DatasetName
from headgate.contracts.types import decimal_of
from headgate.contracts.wording import expectation as words
from headgate.core import ids

#: The version of Great Expectations whose JSON this is.
VERSION = "1.24.1"
#: What says everything that the vocabulary has no word for.
QUERY = "unexpected_rows_expectation"
#: The kind of rule that is an expectation already.
OWN = "great_expectations"
#: The expectation that says the same as each kind of rule; other kinds are queries.
EXPECTATIONS = {
    "required": "expect_column_values_to_not_be_null",
    "max_length": "expect_column_value_lengths_to_be_between",
    "min_length": "expect_column_value_lengths_to_be_between",
    "pattern": "expect_column_values_to_match_regex",
    "format": "expect_column_values_to_match_regex",
    "minimum": "expect_column_values_to_be_between",
    "maximum": "expect_column_values_to_be_between",
    "accepted_values": "expect_column_values_to_be_in_set",
    "row_count": "expect_table_row_count_to_be_between",
    "null_share": "expect_column_proportion_of_non_null_values_to_be_between",
    "unique": "expect_column_values_to_be_unique",
    "duplicate_count": "expect_compound_columns_to_be_unique",
    OWN: "expect_… (the one it names)",
}
#: What a severity is called there.
SEVERITIES = {"fail": "critical", "quarantine": "warning", "warn": "info"}
_SIGNS = {
    "mustBe": "{0} = {1}",
    "mustNotBe": "{0} <> {1}",
    "mustBeGreaterThan": "{0} > {1}",
    "mustBeGreaterOrEqualTo": "{0} >= {1}",
    "mustBeLessThan": "{0} < {1}",
    "mustBeLessOrEqualTo": "{0} <= {1}",
    "mustBeBetween": "{0} BETWEEN {1} AND {2}",
    "mustNotBeBetween": "{0} NOT BETWEEN {1} AND {2}",
}


def suite(contract: Contract, conditions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The expectation suite of a contract, one expectation a rule, in the contract's order.

    ``conditions`` are SQL conditions that hold for good rows, by rule id: the queries of row rules
    that the vocabulary has no word for.
    """
    given = conditions or {}
    return {
        "name": contract.id,
        "id": ids.name_based("suite", contract.id),
        "expectations": [expectation(contract, r, given.get(r.id, "")) for r in contract.rules],
        "meta": {
            "great_expectations_version": VERSION,
            "headgate": {"contract": contract.version, "hash": contract.hash},
        },
        "notes": contract.description or None,
    }


def expectation(contract: Contract, rule: Rule, condition: str = "") -> dict[str, Any]:
    """One rule as an expectation's configuration; ``condition`` is as for :func:`suite`."""
    demand = words(rule)
    kwargs = _kwargs(rule, contract.table_columns.get(rule.column or "", ""))
    kind = EXPECTATIONS.get(rule.kind, QUERY)
    if rule.kind == OWN:
        kind = snake(str(rule.arguments["type"]))
    elif kwargs is None:
        kind, kwargs = QUERY, {"unexpected_rows_query": _query(rule, condition)}
    elif rule.kind == "duplicate_count" and "column" in kwargs:
        kind = EXPECTATIONS["unique"]
    return {
        "type": kind,
        "kwargs": kwargs,
        "id": ids.name_based("expectation", contract.id, rule.id),
        "description": f"{rule.description} ({demand})" if rule.description else demand,
        "severity": SEVERITIES[rule.severity],
        "meta": {
            "headgate": {
                "rule": rule.id,
                "kind": rule.kind,
                "scope": rule.scope,
                "severity": rule.severity,
            }
        },
    }


def snake(name: str) -> str:
    """The name of an expectation as Great Expectations registers it: classes have it otherwise."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _kwargs(rule: Rule, of_type: str) -> dict[str, Any] | None:
    """The arguments of the rule's expectation, or None if the vocabulary has no word for it.

    ``of_type`` is the type of the rule's column.
    """
    column, given = {"column": rule.column}, rule.arguments
    if rule.kind == OWN:
        return dict(given.get("kwargs", {}))
    if rule.kind == "required":
        return column
    if rule.kind in ("max_length", "min_length"):
        return {**column, rule.kind[:3] + "_value": given["value"]}
    if rule.kind in ("pattern", "format"):
        value = str(given["value"])
        regex = portable(FORMATS[value] if rule.kind == "format" else value)
        return None if regex is None else {**column, "regex": regex}
    if rule.kind in ("minimum", "maximum"):
        if not _same_there(given["value"], of_type):
            return None
        side = rule.kind[:3]
        strict = {f"strict_{side}": True} if given.get("exclusive") else {}
        return {**column, f"{side}_value": _instant(given["value"], of_type), **strict}
    if rule.kind == "accepted_values":
        # Engines have days as days, and a suite has them as texts, which are no days.
        if of_type == "date" or not all(_same_there(v, of_type) for v in given["values"]):
            return None
        return {**column, "value_set": [_instant(v, of_type) for v in given["values"]]}
    if rule.kind == "row_count":
        return _range(given)
    if rule.kind == "null_share" and given["unit"] == "percent":
        found = _range(given)
        return None if found is None else {**column, **_complement(found)}
    compared = given.get("operator", "mustBe"), given.get("value", 0)
    if rule.kind in ("unique", "duplicate_count") and compared == ("mustBe", 0):
        columns = [str(c) for c in given["columns"]]
        if len(columns) == 1:
            return {"column": columns[0]}
        return {"column_list": columns, "ignore_row_if": "any_value_is_missing"}
    return None


def _instant(value: Any, of_type: str) -> Any:
    """A bound of instants with its time and zone, which the engines do not guess."""
    if of_type != "timestamp" or not isinstance(value, str):
        return value
    found = dt.datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).isoformat()


def _same_there(value: Any, of_type: str) -> bool:
    """Whether a value of the contract is the same for an engine that knows numbers as doubles."""
    if decimal_of(of_type):
        return False
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return True
    try:
        double, exact = float(value), Fraction(str(value))
        return exact == Fraction(double) or (
            of_type == "double" and exact == Fraction(repr(double))
        )
    except OverflowError:
        return False


def _range(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """A comparison as bounds; None if it is no range."""
    operator, value = given["operator"], given["value"]
    if operator == "mustBe":
        return {"min_value": value, "max_value": value}
    if operator == "mustBeBetween":
        return {"min_value": value[0], "max_value": value[1]}
    side = {"mustBeGreater": "min", "mustBeLess": "max"}
    for start, name in side.items():
        if operator.startswith(start):
            strict = {f"strict_{name}": True} if operator.endswith("Than") else {}
            return {f"{name}_value": value, **strict}
    return None


def _complement(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds on the percentage of nulls, as bounds on the proportion of what is not null."""
    turned = {"min": "max", "max": "min"}
    found: dict[str, Any] = {}
    for name, value in bounds.items():
        if name.startswith("strict_"):
            found["strict_" + turned[name.removeprefix("strict_")]] = value
        else:
            share = 1 - Decimal(str(value)) / 100
            found[turned[name.removesuffix("_value")] + "_value"] = float(share)
    return found


def _query(rule: Rule, condition: str) -> str:
    """A query for the rows that break the rule; one row, if it judges the table as a whole."""
    given = rule.arguments
    if condition:
        return f"SELECT * FROM {{batch}} WHERE NOT ({_escaped(condition)}\n)"
    if rule.kind == "predicate":
        return "SELECT * FROM {batch} WHERE NOT (" + _escaped(str(given["sql"])) + "\n)"
    if rule.kind == "foreign_key":
        return _orphans(rule)
    if rule.kind == "sql":
        query = _escaped(str(given["query"]))
        for name in ("table", "object"):
            query = query.replace("${{" + name + "}}", "{batch}")
            query = query.replace("{{" + name + "}}", "{batch}")
        for name in ("column", "property"):
            query = query.replace("${{" + name + "}}", _name(rule.column or ""))
            query = query.replace("{{" + name + "}}", _name(rule.column or ""))
        found = f"({query.strip().rstrip(';')}\n)"
        return f"SELECT * FROM (SELECT {found} AS found) AS judged WHERE NOT {_holds(given)}"
    if rule.kind in ("duplicate_count", "unique"):
        return _repeated(given)
    counted = {
        "row_count": "TRUE",
        "null_share": f"{_name(rule.column or '')} IS NULL",
        "missing_share": _missing(rule),
        "invalid_share": _invalid(rule),
    }.get(rule.kind)
    if counted is None:
        # A kind that was added since: named, for its SQL is known to the gate alone.
        return f"SELECT * FROM {{batch}} WHERE NOT headgate_{rule.kind}({_name(rule.column or '')})"
    number = f"count(*) FILTER (WHERE {_escaped(counted)})"
    return (
        f"SELECT * FROM (SELECT {_share(given, number)} AS found FROM {{batch}}) AS judged"
        f" WHERE NOT {_holds(given)}"
    )


def _holds(given: Mapping[str, Any]) -> str:
    value = given["value"]
    limits = value if isinstance(value, list | tuple) else [value]
    return "(" + _SIGNS[given["operator"]].format("found", *(_literal(v) for v in limits)) + ")"


def _share(given: Mapping[str, Any], number: str, rows: str = "count(*)") -> str:
    if given.get("unit") != "percent":
        return number
    return f"CASE WHEN {rows} = 0 THEN 0 ELSE 100.0 * {number} / {rows} END"


def _orphans(rule: Rule) -> str:
    given = rule.arguments
    parent = DatasetName.parse(str(given["parent"])).relation
    pairs = list(zip(given["columns"], given["parent_columns"], strict=True))
    present = " AND ".join(f"child.{_name(c)} IS NOT NULL" for c, _ in pairs)
    same = " AND ".join(f"parent.{_name(p)} = child.{_name(c)}" for c, p in pairs)
    return (
        f"SELECT * FROM (SELECT * FROM {{batch}}) AS child WHERE {present}"
        f" AND NOT EXISTS (SELECT 1 FROM {parent} AS parent WHERE {same})"
    )


def _repeated(given: Mapping[str, Any]) -> str:
    columns = [_name(str(c)) for c in given["columns"]]
    present = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    groups = (
        f"SELECT CASE WHEN {present} AND count(*) > 1 THEN count(*) ELSE 0 END AS n,"
        f" count(*) AS r FROM {{batch}} GROUP BY {', '.join(columns)}"
    )
    number = _share(given, "coalesce(sum(n), 0)", "coalesce(sum(r), 0)")
    return (
        f"SELECT * FROM (SELECT {number} AS found FROM ({groups}) AS keys) AS judged"
        f" WHERE NOT {_holds(given)}"
    )


def _missing(rule: Rule) -> str:
    values = list(rule.arguments.get("missingValues", [None]))
    parts = [f"{_name(rule.column or '')} IS NULL"] if None in values else []
    listed = [_literal(v) for v in values if v is not None]
    if listed:
        parts.append(f"{_name(rule.column or '')} IN ({', '.join(listed)})")
    return " OR ".join(parts)


def _invalid(rule: Rule) -> str:
    valid, column = [], _name(rule.column or "")
    if "validValues" in rule.arguments:
        valid.append(f"{column} IN ({', '.join(map(_literal, rule.arguments['validValues']))})")
    if "pattern" in rule.arguments:
        valid.append(f"regexp_matches({column}, {_literal(rule.arguments['pattern'])})")
    return f"NOT ({' AND '.join(valid)})"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return (
        str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
    )


def _escaped(sql: str) -> str:
    """SQL in which no brace is taken for a placeholder."""
    return sql.replace("{", "{{").replace("}", "}}")
