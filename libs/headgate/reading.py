"""`headgate.read`: a dataset of one release as Polars, Arrow, DuckDB or pandas; the readers' door.

Nothing heavy is imported before the first table is read.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from headgate.core.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from headgate.lake.snapshot import Snapshot
    from headgate.orchestration.project import Project

Form = Literal["polars", "arrow", "duckdb", "pandas"]
Columns = Sequence[str]
_FORMS = ("polars", "arrow", "duckdb", "pandas")


@overload
def read(
    dataset: str, *, release: int | None = ..., columns: Columns | None = ...,
    where: str | None = ..., as_: Literal["polars"] = ..., lazy: Literal[False] = ...,
    project: Project | Path | str | None = ..., lake: str | None = ...,
) -> pl.DataFrame: ...  # fmt: skip
@overload
def read(
    dataset: str, *, release: int | None = ..., columns: Columns | None = ...,
    where: None = ..., as_: Literal["polars"] = ..., lazy: Literal[True],
    project: Project | Path | str | None = ..., lake: str | None = ...,
) -> pl.LazyFrame: ...  # fmt: skip
@overload
def read(
    dataset: str, *, release: int | None = ..., columns: Columns | None = ...,
    where: str | None = ..., as_: Literal["arrow"], lazy: Literal[False] = ...,
    project: Project | Path | str | None = ..., lake: str | None = ...,
) -> pa.Table: ...  # fmt: skip
@overload
def read(
    dataset: str, *, release: int | None = ..., columns: Columns | None = ...,
    where: str | None = ..., as_: Literal["duckdb"], lazy: Literal[False] = ...,
    project: Project | Path | str | None = ..., lake: str | None = ...,
) -> duckdb.DuckDBPyRelation: ...  # fmt: skip
@overload
def read(
    dataset: str, *, release: int | None = ..., columns: Columns | None = ...,
    where: str | None = ..., as_: Literal["pandas"], lazy: Literal[False] = ...,
    project: Project | Path | str | None = ..., lake: str | None = ...,
) -> pd.DataFrame: ...  # fmt: skip


def read(
    dataset: str,
    *,
    release: int | None = None,
    columns: Columns | None = None,
    where: str | None = None,
    as_: Form = "polars",
    lazy: bool = False,
    project: Project | Path | str | None = None,
    lake: str | None = None,
) -> Any:
    """The rows of ``dataset`` in the newest release, or in ``release``.

    ``columns`` chooses some, in that order; ``where`` is a condition in DuckDB's SQL, and only
    rows that satisfy it are loaded. ``as_`` is what comes back: a Polars frame (with ``lazy`` a
    LazyFrame, filtered by its own means), an Arrow table, a DuckDB relation on a connection of its
    own (nothing is loaded until it is asked), or a pandas frame. Timestamps are UTC. Ledgers
    (``system.ledger.*``) and quarantines (``<dataset>__quarantine``) are read as they are now.
    ``project`` is the project's folder; default: the one at or above the working folder. ``lake`` is
    the name of a private lake of it.

    Raises:
        UsageError: there is no project, no such dataset or column, the condition is wrong, or
            pandas is asked for and not installed.
        NotFoundError: there is no such release or lake, or the dataset is not in it.
    """
    from headgate.orchestration import released

    if as_ not in _FORMS:
        raise UsageError(f"as_={as_!r} is no form.", remedy=f"Choose from {', '.join(_FORMS)}.")
    if lazy and (as_ != "polars" or where is not None):
        raise UsageError(
            "lazy=True gives a Polars LazyFrame, which takes no condition in SQL.",
            remedy="Use .filter(…) on the frame, or leave lazy out.",
        )
    opened = _in_lake(_opened(project), lake)
    table = released.required(opened, release, dataset)
    chosen = _chosen(table, columns)
    if lazy:
        return _lazy(table, chosen)
    return _as(_relation(opened, table, chosen, where), as_)


def _opened(project: Project | Path | str | None) -> Project:
    from headgate.orchestration.project import Project

    if isinstance(project, Project):
        return project
    if project is None:
        return Project.open()
    from headgate.core import settings

    root = Path(project).expanduser().resolve()
    if not (root / settings.FILE_NAME).is_file():
        raise UsageError(
            f"{root} is no project: there is no {settings.FILE_NAME}.",
            remedy="Give the folder that holds it.",
        )
    return Project.open(root)


def _in_lake(project: Project, lake: str | None) -> Project:
    if lake is None:
        return project
    from headgate.core import settings
    from headgate.orchestration.project import Project

    found = Project(settings.load(project.settings.root, lake=lake))
    if not found.lake.root.is_dir():
        raise NotFoundError(f"there is no lake {lake!r}.", remedy="headgate lake list shows them.")
    return found


def _chosen(table: Snapshot, columns: Columns | None) -> list[str]:
    from headgate.orchestration.released import nearest

    if columns is None:
        return list(table.columns)
    chosen = [columns] if isinstance(columns, str) else list(columns)
    for name in chosen:
        if name not in table.columns:
            raise UsageError(
                f"{table.dataset} has no column {name!r}.",
                remedy=f"{nearest(name, table.columns)} Columns: {', '.join(table.columns)}.",
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise UsageError("columns= must name each column once, and at least one.")
    return chosen


def _relation(
    project: Project, table: Snapshot, columns: Columns, where: str | None
) -> duckdb.DuckDBPyRelation:
    import duckdb

    from headgate.lake.engines import duckdb as engine
    from headgate.lake.engines.statements import ForbiddenSqlError, check_condition

    con = engine.connect(project.settings)
    query = f"SELECT {engine.identifiers(columns)} FROM {table.relation()}"
    if where is not None:
        query += f" WHERE (\n{where}\n)"
    try:
        if where is not None:
            check_condition(where)
        return con.sql(query)
    except ForbiddenSqlError as why:
        raise UsageError(
            f"where={where!r}: {why}.", remedy="Write one condition over the table's columns."
        ) from None
    except duckdb.Error as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"where={where!r}: {first}") from None


def _as(found: duckdb.DuckDBPyRelation, form: Form) -> Any:
    import duckdb

    if form == "pandas" and importlib.util.find_spec("pandas") is None:
        raise UsageError(
            "pandas is not installed.", remedy="Install pandas, or read as polars or arrow."
        )
    try:
        if form == "polars":
            return found.pl()
        if form == "arrow":
            return found.to_arrow_table()
        if form == "pandas":
            return found.df()
    except duckdb.Error as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"the rows cannot be read: {first}") from None
    return found


def _lazy(table: Snapshot, columns: Columns) -> pl.LazyFrame:
    from headgate.orchestration import frames

    return frames.scan(table).select(columns)
