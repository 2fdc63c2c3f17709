"""Entries of ODCS ``quality`` lists as rules: library metrics, SQL, custom engines, and plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from headgate.contracts.custom import snake
from headgate.contracts.model import SEVERITIES, Promise, Rule
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
#: The words that the standard's examples have for severities; error means the scope's default.
_SEVERITIES = {"info": "warn", "warning": "warn", "critical": "fail"}
_DEFAULT = {"row": "quarantine", "table": "fail"}
#: What each metric's arguments may be called.
_ARGUMENTS = {
    "missingValues": {"missingValues"},
    "invalidValues": {"validValues", "pattern"},
    "duplicateValues": {"properties"},
}
_GX = ("greatexpectations", "gx")


def severity(given: Any, scope: str, place: str) -> str:
    """A severity as Headgate knows it.

    Raises:
        ContractError: it does not fit rules of this scope.
    """
    word = str(given)
    found = _DEFAULT[scope] if word == "error" else _SEVERITIES.get(word, word)
    if found not in SEVERITIES or (scope == "table" and found == "quarantine"):
        allowed = SEVERITIES if scope == "row" else ("warn", "fail")
        raise ContractError(
            f"severity {word!r} does not fit a {scope} rule.",
            remedy=f"Use one of {', '.join(allowed)} (info, warning, error and critical are "
            "understood).",
            place=place,
        )
    return found


def promises(
    entries: Sequence[Mapping[str, Any]], column: str | None, place: str
) -> Iterator[Promise]:
    """The entries that promise in words alone.

    Raises:
        ContractError: one of them has no words.
    """
    for position, quality in enumerate(entries):
        if _form(quality) != "text":
            continue
        at = f"{place}/{position}"
        words = " ".join(str(quality.get("description") or "").split())
        if not words:
            raise ContractError(
                "a quality rule of type text says nothing.",
                remedy="Say in description what is promised, or use type library or sql.",
                place=at,
            )
        yield Promise(words, column, str(quality.get("dimension", "")), at)


def rules(quality: Mapping[str, Any], column: str | None, place: str) -> Iterator[Rule]:
    """One entry of a ``quality`` list as a rule; one of type text is none.

    Raises:
        ContractError: it cannot be judged; its place is named.
    """
    form = _form(quality)
    if form == "text":
        return
    if form == "library":
        kind, scope, arguments = _library(quality, column, place)
    elif form == "sql":
        kind, scope = "sql", "table"
        arguments = {"query": quality["query"], **_comparison(quality, place)}
    else:
        kind, scope, arguments = _custom(quality, column, place)
    name = quality.get("id") or quality.get("name") or _name(quality, kind, arguments)
    yield Rule(
        id=f"{column}.{name}" if column else str(name),
        kind=kind,
        scope=scope,
        severity=severity(quality.get("severity", _DEFAULT[scope]), scope, place),
        column=column,
        arguments=arguments,
        description=str(quality.get("description", "")),
        dimension=str(quality.get("dimension", "")),
        place=place,
    )


def _form(quality: Mapping[str, Any]) -> str:
    return str(quality.get("type") or ("library" if "metric" in quality else "text"))


def _name(quality: Mapping[str, Any], kind: str, arguments: Mapping[str, Any]) -> str:
    if kind == "great_expectations":
        return str(arguments["type"])
    return snake(str(quality.get("metric") or kind))


def _library(
    quality: Mapping[str, Any], column: str | None, place: str
) -> tuple[str, str, dict[str, Any]]:
    """A library metric. ``invalidValues mustBe 0`` judges each row; other limits judge a share."""
    metric = str(quality.get("metric"))
    given = _arguments(quality, metric, place)
    if metric not in _METRICS:
        raise ContractError(
            f"metric {metric!r} is not known.",
            remedy=f"Use one of {', '.join(_METRICS)}.",
            place=place,
        )
    if column is None and metric not in ("rowCount", "duplicateValues"):
        raise ContractError(
            f"metric {metric!r} belongs to a column.",
            remedy="Write it below the column that it is about.",
            place=place,
        )
    comparison = _comparison(quality, place)
    none_allowed = comparison == {"operator": "mustBe", "value": 0, "unit": comparison["unit"]}
    if none_allowed and metric == "nullValues":
        return "required", "row", {}
    if none_allowed and metric == "invalidValues":
        if "validValues" in given and "pattern" not in given:
            return "accepted_values", "row", {"values": given["validValues"]}
        if "pattern" in given and "validValues" not in given:
            return "pattern", "row", {"value": given["pattern"]}
    if metric == "invalidValues" and not given:
        raise ContractError(
            "invalidValues needs validValues or pattern among its arguments.",
            remedy="Write arguments: {validValues: […]} or {pattern: …}.",
            place=place,
        )
    columns = given.pop("properties", None) or ([column] if column else None)
    if metric == "duplicateValues":
        if not columns:
            raise ContractError(
                "duplicateValues needs properties among its arguments.",
                remedy="Write arguments: {properties: [column, …]}, or write it below a column.",
                place=place,
            )
        given["columns"] = [str(c).rpartition(".")[2] for c in columns]
    return _METRICS[metric], "table", {**given, **comparison}


def _arguments(quality: Mapping[str, Any], metric: str, place: str) -> dict[str, Any]:
    """The metric's arguments; NULL is never invalid, so it is left out of a list of valid values."""
    given = dict(quality.get("arguments") or {})
    known = _ARGUMENTS.get(metric, set())
    for name in given:
        if name not in known:
            told = ", ".join(sorted(known)) or "none"
            raise ContractError(
                f"argument {name!r} means nothing to metric {metric}.",
                remedy=f"Its arguments: {told}.",
                place=f"{place}/arguments/{name}",
            )
    values = given.get("validValues")
    if isinstance(values, list):
        given["validValues"] = [v for v in values if v is not None]
    return given


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
    value, shares = quality[used[0]], quality.get("metric") not in (None, "rowCount")
    if unit == "percent" and not shares:
        raise ContractError(
            "a percentage needs a metric that counts some rows of all.",
            remedy="Leave unit out.",
            place=f"{place}/unit",
        )
    return {"operator": used[0], "value": value, "unit": unit}


