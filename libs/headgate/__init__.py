"""Headgate: a lakehouse whose every table has a contract, and whose contract is the gate."""

from __future__ import annotations

from headgate.reading import read

__version__ = "0.1.0"
__all__ = ["__version__", "read"]
