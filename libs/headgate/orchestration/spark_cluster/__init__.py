"""A standalone Spark cluster on this machine: its master, its workers, and a Connect server."""

from headgate.orchestration.spark_cluster.cluster import Cluster, Place

__all__ = ["Cluster", "Place"]
