"""The models' own tests: each model has some, one of an incremental build, and all of them pass."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project

MODELS = REPOSITORY / "dbt_project" / "models"


def written() -> dict[str, list[dict[str, object]]]:
    """The unit tests of each model."""
    found: dict[str, list[dict[str, object]]] = {}
    for path in sorted(MODELS.rglob("*__unit_tests.yml")):
        for test in yaml.safe_load(path.read_text("utf-8"))["unit_tests"]:
            assert path.name == f"{test['model']}__unit_tests.yml", path
            found.setdefault(test["model"], []).append(test)
    return found


def test_every_model_with_a_contract_is_tried_by_small_cases() -> None:
    tests = written()
    for contract in Project.open(REPOSITORY).contracts.models:
        assert contract.model is not None
        assert contract.model in tests, f"{contract.model} has no unit test"
        sql = next(MODELS.rglob(f"{contract.model}.sql")).read_text("utf-8")
        tried = [t for t in tests[contract.model] if "overrides" in t]
        assert tried or "is_incremental()" not in sql, (
            f"{contract.model} has no unit test of an incremental build"
        )


def test_the_models_hold_by_their_small_cases(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    written_here = sum(map(len, written().values()))
    headgate = Path(sys.executable).with_name("headgate")

    done = subprocess.run(
        [headgate, "dbt", "test", "--select", "test_type:unit"],
        env={**os.environ, "HEADGATE_ROOT": str(project.settings.root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-5000:]
    (passed,) = re.findall(r"PASS=(\d+)", done.stdout)
    assert int(passed) == written_here
