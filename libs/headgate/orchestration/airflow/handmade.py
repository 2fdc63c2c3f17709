"""DAGs that somebody writes: governed like those that follow from contracts, in a file of 30 lines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import DAG, Asset, AssetAny, Param, get_parsing_context

from headgate.contracts import cron
from headgate.core import secrets
from headgate.core import settings as core_settings
from headgate.core.errors import HeadgateError, UsageError
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.assets import asset
from headgate.orchestration.airflow.governed import governed, page_of, root_of
from headgate.orchestration.airflow.handmade_read import read_release
from headgate.orchestration.airflow.handmade_tasks import gated_write, governed_task
from headgate.orchestration.airflow.policy_bag import owners_of

__all__ = ["gated_write", "governed_dag", "governed_task", "read_release"]

_FILE = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)__([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")
#: What DAGs that follow from contracts are called.
_TAKEN = ("ingest", "curate", "maintain", "freshness", "fsck", "forward", "backfill")


def governed_dag(
    *,
    owner: str,
    schedule: str | None = None,
    after: Sequence[str] = (),
    timezone: str = "UTC",
    retries: int = 3,
    retry_minutes: float = 1.0,
    tags: Iterable[str] = (),
    params: Mapping[str, Param] | None = None,
    **more: Any,
) -> Callable[[Callable[[], object]], Callable[[], DAG]]:
    """Makes the decorated function, which sets up tasks, a governed DAG; call it once at the end.

    The DAG is called ``<domain>.<verb>`` after its file ``<domain>__<verb>.py``; its page in Airflow
    is the file's docstring. It runs by ``schedule`` (a cron of five fields in ``timezone``), or
    ``after`` releases in which any of these datasets changed, or by hand. ``owner`` is told when it
    fails. ``more`` goes to the DAG as it is.

    Raises:
        UsageError: when it is called: all that is missing or wrong, with what to do.
    """

    def decorate(function: Callable[[], object]) -> Callable[[], DAG]:
        def make() -> DAG:
            path = Path(function.__code__.co_filename)
            root = root_of(str(path))
            page = inspect.cleandoc(function.__globals__.get("__doc__") or "")
            settings = core_settings.load(root)
            wrong = [
                *_wrong(path, page, retries),
                *_wrong_time(schedule, timezone, after),
                *_wrong_there(root, owner, after),
            ]
            if wrong:
                raise UsageError(" ".join(wrong), place=f"dags/{path.name}")
            domain, _, verb = path.stem.partition("__")
            assets = [asset(d, settings.lake_name) for d in after]
            dag = governed(
                f"{domain}.{verb}",
                file=str(path),
                owner=owner,
                page=page,
                schedule=AssetAny(*assets) if assets else schedule,
                timezone=timezone,
                retries=retries,
                retry_minutes=retry_minutes,
                description=page.partition("\n\n")[0].replace("\n", " "),
                tags=("by-hand", f"domain:{domain}", *tags),
                params=params,
                **more,
            )
            with dag:
                function()
            if not dag.tasks:
                raise UsageError("it has no task: call its tasks in the function.", place=path.name)
            dag.doc_md = _page(page, dag, path, schedule, after)
            return dag

        return make

    return decorate


def _wrong(path: Path, page: str, retries: int) -> Iterator[str]:
    """What is wrong with the DAG, going by itself."""
    named = _FILE.fullmatch(path.stem)
    if named is None:
        yield "Call the file <domain>__<verb>.py: the DAG is called after it."
    elif named[1] in _TAKEN:
        yield f"DAGs called {named[1]}.… follow from contracts: choose another domain."
    if not page:
        yield "It has no docstring: say at the top of the file what the DAG is for."
    if retries < 1:
        yield f"retries={retries}: a task may be killed at any time, so let it try again once."


def _wrong_time(schedule: str | None, timezone: str, after: Sequence[str]) -> Iterator[str]:
    """What is wrong with when it runs."""
    if schedule and after:
        yield "Give a schedule or what it runs after, and not both."
    if schedule:
        try:
            cron.demand(schedule)
        except ValueError as error:
            yield f"Its schedule {schedule!r}: {error}."
    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        yield f"Its timezone {timezone!r} is none: write a name such as Europe/Berlin."


def _wrong_there(root: Path, owner: str, after: Sequence[str]) -> Iterator[str]:
    """What is wrong with the DAG, going by the project; a worker has not to ask again."""
    if get_parsing_context().dag_id is not None:
        return
    try:
        known, entries = owners_of(root), dag_index.load(root).entries
    except HeadgateError as error:
        yield secrets.redact(str(error))
        return
    if owner not in known:
        yield f"Owner {owner!r} is not known. Known: {', '.join(sorted(known))}."
    for dataset in after:
        if dataset not in entries:
            yield f"It runs after {dataset!r}, which has no contract."
        elif entries[dataset].maker == "source":
            yield (
                f"It runs after {dataset}, which is ingested: what came is no release yet. Name a"
                " dataset that is built from it."
            )


def _page(page: str, dag: DAG, path: Path, schedule: str | None, after: Sequence[str]) -> str:
    tasks = list(dag.task_dict.values())
    when = f"`{schedule}`" if schedule else "by hand only"
    if after:
        when = "when a release changes " + " or ".join(f"`{d}`" for d in after)
    facts = {
        "Owner": dag.default_args["owner"],
        "Runs": when,
        "Reads": _named(i for t in tasks for i in t.inlets),
        "Writes": _named(o for t in tasks for o in t.outlets),
    }
    return page_of(page, facts, factory="governed_dag", file=str(path))


def _named(assets: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(f"`{a.name}`" for a in assets if isinstance(a, Asset)))
