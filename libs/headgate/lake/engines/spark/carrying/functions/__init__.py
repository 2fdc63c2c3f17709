"""What each function and operator of DuckDB is on Spark: one registry, filled by the modules here.

A function that is in none of them is refused.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from headgate.lake.engines.spark.carrying.functions.registry import REGISTRY

for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    import_module(f"{__name__}.{_module}")

__all__ = ["REGISTRY"]
