"""A Spark session as the engine needs it: on this machine, on a cluster, or behind Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.core.errors import UsageError
from headgate.core.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: What rows and rules depend on: the same wherever Spark runs. A server of Spark Connect is given
#: it when it starts, and sessions set it once more.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
#: What a session is started with; nothing that can be set later.
STATIC = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
#: One machine is no cluster: few partitions, few threads of the compiler, no page to look at.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC --add-opens=java.base/java.security=ALL-UNNAMED"


def connect(settings: Settings) -> SparkSession:
    """The session that the settings name; the one of this process, if there is one already.

    Raises:
        UsageError: pyspark or its jars are not installed.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError(
            "the engine spark is not installed.", remedy="Run make spark-deps (extra: spark)."
        ) from None
    builder = SparkSession.builder.appName("headgate")
    if settings.spark_remote:
        builder = builder.remote(settings.spark_remote)
        configuration = dict(MEANING)
    else:
        jars = sorted(settings.spark_jars_path.glob("*.jar"))
        if not jars:
            raise UsageError(
                f"no jars of the engine spark in {settings.spark_jars_path}.",
                remedy="Run make spark-deps, or set spark_jars.",
            )
        local = settings.spark_master.startswith("local")
        configuration = {
            **MEANING,
            **STATIC,
            **(_LOCAL if local else {}),
            "spark.jars": ",".join(map(str, jars)),
            "spark.driver.memory": settings.spark_memory,
            "spark.driver.extraJavaOptions": _JVM,
        }
        builder = builder.master(settings.spark_master)
    for key, value in configuration.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
