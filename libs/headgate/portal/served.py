"""What every page has around it: the project, what is known of the platform, lineage, records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import Request

from headgate.portal.access.people import Person
from headgate.portal.limits import Limits

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project
    from headgate.portal.knowing.watching import Watcher
    from headgate.portal.records.opening import Records


@dataclass(frozen=True)
class Served:
    """A portal's parts, one a process.

    ``project`` is as it was when the portal began: what its contracts say now, ``knowing.now()``
    knows. ``records`` keep what people put on record; ``access`` knows who somebody is.
    """

    project: Project
    lineage: Store
    knowing: Watcher
    records: Records
    access: Any = None
    limits: Limits = field(default_factory=Limits)


def of(request: Request) -> Served:
    """The portal that a request came to."""
    found: Served = request.app.state.served
    return found


def person(request: Request) -> Person:
    """Who asks; whoever comes to a page has been let in."""
    found: Person = request.state.person
    return found
