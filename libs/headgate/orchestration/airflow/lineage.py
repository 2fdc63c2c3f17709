"""Lineage in Airflow: what a task starts names that task as its parent, and the DAG run as its root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def called_by(context: Mapping[str, Any]) -> Iterator[None]:
    """While it holds, lineage events tell that the task of ``context`` called for their steps."""
    yield
