"""Configuration of a Spark that somebody else runs: standalone, YARN or Kubernetes."""

from headgate.orchestration.spark_config.rendering import KINDS, Rendered, render

__all__ = ["KINDS", "Rendered", "render"]
