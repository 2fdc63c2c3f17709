"""Roles of people and machines, and what each may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is here. Each may do what the ones before it may."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    OWNER = "owner"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return list(Role).index(self)

    def reaches(self, other: Role) -> bool:
        """Whether this role is that one or more."""
        return self.rank >= other.rank


class Right(StrEnum):
    """What somebody may be let do."""

    SEE = "see pages"
    EXPORT = "take reports and evidence away"
    AUDIT = "read the log of who saw and did what"
    SIGN = "sign reports off and grant exceptions"
    DECIDE = "waive and replay refused rows"
    MANAGE = "manage people and tokens"


#: The least role that has a right. An owner decides about what is theirs alone; an admin about all.
LEAST = {
    Right.SEE: Role.VIEWER,
    Right.EXPORT: Role.REVIEWER,
    Right.AUDIT: Role.REVIEWER,
    Right.SIGN: Role.REVIEWER,
    Right.DECIDE: Role.OWNER,
    Right.MANAGE: Role.ADMIN,
}
