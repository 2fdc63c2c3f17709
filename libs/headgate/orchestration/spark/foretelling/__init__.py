"""What the engine spark will refuse, told before anything runs: carrying needs no Spark and no data."""

from __future__ import annotations

from headgate.orchestration.spark.foretelling.told import told

__all__ = ["told"]
