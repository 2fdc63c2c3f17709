"""The files that a Spark elsewhere is configured by, written from the project's own settings.

What rows mean and Delta are the same everywhere; the rest follows from where Spark runs.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headgate.core.errors import UsageError
from headgate.core.settings import Settings
from headgate.lake.engines.spark import configuration, listening
from headgate.orchestration.spark_config import pods

Kind = Literal["standalone", "yarn", "kubernetes"]
KINDS: tuple[Kind, ...] = ("standalone", "yarn", "kubernetes")
#: Where a packed environment is unpacked on each machine of YARN.
_ENVIRONMENT = "environment"
_PACKED = f"headgate-environment.tar.gz#{_ENVIRONMENT}"
_MAIN = "headgate/cli/main.py"


@dataclass(frozen=True)
class Rendered:
    """What to configure: entries by Spark's names, and files by theirs. ``pods`` are the files
    that are pods, as values."""

    kind: Kind
    entries: Mapping[str, str]
    files: Mapping[str, str]
    pods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def render(settings: Settings, kind: str, *, lineage: str = "", image: str = "") -> Rendered:
    """What to configure for Spark of a kind.

    Args:
        settings: the project's; ``spark_master`` is taken where it is of that kind.
        kind: one of :data:`KINDS`.
        lineage: the address of a lineage server, to which Spark's listener is to post.
        image: the image that Kubernetes runs, as infra/spark/Dockerfile makes it.

    Raises:
        UsageError: the kind is unknown, or there are no jars.
        SettingError: ``[spark]`` of ``headgate.toml`` is wrong.
    """
    of: dict[str, Callable[[Settings, str], _Parts]] = {
        "standalone": _standalone, "yarn": _yarn, "kubernetes": _kubernetes,
    }  # fmt: skip
    if kind not in of:
        raise UsageError(f"there is no Spark {kind!r}.", remedy=f"Say one of: {', '.join(KINDS)}.")
    parts = of[kind](settings, image)
    entries = {
        **configuration.MEANING,
        **configuration.STATIC,
        "spark.master": parts.master,
        "spark.driver.memory": settings.spark_memory,
        "spark.driver.extraJavaOptions": configuration.JVM,
        **parts.entries,
        **(listening.to_server(lineage, "spark") if lineage else {}),
        **configuration.of_project(settings),
    }
    files = {
        "spark-defaults.conf": _properties(entries, parts.says),
        "submit.sh": _script(parts.command),
        **{name: pods.text(pod) for name, pod in parts.pods.items()},
    }
    found = next(k for k in KINDS if k == kind)
    return Rendered(found, entries, files, parts.pods)


@dataclass(frozen=True)
class _Parts:
    """What differs from kind to kind."""

    master: str
    entries: Mapping[str, str]
    command: tuple[str, ...]
    says: str
    pods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _standalone(settings: Settings, _image: str) -> _Parts:
    master = (
        settings.spark_master
        if settings.spark_master.startswith("spark://")
        else "spark://HOST:7077"
    )
    jars = ",".join(str(jar) for jar in configuration.jars(settings))
    return _Parts(
        master,
        {"spark.jars": jars, "spark.pyspark.python": sys.executable},
        ("spark-submit", "--properties-file", "spark-defaults.conf", "JOB.py"),
        "Each machine needs this Python at this path, and the lake's folder at its own.",
    )


def _yarn(settings: Settings, _image: str) -> _Parts:
    jars = ",".join(str(jar) for jar in configuration.jars(settings))
    python = f"./{_ENVIRONMENT}/bin/python"
    return _Parts(
        "yarn",
        {
            "spark.submit.deployMode": "client",
            "spark.jars": jars,
            "spark.yarn.dist.archives": _PACKED,
            "spark.pyspark.python": python,
            "spark.pyspark.driver.python": sys.executable,
            "spark.yarn.am.memory": "1g",
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        },
        ("spark-submit", "--properties-file", "spark-defaults.conf", "JOB.py"),
        "HADOOP_CONF_DIR says which YARN. headgate-environment.tar.gz is the project's environment,"
        " packed by venv-pack; each machine needs the lake's folder at its path.",
    )


def _kubernetes(settings: Settings, image: str) -> _Parts:
    master = (
        settings.spark_master
        if settings.spark_master.startswith("k8s://")
        else "k8s://https://HOST:6443"
    )
    used = image or "headgate-spark:latest"
    lake = str(settings.lake_path)
    volume = "spark.kubernetes.{}.volumes.persistentVolumeClaim.lake."
    volumes = {
        volume.format(role) + key: value
        for role in ("driver", "executor")
        for key, value in (("mount.path", lake), ("options.claimName", pods.CLAIM))
    }
    return _Parts(
        master,
        {
            "spark.submit.deployMode": "cluster",
            "spark.kubernetes.namespace": pods.NAMESPACE,
            "spark.kubernetes.container.image": used,
            "spark.kubernetes.authenticate.driver.serviceAccountName": pods.ACCOUNT,
            "spark.kubernetes.driver.podTemplateFile": "driver-pod.yaml",
            "spark.kubernetes.executor.podTemplateFile": "executor-pod.yaml",
            "spark.kubernetes.driverEnv.HEADGATE_ENGINE": "spark",
            "spark.kubernetes.driverEnv.HEADGATE_SPARK_MASTER": master,
            "spark.kubernetes.driverEnv.HEADGATE_LAKE": lake,
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.shuffleTracking.enabled": "true",
            **volumes,
        },
        (
            "spark-submit", "--properties-file", "spark-defaults.conf",
            f"local:///opt/headgate/libs/{_MAIN}", "run",
        ),
        f"The image is infra/spark/Dockerfile's; the claim {pods.CLAIM} is the lake's folder, which"
        " several pods may write.",
        {"driver-pod.yaml": pods.driver(used), "executor-pod.yaml": pods.executor(used)},
    )  # fmt: skip


def _properties(entries: Mapping[str, str], says: str) -> str:
    width = max(map(len, entries))
    lines = [f"{name:<{width}}  {value}" for name, value in sorted(entries.items())]
    return "\n".join([f"# {says}", *lines]) + "\n"


def _script(command: tuple[str, ...]) -> str:
    return f'#!/bin/sh\ncd "$(dirname "$0")" && exec {shlex.join(command)} "$@"\n'
