"""Airflow: DAGs derived from contracts, and what a hand-written one is governed by.

What a DAG file asks for is imported when it is asked for, so that each pays for what it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: What DAG files import from here, and the module that has it.
_WHERE = {
    "ingest_dags": "ingest_dags",
    "curate_dags": "curate_dags",
    "maintenance_dags": "maintenance_dags",
    "contract_errors": "contract_errors",
    "governed_dag": "handmade",
    "gated_write": "handmade",
    "read_release": "handmade",
}

__all__ = [
    "contract_errors",
    "curate_dags",
    "gated_write",
    "governed_dag",
    "ingest_dags",
    "maintenance_dags",
    "read_release",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
