"""The spans of statements: from when until when a dataset was made from what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import tables
from headgate.lineage.store.timelines import Key, Said, Timelines


def rank(digest: bytes, job: tuple[str, str] | None) -> bytes:
    """Of statements at one instant the one that counts is the greatest by this."""
    return digest + "\0".join(job or ()).encode()


class Spans(Timelines):
    """Timelines of a dataset's slots; what is said is a statement, and beside it by which job."""

    table = tables.span
    key = found_by = ("dataset_id", "slot")
    value = "statement_id"
    beside = "job_id"

    def later(self, key: Key, at: int, known: Sequence[Said]) -> bool:
        """Whether anything besides ``known``, which is written already, was said then or later."""
        count = 0
        for table in (tables.run_dataset, tables.declared):
            query = sa.select(sa.literal(1)).where(*_of(table, key), table.c.stated_at >= at)
            count += len(self.connection.execute(query.limit(len(known) + 1)).all())
        # Of several at one instant only one is known here, so that it is asked too often.
        return count != sum(one.at >= at for one in known)

    def around(self, key: Key, first: int, last: int) -> Iterable[Said]:
        """All that was said from ``first`` to ``last``, and what was said next."""
        nexts = [
            self.connection.execute(
                sa.select(sa.func.min(table.c.stated_at)).where(
                    *_of(table, key), table.c.stated_at > last
                )
            ).scalar()
            for table in (tables.run_dataset, tables.declared)
        ]
        end = min((at for at in nexts if at is not None), default=last)
        for query in _said():
            where = (
                query.selected_columns.stated_at >= first,
                query.selected_columns.stated_at <= end,
            )
            chosen = query.where(
                query.selected_columns.dataset_id == key[0],
                query.selected_columns.slot == key[1],
                *where,
            )
            for row in self.connection.execute(chosen):
                job = None if row.namespace is None else (row.namespace, row.name)
                yield Said(row.stated_at, rank(row.digest, job), row.statement_id, row.job_id)

    def removed(self, key: Key) -> None:
        """Have readers load the dataset's spans anew."""
        self.connection.execute(
            tables.dataset.update()
            .where(tables.dataset.c.id == key[0])
            .values(revision=self.revision)
        )


def _of(table: sa.Table, key: Key) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.dataset_id == key[0], table.c.slot == key[1]


def _said() -> Iterable[sa.Select[Any]]:
    """Everything that was said, by runs and by events without a run."""
    part, run, declared = tables.run_dataset, tables.run, tables.declared
    statement, job = tables.statement, tables.job
    yield (
        sa.select(part.c.dataset_id, part.c.slot, part.c.stated_at, part.c.statement_id,
                  statement.c.digest, job.c.id.label("job_id"), job.c.namespace, job.c.name)
        .join(run, part.c.run_id == run.c.id)
        .join(statement, part.c.statement_id == statement.c.id)
        .join(job, run.c.job_id == job.c.id)
    )  # fmt: skip
    yield (
        sa.select(declared.c.dataset_id, declared.c.slot, declared.c.stated_at,
                  declared.c.statement_id, statement.c.digest, declared.c.job_id, job.c.namespace,
                  job.c.name)
        .join(statement, declared.c.statement_id == statement.c.id)
        .outerjoin(job, declared.c.job_id == job.c.id)
    )  # fmt: skip
