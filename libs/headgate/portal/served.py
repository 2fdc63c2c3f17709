"""What every page has around it: the project, what is known of the platform, lineage, records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request

from headgate.portal.access.people import Person
from headgate.portal.graphs.kept import Pictures

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project
    from headgate.portal.access.entering import Access
    from headgate.portal.acting.replays import Replays
    from headgate.portal.knowing.watching import Watcher
    from headgate.portal.limits import Limits
    from headgate.portal.records.opening import Records
    from headgate.portal.reports.counting import Counts
    from headgate.portal.told.asking import Asking


@dataclass(frozen=True)
class Served:
    """A portal's parts, one a process.

    ``project`` is as it was when the portal began: what its contracts say now, ``knowing.now()``
    knows. ``records`` keep what people put on record; ``access`` knows who somebody is. ``asking``
    asks the lake, ``counts`` are its ledgers added up, ``replays`` those that pages began, and
    ``pictures`` those of the whole platform that nothing has moved in since.
    """

    project: Project
    lineage: Store
    knowing: Watcher
    records: Records
    access: Access
    asking: Asking
    counts: Counts
    replays: Replays
    limits: Limits
    pictures: Pictures = field(default_factory=Pictures)


def of(request: Request) -> Served:
    """The portal that a request came to."""
    found: Served = request.app.state.served
    return found


def person(request: Request) -> Person:
    """Who asks; whoever comes to a page has been let in."""
    found: Person = request.state.person
    return found
