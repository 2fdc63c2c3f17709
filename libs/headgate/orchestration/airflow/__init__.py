"""Airflow: DAGs derived from contracts, and what a hand-written one is governed by.

What a DAG file asks for is imported when it is asked for, so that each pays for what it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: What DAG files import from here, and the module that has it (no module is called as what it has:
#: importing it would hide that).
_WHERE = {
    "ingest_dags": "ingest_factory",
    "curate_dags": "curate_factory",
    "maintenance_dags": "maintenance_factory",
    "contract_errors": "errors_factory",
    "governed_dag": "handmade",
    "governed_task": "handmade",
    "gated_write": "handmade",
    "read_release": "handmade",
}

__all__ = [
    "contract_errors",
    "curate_dags",
    "gated_write",
    "governed_dag",
    "governed_task",
    "ingest_dags",
    "maintenance_dags",
    "read_release",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
