"""What fails in Airflow reaches a webhook: once, with owner, what broke, command and link."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from headgate.core.errors import ModelError, RefusedError
from headgate.orchestration.airflow import ingest_dags
from headgate.orchestration.airflow.governed import governed
from headgate.orchestration.airflow.notifier import AlertRoute, alert_route, told_already
from headgate.orchestration.alerting import routes
from headgate.orchestration.project import Project
from tests.alert_servers import Webhook, webhook
from tests.dags.conftest import WarmAirflow
from tests.judged_lake import DATASET, record

CANARY = "canary-of-a-row-77e1"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(routes, "PAUSES", (0.0,))
    with webhook() as found:
        monkeypatch.setenv("HEADGATE_ALERT_WEBHOOK", found.address)
        yield found
    routes._gave_out.clear()


class Failing(BaseOperator):
    """Fails with the error that it was given."""

    def __init__(self, *, error: Exception, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.error = error

    def execute(self, context: Any) -> None:
        raise self.error


def dag_of(project: Project, name: str, **tasks: Exception) -> DAG:
    file = project.settings.root / "dags" / "try.py"
    file.write_text("# where Airflow reads the code of a DAG that a test made\n")
    dag = governed(
        name, file=str(file), owner="chat-platform",
        page="It fails.", retries=0,
    )  # fmt: skip
    for task, error in tasks.items():
        Failing(task_id=task.replace("__", "."), dag=dag, error=error)
    return dag


def test_a_failed_task_is_told_of_once(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    error = AirflowFailException("said")
    error.__cause__ = ModelError("it does not add up.", remedy="Mend it.", place="models/x.sql:3")
    ran = airflow.test(dag_of(dags_project, "one_fails", gold__chat__x=error))
    assert ran.state == "failed"
    [post] = hook.posts
    assert (post["kind"], post["dataset"], post["owner"]) == (
        "failed",
        "gold.chat.x",
        "chat-platform",
    )
    assert post["what"] == (
        "Task gold.chat.x of DAG one_fails failed. models/x.sql:3: it does not add up. Mend it."
    )
    assert post["show"] == "headgate show accounting gold.chat.x"
    assert "/dags/one_fails/runs/" in post["link"] and "/tasks/gold.chat.x" in post["link"]
    assert post["run"] == ran.run_id
    assert "could not be" not in caplog.text


def test_a_strange_error_tells_no_row(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook
) -> None:
    airflow.test(dag_of(dags_project, "strange", work=ValueError(f"not a number: '{CANARY}'")))
    [post] = hook.posts
    assert (post["dataset"], post["show"]) == ("strange", "headgate status")
    assert "ValueError" in post["what"] and CANARY not in str(post)


def test_what_was_told_is_not_told_again(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook
) -> None:
    ran = airflow.test(
        dag_of(dags_project, "told", work=told_already(AirflowFailException("known")))
    )
    assert ran.state == "failed" and hook.posts == []


def test_a_dead_webhook_changes_no_state(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_ALERT_WEBHOOK", "http://127.0.0.1:9/services/canary-of-a-hook")
    ran = airflow.test(dag_of(dags_project, "dead_end", work=AirflowFailException("x")))
    assert (ran.state, ran.tasks) == ("failed", {"work": "failed"})


def test_a_refused_batch_is_told_of_once_by_rules(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook
) -> None:
    root = dags_project.settings.root
    path = dags_project.contracts[DATASET].path
    path.write_text(
        path.read_text().replace("format: jsonl", 'format: jsonl, path: "landing/*.jsonl"', 1)
    )
    (root / "landing").mkdir()
    (root / "landing" / "day.jsonl").write_text(
        "".join(json.dumps(record(i, channel=f"{CANARY} {i}")) + "\n" for i in range(20))
    )
    dag = ingest_dags(str(root / "dags" / "ingest.py"))[f"ingest.{DATASET}"]
    assert airflow.test(dag).state == "failed"
    [post] = hook.posts
    assert (post["kind"], post["dataset"], post["owner"]) == ("refused", DATASET, "chat-platform")
    assert "day.jsonl was refused: 20 of 20 rows. Rules: " in post["what"]
    assert f"headgate quarantine list {DATASET}" in post["show"]
    assert CANARY not in str(post)


def test_a_dag_run_that_no_task_told_of_is_told_of(dags_project: Project) -> None:
    settings = dags_project.settings
    route = alert_route("chat-platform", root=settings.root)
    dag = dag_of(dags_project, "late_one", work=ValueError())
    context = {"dag": dag, "run_id": "manual__2026-01-01T00:00:00+00:00"}
    told = route.alert({**context, "reason": "timed_out"}, settings)
    assert told is not None and told.what == "DAG late_one failed: timed out."
    assert told.link.endswith("/dags/late_one/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00")
    killed = route.alert({**context, "reason": "task_failure"}, settings)
    assert killed is not None and "its process is killed" in killed.what
    task = SimpleNamespace(task_id="work", dag_id="late_one", log_url="")
    assert route.alert({**context, "ti": task, "exception": ValueError()}, settings) is not None
    assert route.alert({**context, "reason": "task_failure"}, settings) is None
    # Cleared, the same run fails once more, and this time without a word of its task.
    assert route.alert({**context, "reason": "task_failure"}, settings) is not None


def test_a_note_that_cannot_be_kept_only_tells_twice(dags_project: Project) -> None:
    settings = dags_project.settings
    settings.lake_path.mkdir()
    (settings.lake_path / "_locks").write_text("in the way")
    (settings.lake_path / "_state").write_text("in the way")
    route = alert_route("chat-platform", root=settings.root)
    context = {"dag": dag_of(dags_project, "blocked", work=ValueError()), "run_id": "r"}
    task = SimpleNamespace(task_id="work", dag_id="blocked", log_url="")
    assert route.alert({**context, "ti": task}, settings) is not None
    assert route.alert({**context, "reason": "task_failure"}, settings) is not None


def test_a_killed_task_is_told_of_without_an_exception(project: Project) -> None:
    task = SimpleNamespace(
        task_id="take", dag_id="ingest.bronze.a.b", log_url="http://x", run_id="r"
    )
    told = alert_route("me", dataset="bronze.a.b").alert({"ti": task}, project.settings)
    assert told is not None and (told.kind, told.dataset, told.link) == (
        "failed",
        "bronze.a.b",
        "http://x",
    )
    assert "Its process ended" in told.what


def test_the_dag_processor_tells_of_a_killed_task_and_of_a_run_out_of_time(
    airflow: WarmAirflow, dags_project: Project, hook: Webhook
) -> None:
    """There the DAG file is parsed anew, and what is called has no exception."""
    root = dags_project.settings.root
    file = root / "dags" / "try.py"
    file.write_text(BY_HAND)
    dag = airflow.bag(file).dags["killed"]
    airflow.register(dag)
    run_id = dag.test().run_id
    hook.posts.clear()
    processed(airflow.bag(file), task_request(run_id), dag_request(run_id, "task_failure"))
    processed(airflow.bag(file), dag_request(run_id, "timed_out"))
    killed, late = hook.posts
    assert killed["what"].startswith("Task bronze.chat.x of DAG killed failed. Its process ended")
    assert (killed["dataset"], killed["owner"]) == ("bronze.chat.x", "chat-platform")
    assert f"/dags/killed/runs/{run_id[:6]}" in killed["link"]
    assert (late["what"], late["run"]) == ("DAG killed failed: timed out.", run_id)


BY_HAND = """# airflow dag
from airflow.sdk import BaseOperator
from headgate.orchestration.airflow.governed import governed

