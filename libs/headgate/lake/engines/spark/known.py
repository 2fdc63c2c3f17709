"""What this Spark knows: its own configuration entries, and Kubernetes' pods as its client reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.lake.engines.spark import gateway

#: Where Spark's entries are said; each is told of once its home is loaded.
_HOMES = tuple(
    f"org.apache.spark.{name}$"
    for name in (
        "internal.config.package", "internal.config.UI", "internal.config.Deploy",
        "internal.config.History", "internal.config.Kryo", "internal.config.Network",
        "internal.config.Python", "internal.config.Status", "internal.config.Streaming",
        "internal.config.Worker", "sql.internal.SQLConf", "sql.internal.StaticSQLConf",
        "sql.connect.config.Connect", "deploy.k8s.Config", "deploy.yarn.config.package",
    )
)  # fmt: skip
#: Families of entries of which anybody may name more, and entries that are no object's.
_FAMILIES = (
    "spark.databricks.delta.", "spark.executorEnv.", "spark.hadoop.", "spark.openlineage.",
    "spark.sql.catalog.", "spark.kubernetes.driverEnv.", "spark.kubernetes.driver.label.",
    "spark.kubernetes.executor.label.", "spark.kubernetes.driver.volumes.",
    "spark.kubernetes.executor.volumes.", "spark.kubernetes.driver.secrets.",
    "spark.kubernetes.executor.secrets.", "spark.yarn.appMasterEnv.",
)  # fmt: skip
_OTHERS = frozenset({"spark.app.name", "spark.master", "spark.submit.deployMode"})


def problems(configuration: Mapping[str, str]) -> list[str]:
    """What Spark would not know, or not understand, of a configuration; a sentence each.

    Raises:
        UsageError, LakeError: Spark's Java process did not start.
    """
    jvm = _jvm()
    for home in _HOMES:
        jvm.java.lang.Class.forName(home)
    entries = jvm.org.apache.spark.internal.config.ConfigEntry
    found = []
    for name, value in sorted(configuration.items()):
        if name in _OTHERS or name.startswith(_FAMILIES):
            continue
        entry = entries.findEntry(name)
        if entry is None:
            found.append(f"{name}: this Spark has no such entry.")
            continue
        said = jvm.java.util.HashMap()
        said.put(name, value)
        try:
            entry.readFrom(jvm.org.apache.spark.internal.config.ConfigReader(said))
        except Exception as error:
            found.append(f"{name}: {value!r} is no value of it ({_first_line(error)}).")
    return found


def pod_problems(text: str, pod: Mapping[str, Any]) -> list[str]:
    """What Kubernetes' client would not know in a pod that is written as ``text``; a sentence each.

    Raises:
        UsageError, LakeError: Spark's Java process did not start.
    """
    jvm = _jvm()
    kind = jvm.java.lang.Class.forName("io.fabric8.kubernetes.api.model.Pod")
    reader = jvm.io.fabric8.kubernetes.client.utils.KubernetesSerialization()
    try:
        read = reader.unmarshal(text, kind)
    except Exception as error:
        return [f"it is no pod: {_first_line(error)}"]
    return [f"a pod has no {place}" for place in _unknown(read, pod, "")]


def _unknown(read: Any, written: Mapping[str, Any], before: str) -> Iterator[str]:
    """The fields of ``written`` that the client kept without knowing them."""
    from py4j.java_collections import JavaMap

    if isinstance(read, JavaMap):
        return  # such as labels: whatever is written is meant
    more = read.getAdditionalProperties()
    for name, value in written.items():
        if more.containsKey(name):
            yield before + name
            continue
        if not isinstance(value, dict | list):
            continue
        inner = getattr(read, f"get{name[0].upper()}{name[1:]}")()
        if isinstance(value, dict):
            yield from _unknown(inner, value, f"{before}{name}.")
        elif value and isinstance(value[0], dict):
            for number, one in enumerate(value):
                yield from _unknown(inner[number], one, f"{before}{name}[{number}].")


def _jvm() -> Any:
    from pyspark import SparkContext

    gateway.start({"spark.driver.memory": "512m"})
    return SparkContext._jvm


def _first_line(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    return str(java.getMessage() if java is not None else error).splitlines()[0].rstrip(".")
