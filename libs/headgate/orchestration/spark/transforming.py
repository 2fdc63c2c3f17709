"""A transform on Spark: shared out where it says how, else built by Polars on the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from headgate import transforms
from headgate.contracts.model import Contract
from headgate.lake.engines.duckdb import Connection, identifier
from headgate.orchestration.context import RunContext
from headgate.orchestration.spark.sharing import Work, rows
from headgate.orchestration.spark.shown import Shown, table
from headgate.transforms.transform import Transform

if TYPE_CHECKING:
    from headgate.lake.engines.spark.connection import SparkConnection

#: The relation of what the transform gives.
_MADE = "headgate_made"


def shared(
    context: RunContext, contract: Contract, transform: Transform, engine: Connection
) -> str | None:
    """The rows of a full build, as a relation that ``engine`` (Spark's) works out when it is read.

    None if the transform does not say by which groups its work falls apart; a note of the run says
    that it is built on the driver.

    Raises:
        ModelError: its groups are not what its inputs have.
    """
    assert contract.transform is not None
    if transform.groups is None:
        context.notes.append(
            f"{contract.id} was built by Polars on the driver: transform {contract.transform} does"
            " not say by which groups its work falls apart."
        )
        return None
    shown = Shown(cast("SparkConnection", engine))
    inputs, columns = [], []
    for dataset in contract.inputs:
        snapshot, own = context.snapshot(dataset), context.project.contracts[dataset]
        kinds = own.table_columns if snapshot is None else snapshot.columns
        inputs.append(table(shown, context, own, snapshot))
        columns.append(dict(kinds))
    work = Work(
        contract.transform, tuple(columns), dict(contract.table_columns), tuple(transforms.__path__)
    )
    shown.bind(_MADE, rows(contract, work, inputs, transform.groups))
    return identifier(_MADE)
