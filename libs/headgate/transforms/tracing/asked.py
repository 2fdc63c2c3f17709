"""Column lineage of a function of frames: its plan as Polars optimized it, held to what that reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from headgate.lineage.columns.model import ColumnLineage, UntraceableError
from headgate.lineage.columns.ways import Inputs
from headgate.lineage.steps import ColumnInput
from headgate.transforms.tracing.plans import Plan
from headgate.transforms.tracing.texts import Texts

#: Parts that occur twice stay where they are, under the names that they have there, and a limit
#: stays what it is.
_OPTIMIZATIONS = pl.QueryOptFlags(
    comm_subexpr_elim=False, comm_subplan_elim=False, slice_pushdown=False
)


#: Frames of so many rows and more stand for the inputs; what code holds itself is rarely as long.
_HEIGHT = 7919


def of_transform(
    build: Callable[..., pl.LazyFrame], schemas: Mapping[str, Mapping[str, Any]]
) -> ColumnLineage:
    """Where the columns of what ``build`` gives come from; no row is read.

    Args:
        build: a function of lazy frames, one for each dataset.
        schemas: dataset id to column to Polars type, in the order of the function's arguments.

    Polars optimizes the function's plan, and the plan says what becomes of each column. Then, for
    every output column alone, the optimizer is asked which inputs are still read: what it still
    reads must be accounted for.

    Raises:
        UntraceableError: something in it cannot be followed; nothing is guessed.
    """
    result, heights = _result(build, schemas)
    whole = _plan(result, heights)
    traced = whole.trace(whole.view.get_node())
    for name, inputs in traced.columns.items():
        told = {(i.dataset, i.column) for i in inputs | traced.rows | whole.aside}
        untold = _plan(result.select(name), heights).scanned() - told
        by_dataset = [d for d, _ in untold]
        # Where rows are merely counted, some column is read for that.
        counted = {d for d in by_dataset if by_dataset.count(d) == 1} - {d for d, _ in told}
        seen = sorted(f"{d}.{c}" for d, c in untold if d not in counted)
        if seen:
            what = ", ".join(seen)
            raise UntraceableError(f"{name} also depends on {what}, and it cannot be told how.")
    columns = {name: _sorted(inputs) for name, inputs in traced.columns.items()}
    return ColumnLineage(columns, _sorted(traced.rows))


def columns_read(
    build: Callable[..., pl.LazyFrame], schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[str]]:
    """The columns of each dataset that ``build`` reads when all that it gives is wanted.

    Arguments are as for :func:`of_transform`. A dataset of which some column is read because its
    rows are counted is there with that column.

    Raises:
        UntraceableError: Polars does not show it.
    """
    result, heights = _result(build, schemas)
    try:
        scanned = _plan(result, heights).scanned()
    except NotImplementedError as error:
        raise UntraceableError(f"Polars does not show its plan: {error}") from None
    return {d: [c for c in columns if (d, c) in scanned] for d, columns in schemas.items()}


def _result(
    build: Callable[..., pl.LazyFrame], schemas: Mapping[str, Mapping[str, Any]]
) -> tuple[pl.LazyFrame, dict[int, str]]:
    """What ``build`` gives of frames without values, and the dataset of each by its height."""
    heights = {_HEIGHT + number: dataset for number, dataset in enumerate(schemas)}
    given = [pl.DataFrame(schema=dict(schemas[d])).clear(n=h) for h, d in heights.items()]
    return build(*(frame.lazy() for frame in given)), heights


def _plan(frame: pl.LazyFrame, heights: Mapping[int, str]) -> Plan:
    described = frame.explain(optimizations=_OPTIMIZATIONS)
    flags = _OPTIMIZATIONS._pyoptflags
    try:
        view = frame._ldf.with_optimizations(flags).visit()
    except Exception as error:
        raise UntraceableError(f"Polars does not show its plan: {error}") from None
    return Plan(view, heights, Texts(described))


def _sorted(inputs: Inputs) -> tuple[ColumnInput, ...]:
    return tuple(sorted(inputs))
