"""Columns of sources that hold the same part of a delivery, and do not agree on how it is protected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from headgate.contracts import protection
from headgate.contracts.mapping import EACH, mapping
from headgate.contracts.model import Contract


class Unsaid(NamedTuple):
    """A column that holds, perhaps among more, what another column declares to be stricter.

    ``field`` is the path of that in the document; ``lacks`` is what the column would have to say.
    """

    dataset: str
    column: str
    field: str
    stricter: str
    lacks: tuple[str, ...]


class _Held(NamedTuple):
    """A column of a source, where its value stands in a document, and how it is protected."""

    dataset: str
    column: str
    steps: tuple[str, ...]
    protected: protection.Protection


def unsaid(contracts: Iterable[Contract]) -> Iterator[Unsaid]:
    """Each column that is laxer than another one of the same source whose value it holds too.

    Contracts have a source in common if they name the same path.
    """
    sources: dict[str, list[_Held]] = {}
    for contract in contracts:
        if contract.source:
            sources.setdefault(contract.source.path or contract.id, []).extend(_held(contract))
    for held in sources.values():
        at: dict[tuple[str, ...], list[_Held]] = {}
        for one in held:
            at.setdefault(one.steps, []).append(one)
        for part in held:
            for length in range(1, len(part.steps) + 1):
                for holder in at.get(part.steps[:length], ()):
                    lacks = holder.protected.lacks(part.protected)
                    if lacks:
                        yield Unsaid(
                            holder.dataset, holder.column, _path(part.steps),
                            f"{part.dataset}.{part.column}", lacks,
                        )  # fmt: skip


def _held(contract: Contract) -> Iterator[_Held]:
    where = mapping(contract)
    for column in contract.columns:
        location = where.columns[column.name]
        arrays = (step for array in where.arrays[: location.level] for step in (*array, EACH))
        steps = (*arrays, *location.steps)
        yield _Held(contract.id, column.name, steps, protection.of_column(column))


def _path(steps: tuple[str, ...]) -> str:
    return "$" + "".join(step if step == EACH else f".{step}" for step in steps)
