"""Where a source's records stand in its files, and where each column's value stands in a record.

A path is a small part of JSONPath: ``$`` is the document, ``@`` the record, ``.name`` or
``['any name']`` a field, ``[*]`` each element of an array. A column's ``physicalName`` that does
not begin with ``$`` or ``@`` is the plain name of a field of the record, whatever signs it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass, field

from headgate.contracts.model import Contract
from headgate.core.errors import ContractError

#: The step that stands for each element of an array.
EACH = "[*]"
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['((?:[^'\\]|\\.)*)'\]|(\[\*\])")


@dataclass(frozen=True, order=True)
class Location:
    """A place in a document: fields to follow from an element.

    ``level`` counts the arrays that are gone through from the document on; ``steps`` are field
    names from the element of the last of them (from the document itself at level 0).
    """

    level: int
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Mapping:
    """How the records of a source become rows.

    ``arrays`` are the fields to follow to each array on the way to the records, in order, the
    first from the document and each next from an element of the one before; ``record`` is where
    the record stands in an element of the last (no steps: it is the element). ``columns`` maps a
    column's name to its value's place, ``ignored`` are places that are left out on purpose, and
    ``control_total`` is where the document says how many elements the first array has.
    """

    arrays: tuple[tuple[str, ...], ...] = ()
    record: Location = Location(0, ())
    columns: Map[str, Location] = field(default_factory=dict)
    ignored: tuple[Location, ...] = ()
    control_total: Location | None = None

    @property
    def plain(self) -> bool:
        """Whether the document is the record, and each column a field of it."""
        return not self.arrays and all(len(c.steps) == 1 for c in self.columns.values())


def mapping(contract: Contract) -> Mapping:
    """The mapping that a contract with a source gives.

    Raises:
        ContractError: a path has another form, or leads through an array that the records are
            not in.
    """
    source, place = contract.source, f"{contract.path}#/customProperties/headgate.source"
    assert source is not None
    given = source.options
    whole = _parse(str(given.get("records", "$")), f"{place}/records")
    if whole[0] != "$":
        raise ContractError(
            f"records {given.get('records')!r} is no path of a document.",
            remedy="Write $, $[*], $.items[*] or the like.",
            place=f"{place}/records",
        )
    arrays = _arrays(whole[1:])
    record = Location(len(arrays), _behind(whole[1:]))
    ignored = given.get("ignore", ())
    if isinstance(ignored, str) or not isinstance(ignored, Sequence):
        raise ContractError("ignore is a list of paths.", place=f"{place}/ignore")
    total = given.get("controlTotal")
    if total is not None and not arrays:
        raise ContractError(
            "a controlTotal counts the elements of an array, and records names none.",
            remedy="Write records: $.items[*], or leave controlTotal out.",
            place=f"{place}/controlTotal",
        )
    return Mapping(
        arrays,
        record,
        {c.name: _locate(c.field, arrays, record, f"{place}: {c.name}") for c in contract.columns},
        tuple(_locate(str(p), arrays, record, f"{place}/ignore") for p in ignored),
        None if total is None else _locate(str(total), arrays, record, f"{place}/controlTotal"),
    )


def _locate(text: str, arrays: Sequence[tuple[str, ...]], record: Location, place: str) -> Location:
    if not text.startswith(("$", "@")):
        return Location(record.level, (*record.steps, text))
    path = _parse(text, place)
    if path[0] == "@":
        if EACH in path:
            raise ContractError(
                f"path {text!r} gives several values for one record.",
                remedy="Take the array as a whole (type json or array<…>), or go through it in "
                "records.",
                place=place,
            )
        return Location(record.level, (*record.steps, *path[1:]))
    through = _arrays(path[1:])
    if list(through) != list(arrays[: len(through)]):
        raise ContractError(
            f"path {text!r} goes through an array that the records are not in.",
            remedy="A column's value stands in its record, in what encloses it, or in the document.",
            place=place,
        )
    return Location(len(through), _behind(path[1:]))


def _arrays(steps: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    found, current = [], []  # type: list[tuple[str, ...]], list[str]
    for step in steps:
        if step == EACH:
            found.append(tuple(current))
            current = []
        else:
            current.append(step)
    return tuple(found)


def _behind(steps: Sequence[str]) -> tuple[str, ...]:
    last = max((i for i, step in enumerate(steps) if step == EACH), default=-1)
    return tuple(steps[last + 1 :])


def _parse(text: str, place: str) -> tuple[str, ...]:
    """The anchor and the steps of a path."""
    steps, at = [text[:1]], 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            break
        if match[3]:
            steps.append(EACH)
        else:
            steps.append(match[1] or re.sub(r"\\(.)", r"\1", match[2]))
        at = match.end()
    if text[:1] not in ("$", "@") or at < len(text):
        raise ContractError(
            f"path {text!r} cannot be read from {text[at:]!r} on.",
            remedy="Write $ or @, then .name, ['any name'] or [*].",
            place=place,
        )
    return tuple(steps)
