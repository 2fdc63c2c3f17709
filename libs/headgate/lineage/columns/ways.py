"""How one step after another adds up: the ways in which input columns take part in a value."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.lineage.steps import ColumnInput

#: The columns that a value follows from, and how.
Inputs = frozenset[ColumnInput]
NOTHING: Inputs = frozenset()
#: A value that went through two steps is what the stronger of them made it.
_STRENGTH = {"IDENTITY": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}


def direct(inputs: Inputs, subtype: str) -> Inputs:
    """What a value made from such a value follows from; what was indirect stays so."""
    return frozenset(
        i._replace(subtype=subtype)
        if i.type == "DIRECT" and _STRENGTH[i.subtype] < _STRENGTH[subtype]
        else i
        for i in inputs
    )


def indirect(inputs: Inputs, subtype: str) -> Inputs:
    """What something decided by such a value follows from: of two indirect ways the outer one."""
    return frozenset(ColumnInput(i.dataset, i.column, "INDIRECT", subtype) for i in inputs)


def union(parts: Iterable[Inputs]) -> Inputs:
    """All of them."""
    return NOTHING.union(*parts)
