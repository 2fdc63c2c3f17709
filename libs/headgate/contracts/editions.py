"""Earlier editions of the standard, said in the words of 3.1: what a contract of 3.0 spells otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What 3.0 called the library's rules, and the metric that each is.
_RULES = {
    "nullCheck": "nullValues",
    "nullValues": "nullValues",
    "missingValues": "missingValues",
    "validValues": "invalidValues",
    "invalidValues": "invalidValues",
    "duplicateCount": "duplicateValues",
    "duplicateValues": "duplicateValues",
    "rowCount": "rowCount",
    "countCheck": "rowCount",
}


def modern(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with its library rules as 3.1 writes them; one of 3.1 and later is left as it is.

    A rule that 3.0 judged without a comparison (`nullCheck`, `validValues`) demands none of them.
    """
    tables = document.get("schema")
    old = str(document.get("apiVersion", "")).startswith("v3.0")
    if not old or not isinstance(tables, list):
        return document
    return {**document, "schema": [_element(t) for t in tables]}


def _element(element: Any) -> Any:
    if not isinstance(element, Mapping):
        return element
    found = dict(element)
    for part, of in (("properties", _element), ("quality", _entry)):
        if isinstance(found.get(part), list):
            found[part] = [of(e) for e in found[part]]
    return found


def _entry(entry: Any) -> Any:
    if not isinstance(entry, Mapping) or entry.get("rule") not in _RULES or "metric" in entry:
        return entry
    found = {k: v for k, v in entry.items() if k not in ("rule", "validValues")}
    found["metric"] = _RULES[entry["rule"]]
    if "validValues" in entry:
        arguments = entry.get("arguments") or {}
        found["arguments"] = {**arguments, "validValues": entry["validValues"]}
    if not any(k.startswith("must") for k in entry) and found["metric"] != "rowCount":
        found["mustBe"] = 0
    return found
