"""Who asks: a person that signed in, a machine with a token, or whoever sits at this machine."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.portal.access.roles import LEAST, Right, Role


@dataclass(frozen=True)
class Person:
    """Who asks. ``name`` is what the audit log says of them (an e-mail address, ``token:NAME``, or
    ``local:USER``); ``teams`` are the owners whose datasets are theirs."""

    name: str
    role: Role
    teams: frozenset[str] = frozenset()
    is_machine: bool = False

    def may(self, right: Right) -> bool:
        """Whether they may do it at all; of what is an owner's, ask :meth:`may_decide`."""
        return self.role.reaches(LEAST[right])

    def owns(self, owner: str) -> bool:
        """Whether what belongs to that owner is theirs; to an admin everything is."""
        return self.role is Role.ADMIN or (self.role.reaches(Role.OWNER) and owner in self.teams)

    def may_decide(self, owner: str) -> bool:
        """Whether they may waive and replay rows of a dataset of that owner."""
        return self.may(Right.DECIDE) and self.owns(owner)
