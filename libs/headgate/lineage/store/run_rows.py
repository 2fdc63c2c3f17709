"""The rows of runs and of what they read and wrote: loaded where events add to them, and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter

from headgate.lineage.store import driver, tables
from headgate.lineage.store.keys import Keys
from headgate.lineage.store.rows import insert_rows
from headgate.lineage.store.runs import Part, Run

_RUN = (
    "state", "began_at", "ended_at", "told_at", "parent", "parent_job", "root", "root_job", "whole",
    "error", "running_at", "traits",
)  # fmt: skip
_PART = (
    "at", "version", "rows", "bytes", "files", "told_id", "statement_id", "stated_at", "slot",
)  # fmt: skip


_RUN_COLUMNS = ("id", "job_id", "uuid", *_RUN)
_PART_COLUMNS = ("run_id", "dataset_id", "role", *_PART)
_told_of_run = attrgetter("id", "job", "uuid", *_RUN)
_told_of_part = attrgetter("dataset", "role", *_PART)
_RUNS = (
    f"SELECT r.id, r.job_id, r.uuid, j.namespace, j.name, {', '.join(f'r.{n}' for n in _RUN)}"
    " FROM run AS r JOIN job AS j ON j.id = r.job_id"
)
_PARTS = (
    f"SELECT p.run_id, p.dataset_id, d.namespace, d.name, p.role, {', '.join(f'p.{n}' for n in _PART)}"
    " FROM run_dataset AS p JOIN dataset AS d ON d.id = p.dataset_id"
)


def load(keys: Keys, uuids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that are known, with their datasets, by UUID."""
    remembered = keys.memory.runs
    found = {uuid: remembered[uuid] for uuid in uuids if uuid in remembered}
    missing = [uuid for uuid in uuids if uuid not in found]
    by_id: dict[int, Run] = {}
    for number, job_id, uuid, namespace, name, *told in driver.ask_by(
        keys.connection, _RUNS, "r.uuid", missing
    ):
        one = Run(
            uuid, number, (namespace, name), is_new=False, **dict(zip(_RUN, told, strict=True))
        )
        found[uuid] = by_id[number] = one
        keys.of(tables.job)[one.job] = job_id
    if by_id:
        _load_parts(keys, by_id)
    return found


def remember(keys: Keys, runs: Mapping[str, Run]) -> None:
    """Keep runs, as they are written now, for the next events of theirs."""
    for run in runs.values():
        run.is_new = run.renamed = False
        for part in run.parts.values():
            part.is_new = False
    keys.memory.runs.update(runs)


def _load_parts(keys: Keys, runs: Mapping[int, Run]) -> None:
    known = keys.of(tables.dataset)
    for run_id, dataset_id, namespace, name, role, *told in driver.ask_by(
        keys.connection, _PARTS, "p.run_id", list(runs)
    ):
        named = namespace, name
        known[named] = dataset_id
        runs[run_id].parts[named, role] = Part(
            named, role, changed=False, is_new=False, **dict(zip(_PART, told, strict=True))
        )


def write(keys: Keys, runs: Iterable[Run]) -> None:
    """Write runs, whose jobs have numbers; not yet what they read and wrote."""
    jobs = keys.of(tables.job)
    rows = []
    for run in runs:
        number, job, *told = _told_of_run(run)
        rows.append((number, jobs[job], *told))
    insert_rows(keys.connection, tables.run, _RUN_COLUMNS, rows, replace=True)


def write_parts(keys: Keys, runs: Iterable[Run]) -> None:
    """Write what runs read and wrote."""
    datasets = keys.of(tables.dataset)
    rows = []
    for run in runs:
        for part in run.parts.values():
            if part.changed:
                dataset, *told = _told_of_part(part)
                rows.append((run.id, datasets[dataset], *told))
                part.changed = False
    insert_rows(keys.connection, tables.run_dataset, _PART_COLUMNS, rows, replace=True)
