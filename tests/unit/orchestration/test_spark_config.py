"""The configuration that is written for a Spark elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.core.settings import Settings
from headgate.lake.engines.spark import configuration
from headgate.orchestration import spark_config


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars/delta.jar").touch()
    (tmp_path / "headgate.toml").write_text('spark_jars = "jars"\n[spark]\nexecutor.cores = 3\n')
    return core_settings.load(tmp_path, environ={})


@pytest.mark.parametrize("kind", spark_config.KINDS)
def test_rows_mean_the_same_everywhere(found: Settings, kind: str) -> None:
    told = spark_config.render(found, kind)
    assert configuration.MEANING.items() <= told.entries.items()
    lines = dict(
        line.split(None, 1)
        for line in told.files["spark-defaults.conf"].splitlines()
        if not line.startswith("#")
    )
    assert lines == told.entries
    assert lines["spark.executor.cores"] == "3", "what the project says"
    assert "--properties-file spark-defaults.conf" in told.files["submit.sh"]


def test_pods_are_as_they_are_written_and_nobody_is_root(found: Settings) -> None:
    told = spark_config.render(found, "kubernetes", image="ours:1")
    assert set(told.pods) == {"driver-pod.yaml", "executor-pod.yaml"}
    for name, pod in told.pods.items():
        assert yaml.safe_load(told.files[name]) == pod
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert pod["spec"]["containers"][0]["image"] == "ours:1"
    assert told.entries["spark.kubernetes.container.image"] == "ours:1"


def test_the_listener_posts_where_it_is_said(found: Settings) -> None:
    told = spark_config.render(found, "yarn", lineage="http://lineage:8091").entries
    assert told["spark.openlineage.transport.url"] == "http://lineage:8091"
    assert "spark.extraListeners" not in spark_config.render(found, "yarn").entries


def test_another_kind_is_refused(found: Settings) -> None:
    with pytest.raises(UsageError, match="standalone, yarn, kubernetes"):
        spark_config.render(found, "mesos")
