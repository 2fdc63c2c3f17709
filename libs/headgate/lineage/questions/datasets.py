"""Which datasets there are, what is known of one, its versions and how its rules were judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, and_, func, or_, select, tuple_

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import facets, paging
from headgate.lineage.store import tables as t
from headgate.lineage.store.instants import moment
from headgate.lineage.store.naming_forms import normal
from headgate.lineage.store.packing import unpacked

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class Name:
    """What OpenLineage calls a dataset or a job."""

    namespace: str
    name: str


@dataclass(frozen=True)
class DatasetPage:
    """Datasets by namespace and name; aliases are not among them. ``next`` gives the page behind."""

    datasets: tuple[Name, ...]
    next: str | None


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset: also called ``aliases``; ``facets`` as they were told last.

    ``columns`` are those of its newest schema or, without one, all that lineage speaks of.
    """

    namespace: str
    name: str
    aliases: tuple[Name, ...]
    transient: bool
    columns: tuple[str, ...]
    facets: Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    """A run that wrote the dataset, the version that came of it and how much it wrote."""

    run_id: str
    job: Name
    at: datetime
    version: str | None
    rows: int | None
    bytes: int | None
    files: int | None


@dataclass(frozen=True)
class VersionPage:
    """What wrote a dataset, the newest first."""

    versions: tuple[Version, ...]
    next: str | None


@dataclass(frozen=True)
class Verdict:
    """How a run judged a dataset; ``assertions`` has each rule."""

    run_id: str
    job: Name
    at: datetime
    passed: int
    failed: int
    assertions: Any


@dataclass(frozen=True)
class VerdictPage:
    """How a dataset was judged, the newest first."""

    verdicts: tuple[Verdict, ...]
    next: str | None


#: The dataset that one is another name of, or itself.
_CANONICAL = func.coalesce(t.dataset.c.canonical_id, t.dataset.c.id)
_SHOWN = and_(t.dataset.c.id == _CANONICAL, t.dataset.c.transient.is_(False))


def page(
    store: Store,
    *,
    search: str | None = None,
    namespace: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> DatasetPage:
    """Datasets whose name holds ``search`` (whatever the case), of one namespace or all.

    Raises:
        NotFoundError: ``after`` is no ``next`` of a page.
    """
    d = t.dataset.c
    asked = select(d.namespace, d.name).where(_SHOWN)
    rows, following = names_page(store, asked, d, search, namespace, limit, after)
    return DatasetPage(rows, following)


def names_page(
    store: Store,
    asked: Any,
    columns: Any,
    search: str | None,
    namespace: str | None,
    limit: int,
    after: str | None,
) -> tuple[tuple[Name, ...], str | None]:
    """One page of what ``asked`` selects, by namespace and name."""
    if search:
        asked = asked.where(columns.name.icontains(search, autoescape=True))
    if namespace is not None:
        asked = asked.where(columns.namespace == namespace)
    if after is not None:
        begin = paging.values(after, str, str)
        asked = asked.where(tuple_(columns.namespace, columns.name) > tuple_(*begin))
    asked = asked.order_by(columns.namespace, columns.name).limit(limit + 1)
    with store.reading() as connection:
        found = [Name(*row) for row in connection.execute(asked)]
    more = len(found) > limit
    last = found[limit - 1] if more else None
    return tuple(found[:limit]), paging.key((last.namespace, last.name)) if last else None


def nodes(store: Store) -> frozenset[tuple[str, str]]:
    """Namespace and name of every dataset that is no alias and outlives its process."""
    with store.reading() as connection:
        rows = connection.execute(select(t.dataset.c.namespace, t.dataset.c.name).where(_SHOWN))
        return frozenset((row.namespace, row.name) for row in rows)


def one(store: Store, name: str, namespace: str | None = None) -> Dataset:
    """The dataset of that name, or of which that is an alias.

    Raises:
        NotFoundError: there is none, or of that name there are several in as many namespaces.
    """
    with store.reading() as connection:
        itself, members = find(connection, name, namespace)
        told = facets.newest(connection, "dataset", [m.id for m in members])
        return Dataset(
            namespace=itself.namespace,
            name=itself.name,
            aliases=tuple(Name(m.namespace, m.name) for m in members if m.id != itself.id),
            transient=itself.transient,
            columns=_columns(connection, told.get("schema"), [m.id for m in members]),
            facets=told,
        )


def versions(
    store: Store,
    name: str,
    namespace: str | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
) -> VersionPage:
    """The runs that wrote a dataset, the newest first.

    Raises:
        NotFoundError: there is no such dataset, or ``after`` is no ``next`` of a page.
    """
    rd, r, j = t.run_dataset.c, t.run.c, t.job.c
    with store.reading() as connection:
        members = ids_of(connection, name, namespace)
        asked = (
            select(t.run_dataset, r.uuid, j.namespace, j.name)
            .join_from(t.run_dataset, t.run, rd.run_id == r.id)
            .join(t.job, r.job_id == j.id)
            .where(rd.dataset_id.in_(members), rd.role == "out")
        )
        rows, following = newest_first(connection, asked, rd, limit, after)
    return VersionPage(
        tuple(
            Version(
                run_id=row.uuid, job=Name(row.namespace, row.name), at=moment(row.at),
                version=row.version, rows=row.rows, bytes=row.bytes, files=row.files,
            )
            for row in rows
        ),
        following,
    )  # fmt: skip


def verdicts(
    store: Store,
    name: str,
    namespace: str | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
) -> VerdictPage:
    """How runs judged a dataset, the newest first.

    Raises:
        NotFoundError: there is no such dataset, or ``after`` is no ``next`` of a page.
    """
    v, r, j = t.verdict.c, t.run.c, t.job.c
    with store.reading() as connection:
        members = ids_of(connection, name, namespace)
        asked = (
            select(t.verdict, r.uuid, j.namespace, j.name)
            .join_from(t.verdict, t.run, v.run_id == r.id)
            .join(t.job, r.job_id == j.id)
            .where(v.dataset_id.in_(members))
        )
        rows, following = newest_first(connection, asked, v, limit, after)
    return VerdictPage(
        tuple(
            Verdict(
                run_id=row.uuid, job=Name(row.namespace, row.name), at=moment(row.at),
                passed=row.passed, failed=row.failed, assertions=unpacked(row.body),
            )
            for row in rows
        ),
        following,
    )  # fmt: skip


def newest_first(
    connection: Connection, asked: Any, columns: Any, limit: int, after: str | None
) -> tuple[Sequence[Any], str | None]:
    """One page by instant and run, back in time."""
    if after is not None:
        begin = paging.values(after, int, int, int)
        order = tuple_(columns["at"], columns.run_id, columns.dataset_id)
        asked = asked.where(order < tuple_(*begin))
    asked = asked.order_by(
        columns["at"].desc(), columns.run_id.desc(), columns.dataset_id.desc()
    ).limit(limit + 1)
    rows = connection.execute(asked).all()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], paging.key((last.at, last.run_id, last.dataset_id))


