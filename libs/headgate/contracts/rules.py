"""ODCS quality in all its forms, flattened to rules: the one list that gate, GX, dbt and docs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.contracts.model import SEVERITIES, Rule
from headgate.core.errors import ContractError

OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
#: Library metrics that judge a share or a count of the whole table, and the rule kind of each.
_METRICS = {
    "nullValues": "null_share",
    "missingValues": "missing_share",
    "invalidValues": "invalid_share",
    "duplicateValues": "duplicate_count",
    "rowCount": "row_count",
}
#: The logicalTypeOptions that become rules.
_OPTIONS = {"minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
            "exclusiveMaximum"}  # fmt: skip
MISSING_PARENT = ("wait", "warn", "quarantine")


def custom(element: Mapping[str, Any]) -> dict[str, Any]:
    """The ``headgate.`` custom properties of an ODCS element, without the prefix."""
    return {
        str(p["property"]).removeprefix("headgate."): p["value"]
        for p in element.get("customProperties", ())
        if str(p["property"]).startswith("headgate.")
    }


def rules_of(table: Mapping[str, Any], place: str) -> tuple[Rule, ...]:
    """Every rule of one ODCS schema object.

    Raises:
        ContractError: a rule has no meaning here, or two have one id.
    """
    found = [*_columns(table, place), *_table(table, place)]
    seen: dict[str, Rule] = {}
    for rule in found:
        if rule.id in seen:
            raise ContractError(
                f"two rules have the id {rule.id!r}.",
                remedy=f"Give one of them a name (the other is at {seen[rule.id].place}).",
                place=rule.place,
            )
        seen[rule.id] = rule
    return tuple(found)


def _columns(table: Mapping[str, Any], place: str) -> Iterator[Rule]:
    for index, prop in enumerate(table.get("properties", ())):
        where, name = f"{place}/properties/{index}", str(prop["name"])
        options = prop.get("logicalTypeOptions") or {}
        _check_options(prop, options, where)
        severity = str(custom(prop).get("severity", "quarantine"))
        if prop.get("required") or prop.get("primaryKey"):
            yield _row(f"{name}.required", "required", severity, name, {}, where)
        for option, kind in (("minLength", "min_length"), ("maxLength", "max_length")):
            if option in options:
                yield _row(
                    f"{name}.{kind}", kind, severity, name, {"value": options[option]}, where
                )
        for option, kind, exclusive in (
            ("minimum", "minimum", False),
            ("maximum", "maximum", False),
            ("exclusiveMinimum", "minimum", True),
            ("exclusiveMaximum", "maximum", True),
        ):
            if option in options:
                arguments = {"value": options[option], "exclusive": exclusive}
                yield _row(f"{name}.{_snake(option)}", kind, severity, name, arguments, where)
        if "pattern" in options:
            yield _row(
                f"{name}.pattern", "pattern", severity, name, {"value": options["pattern"]}, where
            )
        if "format" in options and prop.get("logicalType") == "string":
            yield _row(
                f"{name}.format", "format", severity, name, {"value": options["format"]}, where
            )
        if prop.get("enum"):
            values = [e["value"] if isinstance(e, Mapping) else e for e in prop["enum"]]
            yield _row(f"{name}.enum", "accepted_values", severity, name, {"values": values}, where)
        if prop.get("unique"):
            yield Rule(f"{name}.unique", "unique", "table", "fail", name, {"columns": [name]},
                       "", "uniqueness", where)  # fmt: skip
        for position, relation in enumerate(prop.get("relationships", ())):
            yield _foreign_key(relation, [name], f"{where}/relationships/{position}")
        for position, quality in enumerate(prop.get("quality", ())):
            yield _quality(quality, name, f"{where}/quality/{position}")


def _check_options(prop: Mapping[str, Any], options: Mapping[str, Any], place: str) -> None:
    """Refuse options that nothing here judges: a promise that nobody keeps is worse than none."""
    known = {*_OPTIONS, "format"} if prop.get("logicalType", "string") == "string" else _OPTIONS
    for option in options:
        if option not in known:
            raise ContractError(
                f"logicalTypeOptions.{option} is not judged for a {prop.get('logicalType', 'string')}.",
                remedy=f"Say it as a quality rule, or use one of {', '.join(sorted(known))}.",
                place=f"{place}/logicalTypeOptions/{option}",
            )


def _table(table: Mapping[str, Any], place: str) -> Iterator[Rule]:
    for position, relation in enumerate(table.get("relationships", ())):
        yield _foreign_key(
            relation, _last_parts(relation.get("from")), f"{place}/relationships/{position}"
        )
    for position, quality in enumerate(table.get("quality", ())):
        yield _quality(quality, None, f"{place}/quality/{position}")


def _row(
    rule_id: str, kind: str, severity: str, column: str, arguments: dict[str, Any], place: str
) -> Rule:
    if severity not in SEVERITIES:
        raise ContractError(
            f"severity {severity!r} is not known.", remedy=f"Use {SEVERITIES}.", place=place
        )
    dimension = "completeness" if kind == "required" else "conformity"
    return Rule(rule_id, kind, "row", severity, column, arguments, "", dimension, place)


def _quality(quality: Mapping[str, Any], column: str | None, place: str) -> Rule:
    """One entry of a ``quality`` list."""
    form = quality.get("type") or ("library" if "metric" in quality else "text")
    if form == "library":
        kind, scope, arguments = _library(quality, column, place)
    elif form == "sql":
        kind, scope = "sql", "table"
        arguments = {"query": quality["query"], **_comparison(quality, place)}
    elif form == "custom" and quality.get("engine") == "headgate":
        kind, scope, arguments = _own(quality["implementation"], place)
    elif form == "custom" and quality.get("engine") == "greatExpectations":
        raise ContractError(
            "custom greatExpectations rules are not run yet.",
            remedy="Say it with a library metric, sql, or a custom rule of engine headgate.",
            place=place,
        )
    else:
        raise ContractError(
            f"a quality rule of type {form!r} cannot be judged.",
            remedy="Use type library, sql, or custom with engine headgate.",
            place=place,
        )
    severity = str(quality.get("severity", "quarantine" if scope == "row" else "fail"))
    if severity not in SEVERITIES or (scope == "table" and severity == "quarantine"):
        allowed = SEVERITIES if scope == "row" else ("warn", "fail")
        raise ContractError(
            f"severity {severity!r} does not fit a {scope} rule.",
            remedy=f"Use one of {', '.join(allowed)}.",
            place=place,
        )
    name = quality.get("id") or quality.get("name") or _snake(str(quality.get("metric") or kind))
    return Rule(
        id=f"{column}.{name}" if column else str(name),
        kind=kind,
        scope=scope,
        severity=severity,
        column=column,
        arguments=arguments,
        description=str(quality.get("description", "")),
        dimension=str(quality.get("dimension", "")),
        place=place,
    )


def _own(implementation: Any, place: str) -> tuple[str, str, dict[str, Any]]:
    """A custom rule of engine headgate: a predicate in SQL, or any kind by its name.

    ``{kind: …, scope: row or table, …}`` gives what is left to the kind as its arguments.
    """
    if not isinstance(implementation, Mapping):
        return "predicate", "row", {"sql": str(implementation).strip()}
    arguments = dict(implementation)
    kind, scope = arguments.pop("kind", None), str(arguments.pop("scope", "row"))
    if not kind or scope not in ("row", "table"):
        raise ContractError(
            "a rule of engine headgate names its kind, and a scope of row or table.",
            remedy="Write {kind: …, scope: row, …}; docs/reference/rule-kinds.md lists the kinds.",
            place=place,
        )
    return str(kind), scope, arguments


def _library(
    quality: Mapping[str, Any], column: str | None, place: str
) -> tuple[str, str, dict[str, Any]]:
    """A library metric. ``invalidValues mustBe 0`` judges each row; other limits judge a share."""
    metric = str(quality.get("metric"))
    given = dict(quality.get("arguments") or {})
    if metric not in _METRICS:
        raise ContractError(
            f"metric {metric!r} is not known.",
            remedy=f"Use one of {', '.join(_METRICS)}.",
            place=place,
        )
    if column is None and metric not in ("rowCount", "duplicateValues"):
        raise ContractError(f"metric {metric!r} belongs to a column.", place=place)
    comparison = _comparison(quality, place)
    none_allowed = comparison == {"operator": "mustBe", "value": 0, "unit": comparison["unit"]}
    if none_allowed and metric == "nullValues":
        return "required", "row", {}
    if none_allowed and metric == "invalidValues":
        if "validValues" in given and "pattern" not in given:
            return "accepted_values", "row", {"values": list(given["validValues"])}
        if "pattern" in given and "validValues" not in given:
            return "pattern", "row", {"value": given["pattern"]}
    if metric == "invalidValues" and not given.keys() & {"validValues", "pattern"}:
        raise ContractError(
            "invalidValues needs validValues or pattern among its arguments.", place=place
        )
    columns = given.pop("properties", None) or ([column] if column else None)
    if metric == "duplicateValues" and not columns:
        raise ContractError("duplicateValues needs properties among its arguments.", place=place)
    if columns:
        given["columns"] = [str(c) for c in columns]
    return _METRICS[metric], "table", {**given, **comparison}


def _comparison(quality: Mapping[str, Any], place: str) -> dict[str, Any]:
    used = [op for op in OPERATORS if op in quality]
    if len(used) != 1:
        raise ContractError(
            f"a rule needs exactly one comparison, found {used or 'none'}.",
            remedy=f"Use one of {', '.join(OPERATORS)}.",
            place=place,
        )
    unit = str(quality.get("unit", "rows"))
    if unit not in ("rows", "percent"):
        raise ContractError(
            f"unit {unit!r} is not known.", remedy="Use rows or percent.", place=place
        )
    return {"operator": used[0], "value": quality[used[0]], "unit": unit}


def _foreign_key(relation: Mapping[str, Any], columns: list[str], place: str) -> Rule:
    """A relationship to ``<name>.<column>`` of the dataset in ``headgate.parent``.

    ODCS 3.1 knows references of two parts only; the later ``<layer>.<domain>.<name>.<column>``
    needs no custom property.
    """
    target = relation.get("to")
    targets = [str(t) for t in target] if isinstance(target, list) else [str(target)]
    named = custom(relation).get("parent")
    parents = {str(named)} if named else {t.rpartition(".")[0] for t in targets}
    if len(parents) != 1 or not next(iter(parents)) or len(targets) != len(columns):
        raise ContractError(
            f"relationship to {target!r} does not name one parent with as many columns.",
            remedy="Write to: <name>.<column>, and the parent's dataset id in headgate.parent.",
            place=place,
        )
    missing = str(custom(relation).get("missingParent", "quarantine"))
    if missing not in MISSING_PARENT:
        raise ContractError(
            f"headgate.missingParent {missing!r} is not known.",
            remedy=f"Use one of {', '.join(MISSING_PARENT)}.",
            place=place,
        )
    arguments = {
        "columns": columns,
        "parent": parents.pop(),
        "parent_columns": _last_parts(targets),
        "missing": missing,
    }
    return Rule(
        id=f"{'_'.join(columns)}.foreign_key",
        kind="foreign_key",
        scope="row",
        severity="warn" if missing == "warn" else "quarantine",
        column=columns[0],
        arguments=arguments,
        description=str(custom(relation).get("description", "")),
        dimension="consistency",
        place=place,
    )


def _last_parts(names: Any) -> list[str]:
    listed = names if isinstance(names, list) else [names]
    return [str(n).rpartition(".")[2] for n in listed]


def _snake(text: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in text).lstrip("_")
