"""What every page has around it: the project, what is known of the platform, lineage, records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from headgate.portal.access.people import Person

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project


@dataclass(frozen=True)
class Served:
    """A portal's parts, one a process."""

    project: Project
    lineage: Store


def of(request: Request) -> Served:
    """The portal that a request came to."""
    found: Served = request.app.state.served
    return found


def person(request: Request) -> Person:
    """Who asks; whoever comes to a page has been let in."""
    found: Person = request.state.person
    return found
