"""What Spark is told when it starts: what rows mean, Delta, this machine, and the table ``[spark]``."""

from __future__ import annotations

from pathlib import Path

from headgate.core import clients
from headgate.core.errors import SettingError, UsageError
from headgate.core.settings import Settings

#: What rows and rules depend on: the same wherever Spark runs. A server of Spark Connect is given
#: it when it starts, and sessions set it once more.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    # A product that has more digits than a decimal holds is an error, not a rounded one.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
#: What a session is started with; nothing that can be set later.
STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Bars would be drawn over what the command prints, JSON included.
    "spark.ui.showConsoleProgress": "false",
}
#: One machine is no cluster: few partitions, few threads of the compiler, no page to look at.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
# Compiled in full: a start takes some seconds longer for it, and millions of rows half as long.
_LOCAL_JVM = "-XX:+UseParallelGC"
#: The lineage listener looks into the platform's own classes.
JVM = "--add-opens=java.base/java.security=ALL-UNNAMED"
_DRIVER_JVM = "spark.driver.extraJavaOptions"
#: What is ours to say, besides what rows mean.
_OURS = frozenset({*MEANING, *STATIC, "spark.master", "spark.remote", "spark.driver.memory"})
#: Logging that tells errors and nothing else.
_LOGGING = Path(__file__).with_name("log4j2.properties")


def of_driver(settings: Settings, *, extra: bool = True) -> dict[str, str]:
    """What a driver that is started here is told, by Spark's names; the master is not among it.

    ``extra``: with what the project's table ``[spark]`` says, which goes before ours.

    Raises:
        UsageError: there are no jars.
        SettingError: the table is wrong.
    """
    own = {**MEANING, **STATIC, "spark.jars": ",".join(map(str, jars(settings)))}
    own["spark.driver.memory"] = settings.spark_memory
    local = settings.spark_master.startswith("local")
    if local:
        own |= _LOCAL
    said = of_project(settings) if extra else {}
    jvm = [JVM, _LOCAL_JVM if local else "", f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"]
    jvm.append(said.pop(_DRIVER_JVM, ""))
    if "spark.jars" in said:
        own["spark.jars"] += "," + said.pop("spark.jars")
    return {**own, **said, _DRIVER_JVM: " ".join(filter(None, jvm))}


def jars(settings: Settings) -> list[Path]:
    """The jars that the engine adds to Spark's own.

    Raises:
        UsageError: there are none.
    """
    found = sorted(settings.spark_jars_path.glob("*.jar"))
    if not found:
        raise UsageError(
            f"no jars of the engine spark in {settings.spark_jars_path}.",
            remedy="Run make spark-deps, or set spark_jars.",
        )
    return found


def of_project(settings: Settings) -> dict[str, str]:
    """What ``[spark]`` in ``headgate.toml`` says, by Spark's names: ``executor.memory`` there is
    ``spark.executor.memory``.

    Raises:
        SettingError: the table is wrong, or says what is not its to say.
    """
    found = clients.load(settings.root, clients.SPARK)
    named = {k if k.startswith("spark.") else f"spark.{k}": v for k, v in found.items()}
    for name in sorted(named.keys() & _OURS):
        remedy = {
            "spark.master": "Set spark_master.",
            "spark.remote": "Set spark_remote.",
            "spark.driver.memory": "Set spark_memory.",
        }.get(name, "Leave it out: what rows and rules mean would depend on it.")
        raise SettingError(
            f"{name} is not this table's to say.",
            remedy=remedy,
            place=f"headgate.toml: {clients.SPARK}",
        )
    return named
