"""Rendered configuration held against real Spark, and what Spark does not know refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from headgate.core import settings as core_settings
from headgate.lake.engines.spark import known
from headgate.orchestration import spark_config
from headgate.orchestration.spark_config import pods
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("spark")]


@pytest.mark.parametrize("kind", spark_config.KINDS)
def test_this_spark_knows_all_that_is_rendered(kind: str) -> None:
    settings = core_settings.load(REPOSITORY)
    found = spark_config.render(settings, kind, lineage="http://lineage:8091")
    assert known.problems(found.entries) == []
    for name, pod in found.pods.items():
        assert known.pod_problems(found.files[name], pod) == []


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("spark.sql.shufle.partitions", "4"),
        ("spark.sql.shuffle.partitions", "many"),
        ("spark.executor.memory", "lots"),
        ("spark.kubernetes.namespase", "x"),
        ("spark.yarn.am.memory", "1 cup"),
        ("spark.dynamicAllocation.enabled", "perhaps"),
    ],
)
def test_what_spark_does_not_know_is_said(entry: str, value: str) -> None:
    (told,) = known.problems({entry: value, "spark.executor.cores": "2"})
    assert told.startswith(entry)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"restartPolicies": "Never"}, "spec.restartPolicies"),
        ({"securityContext": {"runAsNonRut": True}}, "spec.securityContext.runAsNonRut"),
        ({"containers": [{"name": "a", "imagge": "b"}]}, "spec.containers[0].imagge"),
        ({"containers": {"name": "a"}}, "no pod"),
    ],
)
def test_what_is_no_field_of_a_pod_is_said(change: dict[str, Any], place: str) -> None:
    pod = dict(pods.executor("ours:1"))
    pod["spec"] = {**pod["spec"], **change}
    (told,) = known.pod_problems(pods.text(pod), pod)
    assert place in told


def test_the_table_of_a_project_is_checked_too() -> None:
    settings = dataclasses.replace(core_settings.load(REPOSITORY), spark_memory="2 slices")
    found = spark_config.render(settings, "standalone")
    assert [told.split(":")[0] for told in known.problems(found.entries)] == ["spark.driver.memory"]
