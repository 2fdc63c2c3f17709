"""What frames every page: where one can go from here, and what the portal knows as of when."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from fastapi import Request

from headgate.portal.access.people import Person
from headgate.portal.access.roles import Right
from headgate.portal.served import Served

#: Address, what the link says, the right that it takes, and what else belongs to that part.
_PLACES: tuple[tuple[str, str, Right, tuple[str, ...]], ...] = (
    ("/", "Home", Right.SEE, ()),
    ("/catalogue", "Catalogue", Right.SEE, ("/datasets/",)),
    ("/lineage", "Lineage", Right.SEE, ()),
    ("/runs", "Runs", Right.SEE, ("/runs/",)),
    ("/releases", "Releases", Right.SEE, ("/releases/",)),
    ("/quality", "Quality", Right.SEE, ("/quality/",)),
    ("/personal-data", "Personal data", Right.SEE, ()),
    ("/audit", "Audit", Right.AUDIT, ("/audit/",)),
    ("/people", "People", Right.MANAGE, ("/people/", "/tokens")),
)


@dataclass(frozen=True)
class Place:
    """A part of the portal; ``current`` is "page" on its first page, "true" on others of it."""

    address: str
    text: str
    current: str


@dataclass(frozen=True)
class Around:
    """What the foot of a page says: the newest release, as of when, and by which version."""

    release: int | None
    at: datetime
    version: str


def of(request: Request, person: Person | None) -> list[Place]:
    """Where somebody may go; nowhere as long as nobody knows who it is."""
    if person is None:
        return []
    path = request.url.path
    return [
        Place(
            address,
            text,
            "page" if path == address else "true" if path.startswith(below) and below else "",
        )
        for address, text, right, below in _PLACES
        if person.may(right)
    ]


def around(served: Served) -> Around:
    """What the portal knows now; what it has not read yet it does not wait for."""
    known = served.knowing.now()
    return Around(known.releases[0].number if known.releases else None, known.at, _version())


@cache
def _version() -> str:
    return importlib.metadata.version("headgate")