dag = governed("killed", file=__file__, owner="chat-platform", page="It is killed.", retries=0)
BaseOperator(task_id="bronze.chat.x", dag=dag)
"""
WHERE = {"filepath": "try.py", "bundle_name": "dags-folder", "bundle_version": None}


def processed(bag: Any, *requests: Any) -> None:
    """Have Airflow's DAG processor call callbacks, as it does where no worker can."""
    import structlog
    from airflow.dag_processing.processor import _execute_callbacks

    _execute_callbacks(bag, list(requests), structlog.get_logger())


def task_request(run_id: str) -> Any:
    from airflow.api_fastapi.execution_api.datamodels.taskinstance import TaskInstance as Model
    from airflow.callbacks.callback_requests import TaskCallbackRequest
    from airflow.models.taskinstance import TaskInstance
    from airflow.settings import Session
    from sqlalchemy import select

    with Session() as session:
        found = session.scalars(select(TaskInstance).where(TaskInstance.run_id == run_id)).one()
        return TaskCallbackRequest(ti=Model.model_validate(found, from_attributes=True), **WHERE)


def dag_request(run_id: str, reason: str) -> Any:
    from airflow.callbacks.callback_requests import DagCallbackRequest

    return DagCallbackRequest(dag_id="killed", run_id=run_id, msg=reason, **WHERE)


def test_who_refused_is_seen_by_the_cause(project: Project) -> None:
    task = SimpleNamespace(task_id="take", dag_id="d", log_url="", run_id="r")
    error = AirflowFailException("x")
    error.__cause__ = RefusedError("3 rows break a rule.")
    told = alert_route("me", dataset="bronze.a.b").alert(
        {"ti": task, "exception": error}, project.settings
    )
    assert told is not None and told.kind == "refused" and "3 rows break a rule." in told.what


def test_a_route_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    AlertRoute("me")({"exception": ValueError(CANARY)})
    assert "could not be made: KeyError" in caplog.text and CANARY not in caplog.text


def test_dags_with_the_route_are_serialized(dags_project: Project) -> None:
    dag = dag_of(dags_project, "kept", work=ValueError())
    found = DagSerialization.to_dict(dag)["dag"]
    assert found["has_on_failure_callback"] is True


def test_what_sends_alerts_imports_nothing_heavy() -> None:
    """The DAG processor runs it where a task was killed."""
    code = (
        "import sys; from headgate.orchestration.airflow import notifier;"
        "from headgate.orchestration.alerts import Alert, send; import pathlib;"
        "from headgate.orchestration.alerting import mail, webhook;"
        "from headgate.core import settings;"
        "send(settings.load(pathlib.Path(sys.argv[1])), Alert('failed', 'd', 'o', 'w', 's'));"
        "print(*sorted({'pandas', 'numpy', 'polars', 'pyarrow', 'duckdb', 'dbt', 'deltalake',"
        " 'great_expectations', 'pyspark'} & {m.split('.')[0] for m in sys.modules}))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
