"""What a transform is: a definition over frames, and how a part of its table is built anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

#: In what changed: whether the row came (as it is now) or went (as it was).
CAME = "_came"


@dataclass(frozen=True)
class Part:
    """A part of a table, built anew.

    ``units`` has one column, the contract's unit of change: the values whose rows are replaced.
    ``rows`` is all that the table has for them from now on, in the columns of a full build; each
    is of one of the units.
    """

    units: pl.LazyFrame
    rows: pl.LazyFrame


class Rebuild(Protocol):
    """How a part is built anew; see :class:`Transform`."""

    def __call__(
        self, current: pl.LazyFrame, changes: Sequence[pl.LazyFrame], /, *inputs: pl.LazyFrame
    ) -> Part: ...


@dataclass(frozen=True)
class Transform:
    """One dataset's making. Both functions are pure: frames in, frames out, no clock, no files.

    ``build(*inputs)`` gives the whole table from whole inputs, in the order of the contract's
    ``headgate.inputs``.

    ``rebuild(current, changes, *inputs)`` gives the part of it that follows from what changed.
    ``current`` is the table as it was built last; ``changes`` has a frame for every input, of the
    rows that came to it since then and those that went (an edit is both), in the columns that
    ``build`` reads and ``_came``. Without it every build is a full one.

    ``groups`` are columns that every input has, by which a full build can be shared out among
    machines: what ``build`` gives of all rows is what it gives of the rows of each value of these
    columns, put together. An empty tuple says it of each row by itself. Without ``groups`` it needs
    all rows at once.
    """

    build: Callable[..., pl.LazyFrame]
    rebuild: Rebuild | None = None
    groups: tuple[str, ...] | None = None


def unit_by_unit(build: Callable[..., pl.LazyFrame], unit: str) -> Transform:
    """A transform whose rows of one value of ``unit`` follow from the inputs' rows of that value.

    Every input has a column of that name. Only values that were touched are built anew.
    """

    def rebuild(
        current: pl.LazyFrame, changes: Sequence[pl.LazyFrame], /, *inputs: pl.LazyFrame
    ) -> Part:
        units = pl.concat([c.select(unit) for c in changes]).unique()
        touched = [i.join(units, on=unit, how="semi", nulls_equal=True) for i in inputs]
        return Part(units, build(*touched))

    return Transform(build, rebuild, groups=(unit,))
