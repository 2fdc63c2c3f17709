"""How a contract says that a column is protected, and what a change of that means."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from headgate.contracts import diff, docs, protection, stored
from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.contracts.protection import Protection
from headgate.core.errors import ContractError
from tests.unit.contracts.test_load import MINIMAL


def contract(note: dict[str, Any] | None = None, **custom: Any) -> Contract:
    """The minimal contract, where the column ``note`` says more."""
    document = copy.deepcopy(MINIMAL)
    column = document["schema"][0]["properties"][1]
    column |= note or {}
    if custom:
        column["customProperties"] = [
            {"property": f"headgate.{k}", "value": v} for k, v in custom.items()
        ]
    return from_document(Path("contract.odcs.yaml"), document)


def test_what_is_declared_is_read_and_comes_back_from_the_cache() -> None:
    given = contract(anonymized={"how": "Only\n  counted.", "of": ["silver.a.b.c"]})
    column = given.column("note")
    assert (column.anonymized, column.anonymized_of) == ("Only counted.", ("silver.a.b.c",))
    text = stored.to_json(given)
    assert text is not None and stored.of_json(text) == given
    assert given.substance == contract().substance
    assert contract().column("note").anonymized == ""


@pytest.mark.parametrize(
    "given",
    [
        None, True, "counted", [], {}, {"how": ""}, {"how": "x", "of": "silver.a.b.c"},
        {"how": "x", "of": ["silver.a.b"]}, {"how": "x", "off": []}, {"of": ["silver.a.b.c"]},
        {"how": "x", "of": 3},
    ],
)  # fmt: skip
def test_a_declaration_of_another_form_is_refused_with_its_place(given: Any) -> None:
    with pytest.raises(ContractError, match=r"headgate\.anonymized") as error:
        contract(anonymized=given)
    assert "#/schema/0/properties/1/customProperties/headgate.anonymized" in error.value.place


def test_ends_of_all_inputs_or_of_those_named() -> None:
    every = contract(anonymized={"how": "Cut."}).column("note")
    one = contract(anonymized={"how": "Cut.", "of": ["silver.a.b.c"]}).column("note")
    assert protection.ends(every, "silver.a.b", "d")
    assert protection.ends(one, "silver.a.b", "c") and not protection.ends(one, "silver.a.b", "d")
    assert not protection.ends(contract().column("note"), "silver.a.b", "c")


def test_what_ingest_adds_is_protected_too() -> None:
    found = protection.of_table(contract({"classification": "restricted"}, personalData=True))
    assert found["_rescued"] == Protection("restricted", True)
    assert found["_source"] == Protection("internal")
    assert list(found) == list(contract().table_columns)
    page = docs.page(contract({"classification": "restricted"}, anonymized={"how": "Cut."}))
    assert "| Anonymised | `note`: Cut. |" in page


SECRET = {"classification": "confidential"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({}, {"note": SECRET}, "was internal and is confidential. What is made from it has to be so"),
        ({"note": SECRET}, {}, "was confidential and is internal. More people may read it."),
        ({}, {"note": {"classification": "public"}}, "More people may read it."),
        ({}, {"personalData": True}, "note is personal data. What is made from it has to be so"),
        ({"personalData": True}, {}, "note counts as personal data no longer."),
        ({}, {"anonymized": {"how": "Cut."}}, "note is declared to be anonymised: Cut."),
        ({}, {"anonymized": {"how": "Cut.", "of": ["silver.a.b.c"]}}, "anonymised of silver.a.b.c: Cut."),
        ({"anonymized": {"how": "Cut."}}, {}, "has to be as strict as what it is made from."),
    ],
)  # fmt: skip
def test_a_change_says_what_it_means(old: Any, new: Any, told: str) -> None:
    [change] = diff.compare(contract(**old), contract(**new))
    assert told in change.what
    assert (change.kind, change.severity) == ("protection", diff.COMPATIBLE)
    assert (change.columns, change.place) == (("note",), "/schema/0/properties/1")


@pytest.mark.parametrize("role", protection.ROLES)
def test_a_contract_says_from_which_role_on_values_are_shown(role: str) -> None:
    given = contract(unmaskedFor=role)
    assert given.column("note").unmasked_for == protection.least_role(given.column("note")) == role
    text = stored.to_json(given)
    assert text is not None and stored.of_json(text) == given
    assert given.substance == contract().substance
    assert f"`note` to {role}" in docs.page(given)


@pytest.mark.parametrize(
    ("note", "custom", "role"),
    [
        ({"classification": "public"}, {}, "viewer"),
        ({"classification": "internal"}, {}, "viewer"),
        ({"classification": "confidential"}, {}, "owner"),
        ({"classification": "restricted"}, {}, "owner"),
        ({"classification": "top secret"}, {}, "owner"),
        ({"classification": "public"}, {"personalData": True}, "owner"),
    ],
)
def test_where_it_says_nothing_the_class_decides(
    note: dict[str, Any], custom: dict[str, Any], role: str
) -> None:
    assert protection.least_role(contract(note, **custom).column("note")) == role


@pytest.mark.parametrize("given", ["", None, "Owner", "nobody", True, ["viewer"], 3])
def test_a_role_that_there_is_not_is_refused_with_its_place(given: Any) -> None:
    with pytest.raises(ContractError, match=r"headgate\.unmaskedFor") as error:
        contract(unmaskedFor=given)
    assert "viewer, reviewer, owner, admin" in error.value.remedy


def test_a_change_of_who_sees_values_is_told() -> None:
    old, new = contract(), contract(personalData=True, unmaskedFor="reviewer")
    told = list(protection.changes(old.column("note"), new.column("note")))
    assert any("shown to reviewer" in sentence for sentence in told)
