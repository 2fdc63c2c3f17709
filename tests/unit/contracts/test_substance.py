"""A contract's substance holds all that rows and their judgement follow from, and no mere words."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.contracts.substance import parts, substance
from headgate.core.errors import HeadgateError
from tests.conftest import REPOSITORY

#: What is known of a contract, a column and a rule that no row follows from.
WORDS = {
    "path", "version", "status", "description", "owner", "grain", "document", "hash", "tags",
    "promises", "release_group", "freshness_hours", "retention_days", "name", "dimension", "place",
    "classification", "personal", "examples", "business_name", "schedule", "timezone", "retries",
    "retry_minutes", "anonymized", "anonymized_of", "live",
}  # fmt: skip
DOCUMENTS = [
    yaml.safe_load(p.read_text())
    for p in sorted((REPOSITORY / "data_contracts").rglob("contract.odcs.yaml"))
]


def effect(document: dict[str, Any]) -> Any:
    """What the document makes of a table, or None if it is no contract."""
    try:
        return _bare(from_document(Path("contract.odcs.yaml"), document))
    except (HeadgateError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _bare(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # A column's name is what it is called; a dataset's says nothing of its rows.
        words = WORDS - ({"name"} if not isinstance(value, Contract) else set())
        return {
            f.name: _bare(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.name not in words
        }
    if isinstance(value, tuple | list):
        return [_bare(v) for v in value]
    return value


def changes(element: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every part of a document, with what to put in its place: something else, or nothing."""
    if isinstance(element, dict):
        for key, value in element.items():
            yield (*path, key), None
            yield from changes(value, (*path, key))
    elif isinstance(element, list):
        for index, value in enumerate(element):
            yield (*path, index), None
            yield from changes(value, (*path, index))
    elif isinstance(element, bool):
        yield path, not element
    elif isinstance(element, int | float):
        yield path, element + 1
    else:
        for other in ("fail", "warn", "integer", "string", f"{element}x"):
            yield path, other


def changed(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The document with one part of it changed, or taken out."""
    found = copy.deepcopy(document)
    at: Any = found
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return found


def shape(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    """Where in a document a part stands, alike for all its columns and rules of one kind."""
    at: Any = document
    told: list[Any] = []
    for step in path:
        known = at.get("property") if isinstance(at, dict) else None
        told += [f"custom {known}" if known else "", "" if isinstance(step, int) else step]
        at = at[step]
    return (*told, type(value).__name__, value if isinstance(value, str) and len(value) < 8 else "")


def test_whatever_changes_a_table_changes_the_substance() -> None:
    seen: set[tuple[Any, ...]] = set()
    tried = 0
    for document in DOCUMENTS:
        before, own = effect(document), parts(document)
        for path, value in changes(document):
            where = shape(document, path, value)
            if where in seen:
                continue
            seen.add(where)
            other = changed(document, path, value)
            after = effect(other)
            if after is None or after == before:
                continue
            tried += 1
            assert parts(other) != own, (document["name"], path, value)
    assert tried > 60


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), "9.9.9"),
        (("description", "purpose"), "Other words."),
        (("tags",), ["one", "two"]),
        (("team",), {"name": "others"}),
        (("schema", 0, "description"), "Other words."),
        (("schema", 0, "dataGranularityDescription"), "One row a row."),
        (("schema", 0, "properties", 0, "description"), "Other words."),
        (("schema", 0, "properties", 0, "classification"), "confidential"),
    ],
)
def test_words_do_not_change_it(path: tuple[Any, ...], value: Any) -> None:
    document = next(d for d in DOCUMENTS if d["name"] == "gold.community.fct_messages")
    other = changed(document, path, value)
    one, two = (from_document(Path("c.yaml"), d) for d in (document, other))
    assert one.hash != two.hash
    assert substance(one) == substance(two)


def test_a_promise_in_words_does_not_change_it() -> None:
    document = next(d for d in DOCUMENTS if d["name"] == "gold.community.fct_messages")
    other = copy.deepcopy(document)
    other["schema"][0].setdefault("quality", []).append({"type": "text", "description": "Well."})
    assert parts(other) == parts(document)
