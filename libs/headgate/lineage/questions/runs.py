"""Which runs there were, what one read and wrote, and the releases that runs published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, select, tuple_

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import datasets, jobs, paging
from headgate.lineage.questions.datasets import Name
from headgate.lineage.store import tables as t
from headgate.lineage.store.instants import moment

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class RunItem:
    """A run in short: ``state`` is the last that was told, RUNNING where no end was."""

    run_id: str
    job: Name
    state: str
    began_at: datetime | None
    ended_at: datetime | None
    told_at: datetime


@dataclass(frozen=True)
class RunPage:
    """Runs, the newest first."""

    runs: tuple[RunItem, ...]
    next: str | None


@dataclass(frozen=True)
class Touched:
    """A dataset that a run read or wrote, in which version, and how much of it."""

    namespace: str
    name: str
    version: str | None
    rows: int | None
    bytes: int | None
    files: int | None


@dataclass(frozen=True)
class Run:
    """All of a run. ``parent`` and ``root`` called for it; ``whole`` is the run of a lake that it is
    a part of."""

    run_id: str
    job: Name
    state: str
    began_at: datetime | None
    ended_at: datetime | None
    told_at: datetime
    parent: str | None
    parent_job: str | None
    root: str | None
    root_job: str | None
    whole: str | None
    error: str | None
    inputs: tuple[Touched, ...]
    outputs: tuple[Touched, ...]


@dataclass(frozen=True)
class Release:
    """A release of a lake; ``moved`` says how many datasets it has in a version of their own."""

    namespace: str
    number: int
    parent: int | None
    at: datetime
    run_id: str
    moved: int


@dataclass(frozen=True)
class ReleasePage:
    """Releases, the newest first."""

    releases: tuple[Release, ...]
    next: str | None


_SHORT = select(t.run, t.job.c.namespace, t.job.c.name).join_from(
    t.run, t.job, t.run.c.job_id == t.job.c.id
)


def page(
    store: Store,
    *,
    job: str | None = None,
    dataset: str | None = None,
    namespace: str | None = None,
    role: str = "out",
    parent: str | None = None,
    whole: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> RunPage:
    """Runs, the newest first, that are all that is asked for.

    Args:
        store: what is asked.
        job: those of this job.
        dataset: those that wrote (``role`` "out") or read ("in") this dataset.
        namespace: of the dataset or, without one, of the job.
        role: what was done with the dataset.
        parent: those that the run of this UUID called for.
        whole: the parts of this run of a lake.
        limit: no more than so many.
        after: ``next`` of the page before.

    Raises:
        NotFoundError: there is no such job or dataset, or ``after`` is no ``next`` of such a page.
    """
    r, rd = t.run.c, t.run_dataset.c
    asked: Select[Any] = _SHORT
    with store.reading() as connection:
        if job is not None:
            space = namespace if dataset is None else None
            asked = asked.where(r.job_id == jobs.find(connection, job, space).id)
        if parent is not None:
            asked = asked.where(r.parent == parent.lower())
        if whole is not None:
            asked = asked.where(r.whole == whole.lower())
        if dataset is None:
            return _page(connection, asked, limit, after)
        members = datasets.ids_of(connection, dataset, namespace)
        asked = asked.add_columns(rd["at"], rd.run_id, rd.dataset_id)
        asked = asked.join(t.run_dataset, rd.run_id == r.id)
        asked = asked.where(rd.dataset_id.in_(members), rd.role == role)
        rows, following = datasets.newest_first(connection, asked, rd, limit, after)
    return RunPage(tuple(RunItem(**_short(row)) for row in rows), following)


def _page(connection: Connection, asked: Select[Any], limit: int, after: str | None) -> RunPage:
    r = t.run.c
    if after is not None:
        asked = asked.where(tuple_(r.told_at, r.id) < tuple_(*paging.values(after, int, int)))
    rows = connection.execute(asked.order_by(r.told_at.desc(), r.id.desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    following = paging.key((last.told_at, last.id)) if last else None
    return RunPage(tuple(RunItem(**_short(row)) for row in rows[:limit]), following)


def one(store: Store, run_id: str) -> Run:
    """The run of that UUID.

    Raises:
        NotFoundError: there is none.
    """
    with store.reading() as connection:
        row = connection.execute(_SHORT.where(t.run.c.uuid == run_id.lower())).first()
        if row is None:
            raise NotFoundError(f"no run {run_id} is known.")
        return Run(
            **_short(row),
            parent=row.parent,
            parent_job=row.parent_job,
            root=row.root,
            root_job=row.root_job,
            whole=row.whole,
            error=row.error,
            inputs=_touched(connection, row.id, "in"),
            outputs=_touched(connection, row.id, "out"),
        )


def _short(row: Any) -> dict[str, Any]:
    return {
        "run_id": row.uuid,
        "job": Name(row.namespace, row.name),
        "state": row.state,
        "began_at": None if row.began_at is None else moment(row.began_at),
        "ended_at": None if row.ended_at is None else moment(row.ended_at),
        "told_at": moment(row.told_at),
    }


def _touched(connection: Connection, run: int, role: str) -> tuple[Touched, ...]:
    """By the name that each dataset goes by; what lived in memory alone is not told."""
    rd, named, itself = t.run_dataset.c, t.dataset.alias("named"), t.dataset.alias("itself")
    rows: Sequence[Any] = connection.execute(
        select(itself.c.namespace, itself.c.name, rd.version, rd.rows, rd.bytes, rd.files)
        .join_from(t.run_dataset, named, rd.dataset_id == named.c.id)
        .join(itself, itself.c.id == func.coalesce(named.c.canonical_id, named.c.id))
        .where(rd.run_id == run, rd.role == role, itself.c.transient.is_(False))
        .order_by(itself.c.namespace, itself.c.name)
    ).all()
    return tuple(Touched(*row) for row in rows)


def releases(
    store: Store, *, namespace: str | None = None, limit: int = 100, after: str | None = None
) -> ReleasePage:
    """Releases of one lake or of all, the newest first.

    Raises:
        NotFoundError: ``after`` is no ``next`` of a page.
    """
    e, v = t.release.c, t.release_version.c
    moved = select(func.count()).where(v.release_id == e.id).scalar_subquery()
    asked = select(t.release, t.run.c.uuid, moved.label("moved")).join_from(
        t.release, t.run, e.run_id == t.run.c.id
    )
    if namespace is not None:
        asked = asked.where(e.namespace == namespace)
    if after is not None:
        asked = asked.where(tuple_(e["at"], e.id) < tuple_(*paging.values(after, int, int)))
    asked = asked.order_by(e["at"].desc(), e.id.desc()).limit(limit + 1)
    with store.reading() as connection:
        rows = connection.execute(asked).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return ReleasePage(
        tuple(
            Release(row.namespace, row.number, row.parent, moment(row.at), row.uuid, row.moved)
            for row in rows[:limit]
        ),
        paging.key((last.at, last.id)) if last else None,
    )
