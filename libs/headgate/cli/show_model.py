"""What a model's SQL says of it, before it has been built or promised: its SQL, columns and lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from headgate.orchestration.dbt.compile import Sources, Text
    from headgate.orchestration.project import Project
    from headgate.orchestration.workbench import Target


def sql(project: Project, found: Target) -> tuple[dict[str, Any], str]:
    """The compiled SQL, for programs and for people.

    Raises:
        UsageError: it is made by a transform, not by SQL.
        ModelError: it cannot be compiled.
    """
    from headgate.orchestration.dbt.compile import Sources

    if found.code is None:
        assert found.contract is not None
        raise UsageError(
            f"{found.contract.id} is made by Polars, by headgate.transforms.{found.contract.transform}.",
            remedy=f"headgate preview {found.contract.id}",
        )
    sources = Sources(project)
    text = _text(sources, found)
    inside = [p.name for p in sources.parts(found.code)[1:]]
    told = {
        "model": found.name,
        "file": str(found.code.path),
        "reads": list(text.reads),
        "private": inside,
        "full": text.full,
        "incremental": text.incremental,
    }
    heads = [f"-- {found.name}, from {found.code.path}", f"-- reads {', '.join(text.reads)}"]
    if text.incremental == text.full:
        return told, "\n".join([*heads, text.full])
    parts = [*heads, "-- A full build:", text.full]
    return told, "\n".join([*parts, "\n-- An incremental build:", text.incremental])


def schema(project: Project, found: Target) -> list[dict[str, Any]]:
    """The columns that a model without a contract gives, and DuckDB's types.

    Raises:
        ModelError: its SQL does not fit what it reads.
    """
    import duckdb

    from headgate.lake.engines.duckdb import empty
    from headgate.orchestration import error_places
    from headgate.orchestration.dbt.compile import Sources
    from headgate.orchestration.planning.binding import EmptyTables

    assert found.code is not None
    sources = Sources(project)
    text = _text(sources, found)
    query = f"(\n{text.full}\n)"
    with empty() as con:
        tables = EmptyTables(con, {d: project.contracts[d].table_columns for d in text.reads})
        try:
            columns = tables.columns_of(query, text.reads)
        except duckdb.Error as error:
            files = [(p.path, p.sql) for p in sources.parts(found.code)]
            raise ModelError(
                error_places.told(error), place=error_places.place(error, query, files)
            ) from None
    return [{"column": name, "type": kind} for name, kind in columns.items()]


def lineage(project: Project, found: Target) -> list[dict[str, str]]:
    """Where the columns of a model without a contract come from, by its SQL.

    Raises:
        UntraceableError: that cannot be told.
    """
    from headgate.cli import lineage_view
    from headgate.contracts import types
    from headgate.lineage.columns import of_sql
    from headgate.orchestration.dbt.compile import Sources

    text = _text(Sources(project), found)
    read = [project.contracts[d] for d in text.reads]
    schemas = {
        f"{c.name.schema}.{c.name.name}": {
            n: types.duckdb_type(k) for n, k in c.table_columns.items()
        }
        for c in read
    }
    told = of_sql(text.full, schemas)
    rows = [{"column": "", "made from": c.id, "how": found.name} for c in read]
    rows += lineage_view.of_column("*", told.rows)
    for column, inputs in told.columns.items():
        rows += lineage_view.of_column(column, inputs)
    return rows


def _text(sources: Sources, found: Target) -> Text:
    from headgate.orchestration.workbench import text_of

    return text_of(sources, found)
