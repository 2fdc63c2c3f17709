"""The distributed engine: Apache Spark with Delta; the only place that imports pyspark."""
