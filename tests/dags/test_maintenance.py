"""The maintenance DAGs: each does what its command does, and fails where that exits 1."""

from __future__ import annotations

import pytest

from headgate.orchestration.airflow import maintenance_dags
from headgate.orchestration.project import Project
from tests.dags.conftest import WarmAirflow


def _dags(project: Project) -> dict:
    return maintenance_dags(str(project.settings.root / "dags" / "maintenance.py"))


def test_maintain(airflow: WarmAirflow, dags_project: Project) -> None:
    ran = airflow.test(_dags(dags_project)["maintain"])
    assert (ran.state, ran.tasks) == ("success", {"maintain": "success"})
