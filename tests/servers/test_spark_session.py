"""What keeps Spark from starting is told by the command in one sentence, with what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.orchestration.project import Project
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.servers

BRONZE = "bronze.irc.messages"
LINE = (
    '{"file":"a","line":1,"channel":"#x","time":"10:00","author":"a","type":"message","text":"b",'
    '"date":"2004-09-28"}\n'
)


def run(project: Project, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "day.jsonl").write_text(LINE)
    env = {
        **os.environ,
        "HEADGATE_ENGINE": "spark",
        "HEADGATE_SPARK_JARS": str(REPOSITORY / ".tools/spark/jars"),
        **variables,
    }
    source = f"{BRONZE}={folder / 'day.jsonl'}"
    return subprocess.run(
        [sys.executable, "-m", "headgate.cli.main", "run", "--source", source, "--select", BRONZE],
        env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def told(done: subprocess.CompletedProcess[str]) -> str:
    """All that a person sees."""
    return done.stdout + done.stderr


def silent() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_java_that_is_missing_is_told(project: Project, tmp_path: Path) -> None:
    done = run(project, tmp_path, JAVA_HOME=str(tmp_path / "nowhere"))
    assert done.returncode != 0
    assert "JAVA_HOME names none" in told(done) and "Install Java 17" in told(done)
    assert "Traceback" not in told(done) and "defect" not in told(done)


def test_java_that_is_too_old_is_told(project: Project, tmp_path: Path) -> None:
    java = tmp_path / "old/bin/java"
    java.parent.mkdir(parents=True)
    java.write_text(
        "#!/bin/sh\necho 'Error: LinkageError occurred while loading main class"
        " org.apache.spark.launcher.Main' >&2\necho '\tjava.lang.UnsupportedClassVersionError: …' >&2\nexit 1\n"
    )
    java.chmod(0o755)
    done = run(project, tmp_path, JAVA_HOME=str(tmp_path / "old"))
    assert done.returncode != 0
    assert "Java 17 or later, and this one is older" in told(done)


def test_a_master_that_is_not_there_is_told_at_once(project: Project, tmp_path: Path) -> None:
    master = f"spark://127.0.0.1:{silent()}"
    done = run(project, tmp_path, HEADGATE_SPARK_MASTER=master)
    assert done.returncode != 0
    assert f"no Spark master answers at {master}" in told(done)
    assert "headgate spark up" in told(done)


def test_a_server_that_is_not_there_is_told_at_once(project: Project, tmp_path: Path) -> None:
    done = run(project, tmp_path, HEADGATE_SPARK_REMOTE=f"sc://127.0.0.1:{silent()}")
    assert done.returncode != 0
    assert "no Spark Connect server answers" in told(done)


def test_jars_that_are_missing_are_told(project: Project, tmp_path: Path) -> None:
    done = run(project, tmp_path, HEADGATE_SPARK_JARS=str(tmp_path))
    assert done.returncode != 0
    assert "make spark-deps" in told(done)


def test_memory_that_is_none_is_told(project: Project, tmp_path: Path) -> None:
    done = run(project, tmp_path, HEADGATE_SPARK_MEMORY="lots")
    assert done.returncode != 0
    assert "Write it like 2g" in told(done)
