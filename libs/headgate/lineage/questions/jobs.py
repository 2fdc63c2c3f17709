"""Which jobs there are, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, select

from headgate.core.errors import NotFoundError
from headgate.lineage.questions import facets
from headgate.lineage.questions.datasets import Name, names_page
from headgate.lineage.store import tables as t

if TYPE_CHECKING:
    from headgate.lineage.store.opening import Store


@dataclass(frozen=True)
class JobPage:
    """Jobs by namespace and name."""

    jobs: tuple[Name, ...]
    next: str | None


@dataclass(frozen=True)
class Job:
    """What is known of a job: ``outputs`` are the datasets of which its word still counts,
    ``facets`` as they were told last."""

    namespace: str
    name: str
    integration: str | None
    outputs: tuple[Name, ...]
    facets: Mapping[str, Any]


def page(
    store: Store,
    *,
    search: str | None = None,
    namespace: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> JobPage:
    """Jobs whose name holds ``search`` (whatever the case), of one namespace or all.

    Raises:
        NotFoundError: ``after`` is no ``next`` of a page.
    """
    j = t.job.c
    asked = select(j.namespace, j.name)
    return JobPage(*names_page(store, asked, j, search, namespace, limit, after))


def one(store: Store, name: str, namespace: str | None = None) -> Job:
    """The job of that name.

    Raises:
        NotFoundError: there is none, or of that name there are several in as many namespaces.
    """
    d, s = t.dataset.c, t.span.c
    with store.reading() as connection:
        found = find(connection, name, namespace)
        spoken = select(s.dataset_id).where(s.job_id == found.id, s.to_at.is_(None))
        itself = select(func.coalesce(d.canonical_id, d.id)).where(d.id.in_(spoken))
        asked = select(d.namespace, d.name).where(d.id.in_(itself), d.transient.is_(False))
        outputs = connection.execute(asked.order_by(d.namespace, d.name)).all()
        return Job(
            namespace=found.namespace,
            name=found.name,
            integration=found.integration,
            outputs=tuple(Name(*row) for row in outputs),
            facets=facets.newest(connection, "job", [found.id]),
        )


def find(connection: Connection, name: str, namespace: str | None) -> Row[Any]:
    """The job of that name as the store has it.

    Raises:
        NotFoundError: there is none, or of that name there are several in as many namespaces.
    """
    asked = select(t.job).where(t.job.c.name == name)
    if namespace is not None:
        asked = asked.where(t.job.c.namespace == namespace)
    found = connection.execute(asked.order_by(t.job.c.namespace).limit(100)).all()
    if not found:
        raise NotFoundError(
            f"no job {name!r} is known{f' in {namespace}' if namespace else ''}.",
            remedy="Search by a part of its name: GET /api/v1/jobs?search=…",
        )
    if len(found) > 1:
        spaces = ", ".join(row.namespace for row in found[:5])
        raise NotFoundError(
            f"there are several jobs {name!r}.", remedy=f"Say of which namespace: {spaces}."
        )
    return found[0]
