"""Which role and which teams a person has: by the groups that the provider says they are in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.core.errors import SettingError
from headgate.core.settings import Settings
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role

#: Stands for whoever can sign in.
ANYBODY = "*"


@dataclass(frozen=True)
class Policy:
    """The settings ``portal_roles`` (``group=role, …``) and ``portal_teams`` (``group=owner, …``), read."""

    roles: Mapping[str, Role]
    teams: Mapping[str, tuple[str, ...]]

    def person(self, name: str, groups: Iterable[str], owners: frozenset[str]) -> Person | None:
        """Who somebody is here; None if nothing gives them a role.

        ``owners`` are those of the contracts: a group that is called as one of them is that owner.
        """
        groups = frozenset(groups)
        held = [role for group, role in self.roles.items() if group in groups or group == ANYBODY]
        if not held:
            return None
        teams = {owner for group in groups for owner in self.teams.get(group, ())}
        role = max(held, key=lambda r: r.rank)
        return Person(name, role, frozenset(teams | (groups & owners)))


def load(settings: Settings) -> Policy:
    """The policy that the settings give.

    Raises:
        SettingError: one of them cannot be read.
    """
    roles: dict[str, Role] = {}
    for group, role in _pairs(settings.portal_roles, "portal_roles"):
        if role not in set(Role):
            raise SettingError(
                f"portal_roles: {role!r} is no role.", remedy=f"Roles: {', '.join(Role)}."
            )
        given = Role(role)
        roles[group] = max(given, roles.get(group, given), key=lambda r: r.rank)
    if roles.get(ANYBODY, Role.VIEWER).rank > Role.REVIEWER.rank:
        raise SettingError(
            f"portal_roles makes whoever can sign in an {roles[ANYBODY]}.",
            remedy="Give that role to a group; `*` may be viewer or reviewer.",
        )
    teams: dict[str, tuple[str, ...]] = {}
    for group, owner in _pairs(settings.portal_teams, "portal_teams"):
        teams[group] = (*teams.get(group, ()), owner)
    return Policy(roles, teams)


def _pairs(text: str, setting: str) -> Iterable[tuple[str, str]]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        group, equals, given = part.rpartition("=")
        if not equals or not group.strip() or not given.strip():
            raise SettingError(
                f"{setting}: {part!r} is no pair.", remedy="Write group=value, with commas between."
            )
        yield group.strip(), given.strip()
