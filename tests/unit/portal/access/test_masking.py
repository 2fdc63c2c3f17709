"""Masked values tell of what kind they are, and nothing of what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.portal.access import masking
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from tests.unit.contracts.test_load import MINIMAL


def contract(**columns: dict[str, Any]) -> Contract:
    """The minimal contract with these columns besides its own; ``unmaskedFor`` and so on are custom."""
    import copy

    document = copy.deepcopy(MINIMAL)
    for name, said in columns.items():
        custom = [
            {"property": f"headgate.{k}", "value": v}
            for k, v in said.items() if k in ("unmaskedFor", "personalData")
        ]  # fmt: skip
        plain = {k: v for k, v in said.items() if k not in ("unmaskedFor", "personalData")}
        document["schema"][0]["properties"].append(
            {"name": name, "logicalType": "string", "physicalType": "string",
             "description": "A column.", "classification": "public",
             **plain, "customProperties": custom}
        )  # fmt: skip
    return from_document(Path("contract.odcs.yaml"), document)


GIVEN = contract(
    plain={}, secret={"classification": "restricted"}, who={"personalData": True},
    shown={"personalData": True, "unmaskedFor": "viewer"}, reviewed={"unmaskedFor": "reviewer"},
    hidden={"unmaskedFor": "admin"},
)  # fmt: skip
OWNER = frozenset({GIVEN.owner})
PEOPLE = {
    "viewer": Person("v", Role.VIEWER), "viewer of the team": Person("v", Role.VIEWER, OWNER),
    "reviewer": Person("r", Role.REVIEWER), "reviewer of the team": Person("r", Role.REVIEWER, OWNER),
    "another's owner": Person("o", Role.OWNER, frozenset({"others"})),
    "owner": Person("o", Role.OWNER, OWNER), "admin": Person("a", Role.ADMIN),
}  # fmt: skip
REVIEWING = {"reviewer", "reviewer of the team", "another's owner", "owner", "admin"}
MAY = {
    "plain": set(PEOPLE), "shown": set(PEOPLE), "reviewed": REVIEWING,
    "secret": {"owner", "admin"}, "who": {"owner", "admin"}, "hidden": {"admin"},
}  # fmt: skip


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("column", MAY)
def test_the_contract_says_who_sees_a_column(column: str, who: str) -> None:
    assert masking.may_see(GIVEN, column, PEOPLE[who]) is (who in MAY[column])
    found = masking.text(GIVEN, column, "ann@example.org", PEOPLE[who])
    assert found.masked is (who not in MAY[column])
    assert ("ann" in found.text) is not found.masked


@pytest.mark.parametrize("column", [None, "_rescued", "of no contract", "WHO"])
def test_what_came_as_it_was_is_as_strict_as_the_strictest_column(column: str | None) -> None:
    seen = {who for who, person in PEOPLE.items() if masking.may_see(GIVEN, column, person)}
    assert seen == {"admin"}
    milder = contract(plain={}, who={"personalData": True})
    seen = {who for who, person in PEOPLE.items() if masking.may_see(milder, column, person)}
    assert seen == {"owner", "admin"}


VALUES = st.one_of(
    st.text(min_size=1), st.integers(), st.floats(allow_nan=True), st.decimals(), st.binary(),
    st.datetimes(), st.dates(), st.booleans(), st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)  # fmt: skip


@given(VALUES, VALUES)
def test_what_is_masked_depends_on_kind_and_length_class_alone(one: Any, other: Any) -> None:
    told = [masking.text(GIVEN, "who", value, PEOPLE["viewer"]).text for value in (one, other)]
    known = {
        "text, empty", "text, short", "text, medium", "text, long", "bytes, empty", "bytes, short",
        "bytes, medium", "bytes, long", "number", "true or false", "time", "list", "record",
    }  # fmt: skip
    assert set(told) <= known


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), ("a\nb", "a\nb"), (3, "3"), (Decimal("1.50"), "1.50"), (True, "true"),
        (datetime(2026, 5, 31, tzinfo=UTC), "2026-05-31T00:00:00+00:00"), (date(2026, 5, 31), "2026-05-31"),
        ({"b": 1, "a": [None]}, '{"a":[null],"b":1}'), (b"\xff", "\ufffd"), (float("nan"), "nan"),
    ],
)  # fmt: skip
def test_what_may_be_seen_is_written_plainly(value: Any, text: str) -> None:
    assert masking.text(GIVEN, "who", value, PEOPLE["admin"]).text == text