def ids_of(connection: Connection, name: str, namespace: str | None) -> list[int]:
    """The ids of a dataset under all its names; see :func:`find`."""
    return [member.id for member in find(connection, name, namespace)[1]]


def find(
    connection: Connection, name: str, namespace: str | None
) -> tuple[Row[Any], Sequence[Row[Any]]]:
    """The dataset of that name as the store has it, and all rows that are names of it.

    Raises:
        NotFoundError: there is none, or of that name there are several in as many namespaces.
    """
    d = t.dataset.c
    asked = select(_CANONICAL.label("canonical"), d.namespace)
    if namespace is not None:
        namespace, name = normal(namespace, name)
        asked = asked.where(d.namespace == namespace)
    rows = connection.execute(asked.where(d.name == name).limit(100)).all()
    if not rows and namespace is None and "/" in name:
        # As people are shown it where a name alone is not enough.
        rows = connection.execute(asked.where(d.namespace + "/" + d.name == name).limit(2)).all()
    found = {row.canonical for row in rows}
    if len(found) > 1:
        spaces = ", ".join(sorted({row.namespace for row in rows})[:5])
        raise NotFoundError(
            f"there are several datasets {name!r}.", remedy=f"Say of which namespace: {spaces}."
        )
    if not found:
        raise NotFoundError(
            f"no dataset {name!r} is known{f' in {namespace}' if namespace else ''}.",
            remedy="Search by a part of its name: GET /api/v1/datasets?search=…",
        )
    canonical = found.pop()
    members = connection.execute(
        select(t.dataset)
        .where(or_(d.id == canonical, d.canonical_id == canonical))
        .order_by(d.namespace, d.name)
    ).all()
    return next(row for row in members if row.id == canonical), members


def _columns(
    connection: Connection, schema: Mapping[str, Any] | None, members: Sequence[int]
) -> tuple[str, ...]:
    told = (schema or {}).get("fields")
    if isinstance(told, list) and told:
        named = [f.get("name") for f in told if isinstance(f, dict)]
        return tuple(n for n in named if isinstance(n, str))
    f = t.field.c
    asked = select(f.name).where(f.dataset_id.in_(members), f.name.not_in(("", "*"))).distinct()
    return tuple(connection.scalars(asked.order_by(f.name)))
