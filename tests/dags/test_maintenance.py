"""The maintenance DAGs: each does what its command does, and fails where that exits 1."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from headgate.core import clock
from headgate.lake.maintenance.compaction import FEWEST
from headgate.lineage import log
from headgate.orchestration import parts
from headgate.orchestration.airflow import maintenance_dags, maintenance_tasks
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow
from tests.judged_lake import DATASET, record
from tests.unit.lineage.forwarding.receivers import port_of_nobody, receiver


def dags(project: Project) -> dict[str, Any]:
    return maintenance_dags(str(project.settings.root / "dags" / "maintenance.py"))


@pytest.fixture
def lake(dags_project: Project) -> Project:
    """A project whose lake holds as many batches of messages as are worth putting together."""
    folder = dags_project.settings.root / "landing"
    folder.mkdir()
    for n in range(FEWEST):
        records = (record(10 * n + i) for i in range(5))
        (folder / f"{n}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    parts.take(dags_project, DATASET, paths=[str(folder)])
    return dags_project


def test_maintain_does_its_work(airflow: WarmAirflow, lake: Project) -> None:
    before = lake.lake.snapshot(DATASET)
    ran = airflow.test(dags(lake)["maintain"])
    assert (ran.state, ran.tasks) == ("success", {"maintain": "success"})
    after = lake.lake.snapshot(DATASET)
    assert (len(before.files), len(after.files), after.rows) == (FEWEST, 1, 5 * FEWEST)


def test_fsck_fails_at_once_with_what_is_wrong(
    airflow: WarmAirflow, lake: Project, caplog: pytest.LogCaptureFixture
) -> None:
    dag = dags(lake)["fsck"]
    assert airflow.test(dag, {"deep": True}).state == "success"
    lost, *_ = sorted((lake.lake.root / lake.lake.key(DATASET)).glob("*.parquet"))
    lost.unlink()
    with caplog.at_level(logging.WARNING, "headgate.alerts"):
        ran = airflow.test(dag)
    assert (ran.state, ran.tries["fsck"]) == ("failed", 1)
    assert any(lost.name in m for m in caplog.messages)
    [alert] = [m for m in caplog.messages if m.startswith("Failed: fsck (owner: platform)")]
    assert "promises of the lake are broken" in alert


def test_what_is_late_is_told(
    airflow: WarmAirflow, lake: Project, caplog: pytest.LogCaptureFixture
) -> None:
    dag = dags(lake)["freshness"]
    with caplog.at_level(logging.WARNING, "headgate.alerts"):
        airflow.test(dag)
        assert caplog.messages == []
        with clock.frozen(clock.now() + timedelta(hours=30)):
            ran = airflow.test(dag)
    assert ran.state == "success"
    assert airflow.xcom(ran, "freshness") == [[DATASET]]
    [alert] = [
        m for m in caplog.messages if m.startswith(f"Late: {DATASET} (owner: chat-platform)")
    ]
    assert "headgate" in alert


def test_settings_say_when_and_who(dags_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADGATE_AIRFLOW_FSCK_SCHEDULE", "")
    monkeypatch.setenv("HEADGATE_AIRFLOW_MAINTAIN_SCHEDULE", "30 2 * * *")
    monkeypatch.setenv("HEADGATE_AIRFLOW_OWNER", "night-watch")
    monkeypatch.setenv("HEADGATE_AIRFLOW_POOL", "lake")
    made = dags(dags_project)
    assert not hasattr(made["fsck"].timetable, "expression")
    assert made["maintain"].timetable.expression == "30 2 * * *"
    assert made["freshness"].timetable.expression == "*/15 * * * *"
    assert {d.task_dict[name].owner for name, d in made.items()} == {"night-watch"}
    pools = {name: d.task_dict[name].pool for name, d in made.items()}
    assert pools == {"maintain": "lake", "freshness": "default_pool", "fsck": "default_pool"}


def test_lineage_is_sent_on_where_somebody_is_to_be_told(
    airflow: WarmAirflow, lake: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert "forward" not in dags(lake)
    toml = lake.settings.root / "headgate.toml"
    port = port_of_nobody()
    with toml.open("a") as out:
        out.write(f'[lineage_forward.there]\ntype = "http"\nurl = "http://127.0.0.1:{port}"\n')
    dag = dags(lake)["forward"]
    monkeypatch.setattr(maintenance_tasks, "_PATIENCE", 0.0)
    assert airflow.test(dag).state == "success", "it is down since a moment"
    monkeypatch.setattr(maintenance_tasks, "_DOWN_HOURS", 0.0)
    ran = airflow.test(dag)
    assert (ran.state, ran.tries["forward"]) == ("failed", 1)
    with receiver(port=port) as there:
        assert airflow.test(dag).state == "success"
        assert there.taken == list(log.read(lake.lake.root / lake.settings.lineage_file))
