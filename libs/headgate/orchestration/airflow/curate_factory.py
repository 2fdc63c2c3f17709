"""Curate DAGs: one for each release group, started by the Assets that it is made from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG, AssetAny, TriggerRule, get_parsing_context

from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.assets import asset
from headgate.orchestration.airflow.governed import governed, page_of, root_of, under_lock
from headgate.orchestration.airflow.node_board import PRODUCER
from headgate.orchestration.airflow.node_task import Node
from headgate.orchestration.airflow.producing import Build, Release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.orchestration.dag_index import Entry, Group

PREFIX = "curate."
RELEASE = "release"


def curate_dags(file: str) -> dict[str, DAG]:
    """The curate DAGs of the project that ``file`` (a DAG file's ``__file__``) belongs to, by id.
    A worker that runs one of them gets only that.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    root = root_of(file)
    settings, wanted = core_settings.load(root), get_parsing_context().dag_id
    if wanted is None:
        index = dag_index.load(root)
        made = [curate_dag(g, index.entries, settings, file) for g in index.groups.values()]
    else:
        made = list(_one(root, settings, file, wanted))
    return {dag.dag_id: dag for dag in made}


def _one(root: Path, settings: Settings, file: str, wanted: str) -> list[DAG]:
    found = None
    if wanted.startswith(PREFIX):
        found = dag_index.load_group(root, wanted.removeprefix(PREFIX))
    return [curate_dag(*found, settings, file)] if found else []


def curate_dag(group: Group, entries: Mapping[str, Entry], settings: Settings, file: str) -> DAG:
    """The DAG that builds what a release group promises, and releases it.

    ``build`` makes all of it. A dataset's task only shows what became of it, so it needs not wait
    for ``build``; it comes after what it is made from, so that its time is its own.
    """
    known = [entries[d] for d in group.curated]
    members = [entries[d] for d in (*group.sources, *group.curated) if d in entries]
    schedule = [asset(d, settings.lake_name) for d in group.upstream]
    dag = governed(
        PREFIX + group.name,
        file=file,
        owner=group.owner,
        page=_page(group, entries, file),
        schedule=AssetAny(*schedule) if schedule else None,
        retries=max((e.retries for e in members), default=3),
        retry_minutes=min((e.retry_minutes for e in members), default=1.0),
        description=f"Builds and releases {group.name}.",
        tags=("curate", f"group:{group.name}"),
    )
    lock = under_lock(settings)
    release = Release(
        task_id=RELEASE,
        dag=dag,
        group=group.name,
        nodes=group.curated,
        outlets=[asset(d, settings.lake_name) for d in group.curated],
        trigger_rule=TriggerRule.ALL_DONE,
        doc_md=f"Publishes release group `{group.name}`, or fails with what holds it back.",
        **lock,
    )
    if not known:
        return dag
    build = Build(task_id=PRODUCER, dag=dag, group=group.name, doc_md=_BUILD, **lock)
    nodes = {entry.dataset: _node(entry, dag) for entry in known}
    for entry in known:
        before = [nodes[d] for d in entry.inputs if d in nodes]
        (before or build) >> nodes[entry.dataset] >> release
        if not before:
            # Its line may be there long before the producer ends.
            nodes[entry.dataset].trigger_rule = TriggerRule.ALWAYS
    build >> release
    return dag


def _node(entry: Entry, dag: DAG) -> Node:
    """A dataset's task; not in the pool of the lake, or one that failed could not be shown as failed
    before the producer ends."""
    maker = f"model `{entry.model}`" if entry.maker == "model" else "a Polars transform"
    return Node(
        task_id=entry.dataset,
        dag=dag,
        dataset=entry.dataset,
        owner=entry.owner,
        retries=entry.retries,
        doc_md=f"{entry.description}\n\nMade by {maker}; contract `{entry.path}`.\n\n{_NODE}",
    )


def _page(group: Group, entries: Mapping[str, Entry], file: str) -> str:
    contracts = [entries[d] for d in group.curated]
    facts = {
        "Release group": f"`{group.name}`",
        "Owner": group.owner,
        "Contracts": "<br>".join(f"`{e.path}` (`{e.dataset}`)" for e in contracts),
        "Sources in it": ", ".join(f"`{d}`" for d in group.sources),
        "Started by": ", ".join(f"`{d}`" for d in group.upstream),
    }
    return page_of(
        f"Builds what release group `{group.name}` promises from what came in, tests it, and "
        "releases it: readers see all of it, or nothing.",
        facts,
        factory="curate_dags",
        file=file,
        more=_MORE,
    )


_BUILD = """Builds all that is stale of the group, in one go, and says of each dataset what became of
it. It ends well although datasets failed: their own tasks show that."""

_NODE = """The producer `build` makes it; this task shows its state, and how long it took in its log.
Clear it (with all downstream) to build it and what is made from it again."""

_MORE = """One run runs at a time; what comes meanwhile is gathered into one that follows. `release`
fails where a dataset failed: its group is held, and readers see what they saw before. Mend the model and
clear its task with all downstream, or trigger the DAG."""
