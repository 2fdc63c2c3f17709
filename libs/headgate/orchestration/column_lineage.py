"""Where the columns of a model come from, told by its compiled SQL and kept by what that follows from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.contracts.names import LAYERS
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lineage.columns import ColumnLineage, UntraceableError, of_sql
from headgate.orchestration.project import Project

#: Changes when the same SQL is to be traced otherwise than before.
_EDITION = "1"
_KIND = "column_lineage"
#: Two names with a dot between; the second may be the first of the next two.
_NAME = re.compile(r'"?(\w+)"?\s*\.\s*(?="?(\w+)"?)')


def of_model(project: Project, contract: Contract, sql: str) -> ColumnLineage:
    """Where the columns come from of the dataset that ``sql``, compiled to one SELECT, makes.

    Raises:
        UntraceableError: it cannot be told.
    """
    schemas = {
        f"{c.name.schema}.{c.name.name}": {
            column: types.duckdb_type(kind) for column, kind in c.table_columns.items()
        }
        for c in _read(project, sql)
    }
    columns = list(contract.table_columns)
    key = ids.digest(_EDITION, sql, hjson.dumps(schemas), *columns)
    kept = project.cache.get(_KIND, [key])
    if kept:
        return ColumnLineage.from_json(kept[key])
    told = of_sql(sql, schemas)
    if set(told.columns) != set(columns):
        other = ", ".join(sorted(set(told.columns) ^ set(columns)))
        raise UntraceableError(f"its SQL seems to give other columns than its contract: {other}.")
    found = ColumnLineage({c: told.columns[c] for c in columns}, told.rows)
    project.cache.put(_KIND, {key: found.to_json()})
    return found


def _read(project: Project, sql: str) -> Iterator[Contract]:
    """The contracts of all that may be read there: whose relation the SQL names."""
    for schema, name in dict.fromkeys(_NAME.findall(sql)):
        if schema.partition("_")[0] in LAYERS:
            dataset = f"{schema.replace('_', '.', 1)}.{name}"
            if dataset in project.contracts:
                yield project.contracts[dataset]
