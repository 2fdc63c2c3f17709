"""Ingest DAGs: one for each source contract, from its schedule, owner, freshness and retries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG, Param, get_parsing_context

from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.governed import governed, page_of, root_of, under_lock
from headgate.orchestration.airflow.take_task import Refusals, Take

if TYPE_CHECKING:
    from headgate.orchestration.dag_index import Entry

PREFIX = "ingest."
_PATHS = Param(
    None,
    type=["null", "array"],
    items={"type": "string"},
    title="Files",
    description="Files, folders or globs to take instead of what lies at the source.",
)


def ingest_dags(file: str) -> dict[str, DAG]:
    """The ingest DAGs of the project that ``file`` (a DAG file's ``__file__``) belongs to, by id,
    and the DAG that backfills. A worker that runs one of them gets only that.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    from headgate.orchestration.airflow.backfill_factory import BACKFILL, backfill_dag

    root = root_of(file)
    settings, wanted = core_settings.load(root), get_parsing_context().dag_id
    found = {dag.dag_id: dag for dag in _ingest(root, settings, file, wanted)}
    if wanted in (None, BACKFILL):
        found[BACKFILL] = backfill_dag(root, settings, file)
    return found


def _ingest(root: Path, settings: Settings, file: str, wanted: str | None) -> Iterator[DAG]:
    if wanted is None:
        entries = dag_index.load(root).entries.values()
        yield from (ingest_dag(e, settings, file) for e in entries if e.maker == "source")
    elif wanted.startswith(PREFIX):
        entry = dag_index.load_one(root, wanted.removeprefix(PREFIX))
        if entry is not None and entry.maker == "source":
            yield ingest_dag(entry, settings, file)


def ingest_dag(entry: Entry, settings: Settings, file: str) -> DAG:
    """The DAG that takes what is new at one source."""
    dag = governed(
        PREFIX + entry.dataset,
        file=file,
        owner=entry.owner,
        dataset=entry.dataset,
        page=_page(entry, file),
        schedule=entry.schedule,
        timezone=entry.timezone,
        retries=entry.retries,
        retry_minutes=entry.retry_minutes,
        description=entry.description,
        tags=("ingest", *entry.tags, f"domain:{entry.domain}", f"group:{entry.group}"),
        params={"paths": _PATHS},
    )
    take = Take(
        task_id="take",
        dag=dag,
        dataset=entry.dataset,
        lake_name=settings.lake_name,
        **under_lock(settings),
    )
    take >> Refusals(task_id="refused", dag=dag, retries=0)
    return dag


def _page(entry: Entry, file: str) -> str:
    fresh = f"{entry.freshness_hours:g} hours" if entry.freshness_hours else ""
    when = f"`{entry.schedule}` ({entry.timezone})" if entry.schedule else "by hand only"
    facts = {
        "Contract": f"`{entry.path}`, version {entry.version}",
        "Dataset": f"`{entry.dataset}`",
        "Source": f"`{entry.source_path}`" if entry.source_path else "files that are named",
        "Owner": entry.owner,
        "Schedule": when,
        "Promised freshness": fresh,
        "Retries": f"{entry.retries}, the first after {entry.retry_minutes:g} min",
        "Release group": f"`{entry.group}`, built and released by `curate.{entry.group}`",
    }
    return page_of(
        f"Takes what is new at the source of `{entry.dataset}` through the gate of its contract. "
        f"{entry.description}",
        facts,
        factory="ingest_dags",
        file=file,
        more=_MORE.format(dataset=entry.dataset),
    )


_MORE = """`take` is skipped if nothing is new. What it commits is a candidate until its group is
released. `refused` is skipped unless the gate refused a batch or a file could not be taken; then it
fails with what was wrong. What was set aside: `headgate quarantine list {dataset}`. To change when or
how this runs, edit the contract.
"""
