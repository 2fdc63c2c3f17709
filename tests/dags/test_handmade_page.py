"""The how-to's code is the example's, and runs as it is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration import parts
from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY, make_project
from tests.dags.conftest import WarmAirflow
from tests.dags.handmade_weeks import DIGEST, deliver

PAGE = (REPOSITORY / "docs" / "how-to" / "write-a-dag.md").read_text("utf-8")
EXAMPLE, TELLS, TESTS = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)


def test_the_page_shows_the_example_as_it_is() -> None:
    assert (REPOSITORY / "dags" / "community__digest.py").read_text("utf-8") == EXAMPLE
    assert "`dags/community__digest.py`" in PAGE and f"headgate new source {DIGEST} " in PAGE


def test_its_dags_run_one_after_the_other(
    airflow: WarmAirflow, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    dags = project.settings.root / "dags"
    dags.mkdir()
    (dags / "community__digest.py").write_text(EXAMPLE)
    (dags / "community__tell.py").write_text(TELLS)
    deliver(project, {0: 9, 1: 9, 2: 9, 3: 9, 4: 40, 5: 9})
    bag = airflow.bag(dags)
    assert not bag.import_errors
    assert bag.dags.keys() == {"community.digest", "community.tell"}
    assert airflow.test(bag.dags["community.digest"]).state == "success"
    assert parts.release(Project.open(project.settings.root), "digest").released == (DIGEST,)
    ran = airflow.test(bag.dags["community.tell"])
    assert ran.tasks == {"count": "success", "say": "success"}
    assert airflow.xcom(ran, "count") == [1]


def test_its_tests_pass_here_and_notice_a_file_that_breaks_a_policy(
    airflow: WarmAirflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(tmp_path / "project").settings.root
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    (root / "dags").mkdir()
    (root / "dags" / "community__tell.py").write_text(TELLS)
    names: dict[str, Any] = {"__file__": str(root / "tests" / "test_dags.py")}
    exec(TESTS, names)
    tests = {name: test for name, test in names.items() if name.startswith("test_")}
    assert len(tests) == 3
    for test in tests.values():
        test()
    (root / "dags" / "community__bad.py").write_text("import numpy\nnumpy.zeros(3)\n")
    with pytest.raises(AssertionError):
        tests["test_dag_files_keep_to_the_policies"]()
