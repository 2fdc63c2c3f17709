"""A real Airflow tells a webhook: of a refused batch, and of a task whose process was killed."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alert_servers import Webhook, webhook
from tests.judged_lake import DATASET, record
from tests.servers.conftest import Airflow

INGEST = f"ingest.{DATASET}"
KILLED = '''"""A task that waits to be killed, for Airflow to find in dags/."""
from headgate.orchestration.airflow.governed import governed
from airflow.sdk import BaseOperator


class Waiting(BaseOperator):
    def execute(self, context):
        import os, pathlib, time

        pathlib.Path(PID).write_text(f"{{os.getpid()}} {{os.getppid()}}")
        time.sleep(600)


PID = {pid!r}
dag = governed({dag!r}, file=__file__, owner="chat-platform", page="It is killed.", retries=0)
Waiting(task_id="waits", dag=dag)
'''


@pytest.fixture
def hook(airflow: Airflow) -> Iterator[Webhook]:
    airflow.use_lake("alerted")
    toml = airflow.project.settings.root / "headgate.toml"
    before = toml.read_text()
    with webhook() as found:
        toml.write_text(f'{before}alert_webhook = "{found.address}"\n')
        try:
            yield found
        finally:
            toml.write_text(before)


def test_a_refused_batch_reaches_its_owner(airflow: Airflow, hook: Webhook, tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text("".join(json.dumps(record(i, channel="no sign")) + "\n" for i in range(20)))
    airflow.unpause(INGEST)
    run = airflow.trigger(INGEST, {"paths": [str(file)]})
    assert airflow.end_of(INGEST, run) == "failed", airflow.why(INGEST, run)
    airflow.wait(lambda: hook.posts)
    airflow.quiet()
    [post] = hook.posts
    assert (post["kind"], post["dataset"], post["owner"]) == ("refused", DATASET, "chat-platform")
    assert "20 of 20 rows" in post["what"] and post["run"] == run
    with urllib.request.urlopen(post["link"], timeout=30) as page:
        assert page.status == 200


@pytest.mark.parametrize("watcher_too", [False, True])
def test_a_killed_task_reaches_its_owner(
    airflow: Airflow, hook: Webhook, tmp_path: Path, watcher_too: bool
) -> None:
    pid, dag = tmp_path / "pid", "killed_with_its_watcher" if watcher_too else "killed_alone"
    file = airflow.project.settings.root / "dags" / f"{dag}.py"
    file.write_text(KILLED.format(pid=str(pid), dag=dag))
    try:
        airflow.unpause(dag)
        run = airflow.trigger(dag)
        child, parent = map(int, airflow.wait(lambda: pid.exists() and pid.read_text()).split())
        for process in (parent, child) if watcher_too else (child,):
            os.kill(process, signal.SIGKILL)
        assert airflow.end_of(dag, run) == "failed", airflow.why(dag, run)
        airflow.wait(lambda: hook.posts)
        airflow.quiet()
    finally:
        file.unlink()
    # Where a heartbeat is missed, task and DAG are told of by the DAG processor, in any order.
    assert [p["run"] for p in hook.posts] in ([run], [run, run] if watcher_too else [run])
    post = hook.posts[0]
    assert (post["kind"], post["owner"]) == ("failed", "chat-platform")
    assert "killed" in post["what"] and f"/dags/{dag}/runs/{run[:6]}" in post["link"]
