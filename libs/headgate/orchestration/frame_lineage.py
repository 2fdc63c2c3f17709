"""Where the columns of a transform come from, asked of Polars and kept by what that follows from."""

from __future__ import annotations

import polars as pl

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.orchestration import frames
from headgate.orchestration.project import Project
from headgate.transforms import modules

#: Changes when the same code is to be traced otherwise than before.
_EDITION = "1"
_KIND = "frame_lineage"


def of_transform(project: Project, contract: Contract) -> ColumnLineage:
    """Where the columns come from of a dataset that a transform makes.

    Raises:
        ModelError: there is no such transform.
        UntraceableError: it cannot be told.
    """
    assert contract.transform is not None
    inputs = {d: project.contracts[d].table_columns for d in contract.inputs}
    code = modules.code_hash(contract.transform)
    key = ids.digest(_EDITION, pl.__version__, code, hjson.dumps(inputs), *contract.inputs)
    kept = project.cache.get(_KIND, [key])
    if kept:
        return ColumnLineage.from_json(kept[key])
    from headgate.transforms import tracing

    transform = modules.load(contract.transform, len(inputs))
    try:
        told = tracing.of_transform(
            transform.build, {d: frames.schema(columns) for d, columns in inputs.items()}
        )
    except UntraceableError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise UntraceableError(f"its code failed on frames without values: {error}") from None
    columns = {c: told.columns[c] for c in contract.table_columns if c in told.columns}
    found = ColumnLineage(columns, told.rows)
    project.cache.put(_KIND, {key: found.to_json()})
    return found