def _custom(
    quality: Mapping[str, Any], column: str | None, place: str
) -> tuple[str, str, dict[str, Any]]:
    engine, implementation = str(quality["engine"]), quality["implementation"]
    if engine == "headgate":
        return _own(implementation, place)
    if engine.lower().replace("-", "").replace("_", "") in _GX:
        return "great_expectations", "table", _expectation(implementation, column, place)
    raise ContractError(
        f"a custom rule of engine {engine!r} is not run here.",
        remedy="Say it with a library metric, sql, engine greatExpectations, or engine headgate.",
        place=f"{place}/engine",
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


def _expectation(implementation: Any, column: str | None, place: str) -> dict[str, Any]:
    """An expectation, written as a mapping or as YAML or JSON text; a column's is about it."""
    found = implementation
    if isinstance(found, str):
        try:
            found = yaml.load(found, yaml.CSafeLoader)
        except yaml.YAMLError as error:
            told = " ".join(str(error).split())
            raise ContractError(
                f"the implementation is not YAML or JSON: {told}.",
                remedy="Write {type: expect_…, kwargs: {…}}.",
                place=f"{place}/implementation",
            ) from None
    if isinstance(found, str):
        found = {"type": found}
    given = found if isinstance(found, Mapping) else {}
    names = ("type", "expectation_type", "expectationType")
    named = [given[k] for k in names if k in given]
    kwargs = given.get("kwargs", {})
    unknown = set(given) - {*names, "kwargs", "meta", "id", "name", "description", "notes"}
    if len(named) != 1 or not isinstance(kwargs, Mapping) or unknown:
        raise ContractError(
            "this is no expectation of Great Expectations"
            + (f": {', '.join(sorted(map(str, unknown)))} mean nothing." if unknown else "."),
            remedy="Write {type: expect_…, kwargs: {…}}.",
            place=f"{place}/implementation",
        )
    about = {"column": column} if column and not {"column_A", "column_list"} & set(kwargs) else {}
    return {"type": snake(str(named[0])), "kwargs": {**about, **kwargs}}
