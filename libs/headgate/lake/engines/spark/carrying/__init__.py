"""DuckDB's SQL carried to Spark SQL, so that one text means the same on both engines."""

from __future__ import annotations

from headgate.lake.engines.spark.carrying.carry import (
    CannotCarryError,
    FilesRead,
    carried,
    carried_condition,
)

__all__ = ["CannotCarryError", "FilesRead", "carried", "carried_condition"]
