"""What a job on Spark cannot be, said before Spark is started; the rest is tried on real Spark."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.core.settings import Settings
from headgate.orchestration import forwarding_lineage, spark_jobs


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    (tmp_path / "headgate.toml").write_text("")
    return core_settings.load(tmp_path, environ={})


def test_a_step_of_ours_is_no_name_for_a_job(found: Settings) -> None:
    for name in ("run", "release", "gold.chat.messages.build"):
        with pytest.raises(UsageError, match="Call the job otherwise"), spark_jobs.job(name, found):
            pass


def test_a_job_is_not_told_through_connect(found: Settings) -> None:
    far = dataclasses.replace(found, spark_remote="sc://host:15002")
    with pytest.raises(UsageError, match="--lineage URL"), spark_jobs.job("chat.enrich", far):
        pass


def test_a_script_that_is_not_there_is_told(found: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no script"):
        spark_jobs.submit(tmp_path / "none.py", (), "none", found)


def test_what_jobs_tell_is_followed_and_forwarded(found: Settings) -> None:
    file = forwarding_lineage.spark_events_file(found)
    assert file in forwarding_lineage.event_files(found)
    assert not file.exists(), "what was refused is told of by nobody"
