"""The rows of runs and of what they read and wrote: loaded where events add to them, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.rows import insert
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
        keys.of(tables.job)[one.job] = row.job_id
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
    found = []
    for run in runs:
        row: dict[str, Any] = {"id": run.id, "job_id": jobs[run.job], "uuid": run.uuid}
        for name in _RUN:
            row[name] = getattr(run, name)
        found.append(row)
    insert(keys.connection, tables.run, found, replace=True)


def write_parts(keys: Keys, runs: Iterable[Run]) -> None:
    """Write what runs read and wrote."""
    datasets = keys.of(tables.dataset)
    found = []
    for run in runs:
        for part in run.parts.values():
            if part.changed:
                row: dict[str, Any] = {
                    "run_id": run.id, "dataset_id": datasets[part.dataset], "role": part.role
                }  # fmt: skip
                for name in _PART:
                    row[name] = getattr(part, name)
                found.append(row)
                part.changed = False
    insert(keys.connection, tables.run_dataset, found, replace=True)
