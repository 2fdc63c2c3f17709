"""The rows of runs and of what they read and wrote: loaded where events add to them, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.runs import Part, Run

_RUN = (
    "state", "began_at", "ended_at", "told_at", "parent", "parent_job", "root", "root_job", "whole",
    "error", "running_at", "traits",
)  # fmt: skip
_PART = (
    "at", "version", "rows", "bytes", "files", "told_id", "statement_id", "stated_at", "slot",
)  # fmt: skip


def load(keys: Keys, uuids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that are known, with their datasets, by UUID."""
    run, job = tables.run.c, tables.job.c
    query = sa.select(tables.run, job.namespace, job.name).join(tables.job, run.job_id == job.id)
    found: dict[str, Run] = {}
    by_id: dict[int, Run] = {}
    for row in keys.rows(query, run.uuid, [(uuid,) for uuid in uuids]):
        told = row._mapping
        one = Run(
            row.uuid, row.id, (row.namespace, row.name), is_new=False,
            **{name: told[name] for name in _RUN},
        )  # fmt: skip
        found[row.uuid] = by_id[row.id] = one
    if by_id:
        _load_parts(keys, by_id)
    return found


def _load_parts(keys: Keys, runs: Mapping[int, Run]) -> None:
    part, dataset = tables.run_dataset.c, tables.dataset.c
    query = sa.select(tables.run_dataset, dataset.namespace, dataset.name).join(
        tables.dataset, part.dataset_id == dataset.id
    )
    known = keys.of(tables.dataset)
    for row in keys.rows(query, part.run_id, [(i,) for i in runs]):
        named, told = (row.namespace, row.name), row._mapping
        known[named] = row.dataset_id
        one = Part(
            named, row.role, changed=False, is_new=False, **{name: told[name] for name in _PART}
        )
        runs[row.run_id].parts[named, row.role] = one


def write(keys: Keys, runs: Iterable[Run]) -> None:
    """Write runs, whose jobs have numbers; not yet what they read and wrote."""
    jobs = keys.of(tables.job)
    new, old = [], []
    for run in runs:
        row = {name: getattr(run, name) for name in _RUN}
        row |= {"job_id": jobs[run.job], "uuid": run.uuid}
        (new if run.is_new else old).append(row | {"id" if run.is_new else "row": run.id})
    if new:
        keys.connection.execute(tables.run.insert(), new)
    _update(keys, tables.run, ("row",), old)


def write_parts(keys: Keys, runs: Iterable[Run], new: Collection[tuple[int, Any]]) -> None:
    """Write what runs read and wrote, of which those in ``new`` (run's number, key) have no row."""
    datasets = keys.of(tables.dataset)
    added, changed = [], []
    for run in runs:
        for key, part in run.parts.items():
            if not part.changed:
                continue
            row: dict[str, Any] = {name: getattr(part, name) for name in _PART}
            number = datasets[part.dataset]
            if (run.id, key) in new:
                added.append(
                    row | {"run_id": run.id, "dataset_id": number, "role": part.role}
                )  # fmt: skip
            else:
                changed.append(row | {"of_run": run.id, "of_dataset": number, "of_role": part.role})
            part.changed = False
    if added:
        keys.connection.execute(tables.run_dataset.insert(), added)
    _update(keys, tables.run_dataset, ("of_run", "of_dataset", "of_role"), changed)


def _update(
    keys: Keys, table: sa.Table, which: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    if not rows:
        return
    key = list(table.primary_key.columns)
    where = [column == sa.bindparam(name) for column, name in zip(key, which, strict=True)]
    values = {n: sa.bindparam(f"new_{n}") for n in rows[0] if n not in which}
    keys.connection.execute(
        table.update().where(*where).values(values),
        [{n if n in which else f"new_{n}": v for n, v in row.items()} for row in rows],
    )
