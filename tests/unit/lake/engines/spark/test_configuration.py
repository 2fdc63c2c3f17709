"""What Spark is told: ours, the project's table, and what that table may not say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from headgate.core import settings as core_settings
from headgate.core.errors import SettingError, UsageError
from headgate.core.settings import Settings
from headgate.lake.engines.spark import configuration


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    return project(tmp_path, "")


def project(folder: Path, table: str) -> Settings:
    (folder / "jars").mkdir(exist_ok=True)
    (folder / "jars/delta.jar").touch()
    (folder / "headgate.toml").write_text(f'spark_jars = "jars"\n{table}')
    return core_settings.load(folder, environ={})


def test_local_spark_is_told_what_rows_mean(found: Settings) -> None:
    told = configuration.of_driver(found)
    assert configuration.MEANING.items() <= told.items()
    assert told["spark.jars"].endswith("jars/delta.jar")
    assert told["spark.ui.enabled"] == "false"
    assert told["spark.driver.memory"] == "2g"


def test_a_cluster_is_not_told_to_be_small(found: Settings) -> None:
    told = configuration.of_driver(dataclasses.replace(found, spark_master="spark://a:7077"))
    assert "spark.sql.shuffle.partitions" not in told
    assert "spark.driver.host" not in told


def test_the_table_goes_before_ours_and_its_options_of_java_come_after(tmp_path: Path) -> None:
    told = configuration.of_driver(
        project(
            tmp_path,
            "[spark]\nexecutor.memory = '3g'\n'spark.ui.enabled' = true\n"
            "driver.extraJavaOptions = '-Dmine=1'\njars = '/more.jar'\n",
        )
    )
    assert (told["spark.executor.memory"], told["spark.ui.enabled"]) == ("3g", "true")
    assert told["spark.driver.extraJavaOptions"].endswith(" -Dmine=1")
    assert told["spark.driver.extraJavaOptions"].startswith("--add-opens")
    assert told["spark.jars"].endswith("delta.jar,/more.jar")


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("sql.ansi.enabled = false", "what rows and rules mean"),
        ("sql.session.timeZone = 'CET'", "what rows and rules mean"),
        ("master = 'yarn'", "spark_master"),
        ("driver.memory = '9g'", "spark_memory"),
    ],
)
def test_what_is_not_the_tables_to_say_is_refused(tmp_path: Path, line: str, remedy: str) -> None:
    with pytest.raises(SettingError, match=r"headgate\.toml: spark: .*not this table's") as refused:
        configuration.of_driver(project(tmp_path, f"[spark]\n{line}\n"))
    assert remedy in str(refused.value)


def test_no_jars_are_said(tmp_path: Path) -> None:
    (tmp_path / "headgate.toml").write_text("")
    with pytest.raises(UsageError, match="make spark-deps"):
        configuration.of_driver(core_settings.load(tmp_path, environ={}))
