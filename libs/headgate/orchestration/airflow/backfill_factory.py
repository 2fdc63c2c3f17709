"""The backfill DAG: the files of a range of dates taken, and one Asset event at its end."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param, TriggerRule

from headgate.core.settings import Settings
from headgate.orchestration import dag_index
from headgate.orchestration.airflow.backfill_tasks import Finish, Plan, TakeDates
from headgate.orchestration.airflow.governed import governed, page_of, under_lock
from headgate.orchestration.airflow.take_task import Refusals

BACKFILL = "backfill"
MOST_AT_ONCE = 8


def backfill_dag(root: Path, settings: Settings, file: str) -> DAG:
    """The DAG that takes the files of a range of dates of one source; a form asks which."""
    entries = dag_index.load(root).entries
    dated = sorted(d for d, entry in entries.items() if entry.dated)
    dag = governed(
        BACKFILL,
        file=file,
        owner=settings.airflow_owner,
        page=_page(dated, settings, file),
        description="Takes the files of a range of dates of one source, with one release at the end.",
        tags=("backfill", "ingest"),
        params=_params(dated),
        render_template_as_native_obj=True,
    )
    plan = Plan(task_id="plan", dag=dag)
    take = TakeDates.partial(
        task_id="take",
        dag=dag,
        # They hold the lake one after the other; what is read at once is said by `parallel`.
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.label }}",
        **under_lock(settings),
    ).expand(dates=plan.output)
    finish = Finish(
        task_id="finish", dag=dag, lake_name=settings.lake_name, trigger_rule=TriggerRule.ALL_DONE
    )
    refused = Refusals(task_id="refused", dag=dag, retries=0, trigger_rule=TriggerRule.ONE_FAILED)
    take >> [finish, refused]
    return dag


def _params(dated: list[str]) -> dict[str, Param]:
    # All have a default: Airflow cannot tell of a failed run of a DAG whose parameters have none.
    day = {"type": ["null", "string"], "format": "date"}
    return {
        "dataset": Param(
            "", type="string", enum=["", *dated], title="Dataset",
            description="A source whose files lie by dates.",
        ),
        "first": Param(
            None, title="First date", description="Empty: from the first that has files.", **day
        ),
        "last": Param(
            None, title="Last date", description="Empty: up to the last that has files.", **day
        ),
        "parallel": Param(
            4, type="integer", minimum=1, maximum=MOST_AT_ONCE, title="At once",
            description="Files that are read at once; commits are one by one.",
        ),
    }  # fmt: skip


def _page(dated: list[str], settings: Settings, file: str) -> str:
    named = ", ".join(f"`{d}`" for d in dated)
    facts = {
        "Contract": f"those of the sources whose path holds `{{date}}`: {named or 'none as yet'}",
        "By hand": "`headgate backfill DATASET FIRST LAST`",
        "Owner": settings.airflow_owner,
        "Schedule": "by hand only",
    }
    return page_of(_DOES, facts, factory="ingest_dags", file=file, more=_MORE)


_DOES = """Takes the files of a range of dates of one source through its gate. What was taken before is
known by its content and not taken again, so that a backfill can be repeated, or tried again in part."""
_MORE = """`plan` lists the dates that have files, `take` takes them, some dates in each task, and `finish`
makes one Asset event of it all, so that the group is built and released once. `refused` fails with what
could not be taken; what else was taken is published all the same.
"""
