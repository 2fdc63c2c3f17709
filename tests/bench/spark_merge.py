"""The other side of the merge benchmark: Delta's own MERGE on Spark, in a process and environment of
its own (it imports nothing of ours). Prints the seconds of the statement and of the whole as JSON."""

from __future__ import annotations

import json
import sys
import time

STARTED = time.perf_counter()


def session(jars: str):  # type: ignore[no-untyped-def]
    """A local Spark of two threads, tuned as a small machine needs it."""
    from pyspark.sql import SparkSession

    return (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", jars)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.databricks.delta.snapshotPartitions", "2")
        .getOrCreate()
    )


def main() -> None:
    """``create SOURCE TABLE JARS`` makes the table; ``merge SOURCE TABLE JARS`` merges into it."""
    what, source, table, jars = sys.argv[1:]
    spark = session(jars)
    spark.sparkContext.setLogLevel("ERROR")
    if what == "create":
        spark.read.parquet(source).write.format("delta").save(table)
        return
    spark.sql(f"SELECT count(*) FROM delta.`{table}` WHERE line < 0").collect()  # loads the classes
    begun = time.perf_counter()
    spark.sql(
        f"MERGE INTO delta.`{table}` t USING parquet.`{source}` s"
        " ON t.file = s.file AND t.line = s.line"
        " WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    now = time.perf_counter()
    print(json.dumps({"statement": now - begun, "process": now - STARTED}))


if __name__ == "__main__":
    main()
