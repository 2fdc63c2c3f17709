"""Reading a release in a task: the same one for every task and every try of a DAG run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

from headgate.contracts.names import DatasetName
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from headgate.lake.snapshot import Snapshot
    from headgate.orchestration.project import Project

_PINS = "_state"
_PREFIX = "read-"
#: How long it is remembered what a DAG run read; releases are seldom kept for longer.
_REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class Wanted:
    """What :func:`read_release` asks for, as the default of a task's parameter."""

    dataset: str
    columns: tuple[str, ...] | None = None
    as_: Literal["polars", "duckdb"] = "polars"

    def __getattr__(self, name: str) -> Any:
        asked = self.__dict__.get("dataset")
        if name.startswith("_") or asked is None:
            raise AttributeError(name)
        raise AttributeError(
            f"read_release({asked!r}) is read when its task runs: give it as the default of a"
            f" parameter of the function, under @governed_task or @gated_write (asked: .{name})."
        )


def read_release(
    dataset: str,
    *,
    columns: Sequence[str] | None = None,
    as_: Literal["polars", "duckdb"] = "polars",
) -> Any:
    """The rows of a dataset in the newest release, as the default of a task function's parameter.

        @gated_write("bronze.community.weekly_digest")
        def digest(days=read_release("gold.community.community_health_daily")): …

    The function is called with a Polars LazyFrame, or with ``as_="duckdb"`` a DuckDB relation.
    Which release is newest is looked up once a DAG run: its other tasks, and later tries of any of
    them, read the same. The dataset becomes an inlet of the task.

    Raises:
        UsageError: ``dataset`` is no dataset id, or ``as_`` no form.
    """
    DatasetName.parse(dataset)
    if as_ not in ("polars", "duckdb"):
        raise UsageError(f"as_={as_!r} is no form.", remedy="Choose polars or duckdb.")
    return Wanted(dataset, None if columns is None else tuple(columns), as_)


def wanted_by(function: Callable[..., Any]) -> dict[str, Wanted]:
    """What a function's parameters ask for, by parameter."""
    parameters = signature(function).parameters.values()
    return {p.name: p.default for p in parameters if isinstance(p.default, Wanted)}


@dataclass(frozen=True)
class Read:
    """What a task was given to read: frames by parameter, the versions, and the release they are of."""

    frames: Mapping[str, Any]
    versions: Mapping[str, int]
    release: int | None


def read(project: Project, wanted: Mapping[str, Wanted], *, dag_id: str, run_id: str) -> Read:
    """What is wanted, in the release that the DAG run reads.

    Raises:
        NotFoundError: nothing was released yet, a dataset is not in the release, or the release of
            the DAG run was cleaned away.
        UsageError: there is no such dataset or column.
    """
    from headgate.orchestration import released

    if not wanted:
        return Read({}, {}, None)
    number = pinned(project, dag_id, run_id)
    frames, versions = {}, {}
    for name, asked in wanted.items():
        table = released.required(project, number, asked.dataset)
        frames[name] = _frame(project, table, asked)
        versions[asked.dataset] = table.version
    return Read(frames, versions, number)


def pinned(project: Project, dag_id: str, run_id: str) -> int:
    """The release that a DAG run reads: the newest when it first asked.

    Raises:
        NotFoundError: nothing was released yet.
    """
    storage = project.lake.storage
    key = f"{_PINS}/{_PREFIX}{ids.digest(dag_id, run_id)[:32]}.json"
    known = storage.read(key)
    if known is None:
        newest = project.releases.newest()
        if newest is None:
            raise NotFoundError(
                "nothing was released yet, so there is nothing to read.", remedy="headgate run"
            )
        _forget_old(project)
        pin = {"dag": dag_id, "run": run_id, "release": newest.id, "at": clock.iso()}
        storage.put_if_absent(key, hjson.dumps(pin).encode())
        known = storage.read(key) or b""  # another task of the run may have been first
    return int(hjson.loads(known)["release"])


def _forget_old(project: Project) -> None:
    storage, old = project.lake.storage, clock.now() - _REMEMBERED
    found = [o for o in storage.objects(_PINS) if o.name.startswith(_PREFIX)]
    storage.remove(_PINS, [o.name for o in found if o.modified < old])


def _frame(
    project: Project, table: Snapshot, asked: Wanted
) -> pl.LazyFrame | duckdb.DuckDBPyRelation:
    from headgate.orchestration.released import nearest

    columns = list(asked.columns or table.columns)
    for name in columns:
        if name not in table.columns:
            raise UsageError(
                f"{asked.dataset} has no column {name!r}.", remedy=nearest(name, table.columns)
            )
    if asked.as_ == "polars":
        from headgate.orchestration import frames

        return frames.scan(table).select(columns)
    from headgate.lake.engines import duckdb as engine

    con = engine.connect(project.settings)
    return con.sql(f"SELECT {engine.identifiers(columns)} FROM {table.relation()}")
