"""What the lineage page was asked for, as its address says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from headgate.core.errors import UsageError

DIRECTIONS = ("both", "up", "down")
#: By what is grouped that is not drawn by itself.
GROUPINGS = ("domain", "owner", "distance")
#: Opens every group that there is room for.
ALL = "*"
MOST_ROWS = 200
_MOST_OPEN, _LONGEST = 60, 1_000
_SINGLE = ("dataset", "column", "direction", "depth", "indirect", "as_of", "against", "by", "q",
           "after", "limit")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question to the graph. Without ``dataset`` it is about the whole platform, and ``q`` searches
    for one. ``indirect`` (``yes``, ``no``): also what only decides
    which value or row is taken; if it is not said, of a dataset all, of a column only if it is made of
    no value. ``opened`` are the keys
    of groups to be shown dataset by dataset. ``after`` and ``limit`` are of the table."""

    dataset: str = ""
    column: str = ""
    direction: str = "both"
    depth: int | None = None
    indirect: str = ""
    as_of: str = ""
    against: str = ""
    by: str = "domain"
    opened: tuple[str, ...] = ()
    q: str = ""
    after: str = ""
    limit: int = 50

    def address(self, **changed: Any) -> str:
        """The address of this question with something else asked; the table from its first row on."""
        one = dataclasses.replace(self, **{"after": "", **changed})
        pairs = [(name, _text(getattr(one, name))) for name in _SINGLE]
        plain = {name: _text(getattr(_PLAIN, name)) for name in _SINGLE}
        told = [(name, text) for name, text in pairs if text != plain[name]]
        told += [("open", key) for key in one.opened]
        return f"/lineage?{urlencode(told)}" if told else "/lineage"

    def around(self, dataset: str, column: str = "") -> str:
        """The address of the same question about something else."""
        return self.address(dataset=dataset, column=column, opened=(), q="")

    def opening(self, key: str) -> str:
        """The address with one more group open."""
        return self.address(opened=(*(k for k in self.opened if k != key), key)[-_MOST_OPEN:])

    def closing(self, key: str) -> str:
        """The address with a group closed, and with it all that is in it."""
        kept = (k for k in self.opened if k != key and not k.startswith(f"{key}/"))
        return self.address(opened=tuple(kept))


_PLAIN = Asked()


def read(query: Iterable[tuple[str, str]]) -> Asked:
    """What the parts of a query ask for; a part that is empty is as if it were not there.

    Raises:
        UsageError: a part says what cannot be.
    """
    given: dict[str, str] = {}
    opened: list[str] = []
    for name, value in query:
        text = value.strip()
        if len(text) > _LONGEST or "\0" in text:
            raise UsageError(f"{name} is too long, or no text.", place=name)
        if name == "open":
            opened += [text] if text and text not in opened else []
        elif name in _SINGLE and text:
            given[name] = text
    if len(opened) > _MOST_OPEN:
        raise UsageError(
            f"{len(opened)} groups are to be open, and {_MOST_OPEN} may be.", place="open"
        )
    return Asked(
        dataset=given.get("dataset", ""),
        column=given.get("column", ""),
        direction=_one_of("direction", given, DIRECTIONS),
        depth=_number("depth", given, 1, 100),
        indirect=_one_of("indirect", given, ("", "yes", "no")),
        as_of="" if given.get("as_of") == "now" else given.get("as_of", ""),
        against="" if given.get("against") == "now" else given.get("against", ""),
        by=_one_of("by", given, GROUPINGS),
        opened=tuple(opened),
        q=given.get("q", ""),
        after=given.get("after", ""),
        limit=_number("limit", given, 1, MOST_ROWS) or _PLAIN.limit,
    )


def _one_of(name: str, given: dict[str, str], words: tuple[str, ...]) -> str:
    found = given.get(name, words[0])
    if found not in words:
        told = ", ".join(w for w in words if w)
        raise UsageError(f"{found!r} is none of {told}.", place=name)
    return found


def _number(name: str, given: dict[str, str], least: int, most: int) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
        raise UsageError(f"{text!r} is no number from {least} to {most}.", place=name)
    return int(text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
