"""What of a contract a table's rows depend on: without descriptions, owners and promises in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.contracts import editions
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson

#: Parts of the document that say something of the table and nothing of its rows.
_DOCUMENT_WORDS = """apiVersion kind id version status tenant dataProduct domain description tags team roles
    support price slaProperties slaDefaultElement contractCreatedTs authoritativeDefinitions
    servers"""
_DOCUMENT = frozenset(_DOCUMENT_WORDS.split())
_ELEMENT_WORDS = """description businessName tags dataGranularityDescription authoritativeDefinitions examples
    classification transformSourceObjects transformLogic transformDescription"""
_ELEMENT = frozenset(_ELEMENT_WORDS.split())
_RULE_WORDS = """description dimension businessImpact tags authoritativeDefinitions scheduler
    schedule"""
_RULE = frozenset(_RULE_WORDS.split())
_CUSTOM_WORDS = "releaseGroup engine live personalData anonymized unmaskedFor schedule timezone retries retryMinutes"
_CUSTOM = frozenset(f"headgate.{word}" for word in _CUSTOM_WORDS.split())


def substance(contract: Contract) -> str:
    """The SHA-256 of all of a contract that its rows, their judgement or their place follow from.

    Whatever is not known to be mere description counts.
    """
    return contract.substance or of_document(contract.document)


def of_document(document: Mapping[str, Any]) -> str:
    """The same of an ODCS document."""
    return ids.digest(hjson.dumps(parts(document)))


def parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of an ODCS document when what merely describes is taken away."""
    found = _without(editions.modern(document), _DOCUMENT)
    if isinstance(found.get("schema"), list):
        found["schema"] = [_element(e) for e in found["schema"]]
    return found


def _element(element: Any) -> Any:
    """A table, a column, or a part of a nested one."""
    if not isinstance(element, Mapping):
        return element
    found = _without(element, _ELEMENT)
    if isinstance(found.get("properties"), list):
        found["properties"] = [_element(e) for e in found["properties"]]
    if "items" in found:
        found["items"] = _element(found["items"])
    if isinstance(found.get("quality"), list):
        rules = (r for r in found["quality"] if not _in_words(r))
        found["quality"] = [_without(r, _RULE) if isinstance(r, Mapping) else r for r in rules]
    return {key: value for key, value in found.items() if value not in ([], {})}


def _in_words(rule: Any) -> bool:
    return isinstance(rule, Mapping) and rule.get("type") == "text"


def _without(element: Mapping[str, Any], inert: frozenset[str]) -> dict[str, Any]:
    found = {key: value for key, value in element.items() if key not in inert}
    if "customProperties" in found:
        given = found["customProperties"] or ()
        kept = [p for p in given if str(p.get("property")) not in _CUSTOM]
        found["customProperties"] = sorted(
            ({"property": p.get("property"), "value": p.get("value")} for p in kept),
            key=lambda p: str(p["property"]),
        )
        if not kept:
            del found["customProperties"]
    return found
