"""Roles and teams by groups: the most that is true of somebody, and nothing that nobody gave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headgate.core.errors import SettingError, UsageError
from headgate.core.settings import Settings
from headgate.portal.access import policy, tokens
from headgate.portal.access.entering import Access
from headgate.portal.access.people import Person
from headgate.portal.access.roles import LEAST, Right, Role
from headgate.portal.records import chain
from headgate.portal.records.opening import Records

PLAIN = Settings(root=Path("/nowhere"))
OWNERS = frozenset({"community", "platform"})


def given(roles: str, teams: str = "") -> policy.Policy:
    return policy.load(replace(PLAIN, portal_roles=roles, portal_teams=teams))


@pytest.mark.parametrize(
    ("roles", "groups", "role"),
    [
        ("*=viewer", [], "viewer"),
        ("a=admin, *=viewer", ["a"], "admin"),
        ("a=viewer, b=owner", ["b", "a"], "owner"),
        ("a=viewer, a=owner", ["a"], "owner"),
        ("a=viewer", ["A"], None),
        ("a=viewer", [], None),
        ("", ["a"], None),
        (" cn=x\\2Cou=y = reviewer ", ["cn=x\\2Cou=y"], "reviewer"),
    ],
)
def test_the_most_that_is_true_counts(roles: str, groups: list[str], role: str | None) -> None:
    found = given(roles).person("ann", groups, OWNERS)
    assert (found and str(found.role)) == role


def test_a_group_called_as_an_owner_is_that_owner_and_others_are_by_the_setting() -> None:
    said = given("*=viewer", "grp-1=community, grp-1=platform, grp-2=elsewhere")
    assert said.person("a", ["platform", "other"], OWNERS).teams == {"platform"}  # type: ignore[union-attr]
    assert said.person("a", ["grp-1"], OWNERS).teams == {"community", "platform"}  # type: ignore[union-attr]
    # To be of the team is not to be an owner: that is a role.
    ann = said.person("a", ["platform"], OWNERS)
    assert ann is not None and not ann.owns("platform") and not ann.may_decide("platform")


@pytest.mark.parametrize(
    "roles", ["a", "a=", "=viewer", "a=chief", "*=owner", "*=admin", "a viewer"]
)
def test_a_policy_that_cannot_be_meant_is_refused(roles: str) -> None:
    with pytest.raises(SettingError, match="portal_roles"):
        given(roles)


def test_each_right_has_its_least_role_and_those_above_have_it_too() -> None:
    assert set(LEAST) == set(Right)
    for right, least in LEAST.items():
        for role in Role:
            assert Person("x", role).may(right) is (role.rank >= least.rank)


def test_an_owner_decides_about_what_is_theirs_alone() -> None:
    owner = Person("o", Role.OWNER, frozenset({"community"}))
    assert owner.may_decide("community") and not owner.may_decide("platform")
    assert Person("a", Role.ADMIN).may_decide("platform")
    assert not Person("r", Role.REVIEWER, frozenset({"community"})).may_decide("community")


@pytest.mark.parametrize(
    "url",
    ["data.example.org", "http://data.example.org", "https://data.example.org/portal", "ftp://x",
     "https://me:secret@data.example.org", "https://"],
)  # fmt: skip
def test_an_address_that_would_not_do_is_refused(records: Records, url: str) -> None:
    with pytest.raises(SettingError, match="portal_url"):
        Access(records, replace(PLAIN, portal_url=url))


def test_nothing_is_served_to_others_as_long_as_nobody_can_sign_in(records: Records) -> None:
    access = Access(records, PLAIN)
    access.demand_guarded("127.0.0.1")
    with pytest.raises(UsageError, match="nobody can sign in") as caught:
        access.demand_guarded("0.0.0.0")
    assert "headgate portal token create" in caught.value.remedy
    tokens.create(records, "one", Role.VIEWER, by=Person("local:x", Role.ADMIN))
    Access(records, PLAIN).demand_guarded("0.0.0.0")


def test_people_sign_in_over_an_encrypted_line_alone(records: Records) -> None:
    said = replace(PLAIN, portal_oidc_issuer="https://id.example.org")
    with pytest.raises(UsageError, match="unencrypted"):
        Access(records, said).demand_guarded("192.0.2.1")
    said = replace(said, portal_url="https://data.example.org")
    Access(records, said).demand_guarded("192.0.2.1")


def test_tokens_are_told_once_kept_as_a_digest_and_on_record(records: Records) -> None:
    by = Person("local:x", Role.ADMIN)
    text = tokens.create(records, "ci", "owner", by=by, teams=frozenset({"community"}), days=3)
    assert text.startswith(tokens.PREFIX) and text.encode() not in Path(records.place).read_bytes()
    found = tokens.Keys(records).find(text)
    assert found is not None
    assert found.person == Person("token:ci", Role.OWNER, frozenset({"community"}), is_machine=True)
    tokens.revoke(records, "ci", by=by)
    assert tokens.Keys(records).find(text) is None
    assert [(e.action, e.subject) for e in chain.every(records)] == [
        ("token_made", "token:ci"), ("token_revoked", "token:ci"),
    ]  # fmt: skip


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lasts_a_year_at_the_most(records: Records, days: int) -> None:
    with pytest.raises(UsageError, match="days"):
        tokens.create(records, "ci", "viewer", by=Person("x", Role.ADMIN), days=days)
