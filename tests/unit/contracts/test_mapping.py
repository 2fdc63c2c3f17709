"""Where records and values stand in a source's documents, as contracts write it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.contracts.mapping import Location, Mapping, mapping
from headgate.core.errors import ContractError


def of(columns: dict[str, str], **options: Any) -> Mapping:
    contract = SimpleNamespace(
        path=Path("c.yaml"),
        source=SimpleNamespace(options=options),
        columns=[SimpleNamespace(name=n, field=f) for n, f in columns.items()],
    )
    return mapping(contract)  # type: ignore[arg-type]


def test_plain_names_are_fields_of_the_record_whatever_they_hold() -> None:
    found = of({"a": "a", "b": "b.c"})
    assert found.plain
    assert found.columns["b"] == Location(0, ("b.c",))


def test_records_in_an_array_reach_what_encloses_them() -> None:
    found = of(
        {"emoji": "@.emoji.code", "message": "$.messages[*].id", "guild": "$.guild['na.me']"},
        records="$.messages[*].reactions[*]",
        ignore=["@.users"],
    )
    assert found.arrays == (("messages",), ("reactions",))
    assert found.columns == {
        "emoji": Location(2, ("emoji", "code")),
        "message": Location(1, ("id",)),
        "guild": Location(0, ("guild", "na.me")),
    }
    assert found.ignored == (Location(2, ("users",)),)
    assert not found.plain


def test_a_record_may_stand_below_an_element() -> None:
    found = of({"id": "id", "at": "$.messages[*].timestamp"}, records="$.messages[*].author")
    assert found.record == Location(1, ("author",))
    assert found.columns == {"id": Location(1, ("author", "id")), "at": Location(1, ("timestamp",))}


def test_a_control_total_is_a_place_in_the_document() -> None:
    assert of({}, records="$.m[*]", controlTotal="$.count").control_total == Location(0, ("count",))


@pytest.mark.parametrize(
    ("columns", "options", "told"),
    [
        ({"a": "$.x["}, {}, "cannot be read from"),
        ({"a": "@.x[*]"}, {}, "several values"),
        ({"a": "$.others[*].x"}, {"records": "$.items[*]"}, "not in"),
        ({}, {"records": "items"}, "cannot be read|no path"),
        ({}, {"records": "@.items[*]"}, "no path of a document"),
        ({}, {"ignore": "$.x"}, "list of paths"),
        ({}, {"controlTotal": "$.n"}, "names none"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    columns: dict[str, str], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ContractError, match=told):
        of(columns, **options)
