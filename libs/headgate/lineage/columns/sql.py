"""Column lineage of one SQL query, told by its syntax tree and the columns of what it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.contracts.names import DatasetName
from headgate.core.errors import UsageError
from headgate.lineage.columns.model import ColumnLineage, UntraceableError
from headgate.lineage.steps import ColumnInput

if TYPE_CHECKING:
    from headgate.lineage.columns.scopes import Table

#: The schema of what changed, which only incremental builds read; macros/changed.sql names it too.
CHANGED = "headgate_changed"
#: What a person can do about it, whatever it is.
_REMEDY = "Its rows are built all the same; only lineage does not know its columns."


def of_sql(sql: str, schemas: Mapping[str, Mapping[str, str]]) -> ColumnLineage:
    """Where the columns of a query's result come from.

    Args:
        sql: one SELECT in DuckDB's dialect; relations are named ``"<layer>_<domain>"."<name>"``.
        schemas: ``<schema>.<name>`` of every relation it reads, to column, to DuckDB type.

    Raises:
        UntraceableError: something in it cannot be followed; nothing is guessed.
    """
    from headgate.lineage.columns import queries
    from headgate.lineage.columns.scopes import Scope

    tree = _parsed(sql)
    root = Scope(queries.evaluate, _relations(schemas))
    try:
        table = queries.evaluate(tree, root)
    except UntraceableError as error:
        raise UntraceableError(error.message, remedy=error.remedy or _REMEDY) from None
    except RecursionError:
        raise UntraceableError("it is nested too deep to be followed.", remedy=_REMEDY) from None
    except Exception as error:
        # A tree of a shape that nobody thought of. No run may fail for what lineage cannot tell.
        told = f"it has a form that is not known here ({type(error).__name__}: {error})."
        raise UntraceableError(told, remedy=_REMEDY) from error
    columns: dict[str, tuple[ColumnInput, ...]] = {}
    for column in table.columns:
        if column.name in columns:
            raise UntraceableError(f"two of its columns are called {column.name}.")
        columns[column.name] = tuple(sorted(column.inputs))
    return ColumnLineage(columns, tuple(sorted(table.rows)))


def _parsed(sql: str) -> Any:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = [s for s in sqlglot.parse(sql, dialect="duckdb") if s is not None]
    except SqlglotError as error:
        first = str(error).split("\n", 1)[0]
        raise UntraceableError(f"its SQL cannot be parsed: {first}", remedy=_REMEDY) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query | exp.Values):
        kinds = ", ".join(type(s).__name__.upper() for s in statements) or "nothing"
        raise UntraceableError(f"one SELECT is asked for, this is {kinds}.", remedy=_REMEDY)
    return statements[0]


def _changed(name: str) -> Table:
    """What ``changed()`` stands for in an incremental build: one column of what a dataset has.

    Its name is ``<model>|<dataset>|<column>``, and what it is linked by.
    """
    from headgate.lineage.columns.scopes import Column, Table

    _, dataset, column, *_ = [*name.split("|"), "", ""]
    if not column:
        raise UntraceableError(f"{name} is no relation known.")
    return Table(
        (Column(column, frozenset((ColumnInput(dataset, column, "DIRECT", "IDENTITY"),))),)
    )


def _relations(schemas: Mapping[str, Mapping[str, str]]) -> Any:
    """Gives a relation's table by schema and name, with each column its own input."""
    from headgate.lineage.columns.scopes import Column, Table

    known = {name.lower(): columns for name, columns in schemas.items()}

    def relation(schema: str, name: str) -> Table:
        if schema.lower() == CHANGED:
            return _changed(name)
        columns = known.get(f"{schema}.{name}".lower())
        if columns is None:
            raise UntraceableError(f"{schema + '.' if schema else ''}{name} is no relation known.")
        try:
            dataset = DatasetName.from_schema(schema.lower(), name.lower()).id
        except UsageError:
            raise UntraceableError(f"{schema}.{name} is no dataset of a contract.") from None
        return Table(
            tuple(
                Column(
                    c,
                    frozenset((ColumnInput(dataset, c, "DIRECT", "IDENTITY"),)),
                    "STRUCT" if kind.upper().startswith("STRUCT") and kind.endswith(")") else "",
                )
                for c, kind in columns.items()
            )
        )

    return relation
