"""The first rows of a model as the working tree has it; nothing is committed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.orchestration.project import Project
from headgate.orchestration.workbench import bench, target


@dataclass(frozen=True)
class Preview:
    """The first rows that a model gives. ``columns`` are names and DuckDB types, ``notes`` sentences
    on what the rows do not show."""

    model: str
    dataset: str | None
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()


def preview(
    project: Project,
    name: str,
    *,
    where: str | None = None,
    limit: int = 20,
    release: int | None = None,
    fresh: bool = False,
) -> Preview:
    """The first rows of a model as the working tree has it.

    It reads the newest committed tables, or those of ``release``. With ``fresh`` what it reads
    that the working tree would build otherwise is built too, in memory.

    Raises:
        UsageError: there is no such model, or the condition is wrong.
        ModelError: the model is wrong; its file and line are named if the engine tells them.
    """
    found = target(project, name)
    with bench(project, release=release, fresh=fresh) as opened:
        opened.use(found)
        columns = opened.columns(found)
        rows = opened.rows(found, where, limit)
        notes = [*opened.notes(), *_misfits(found.contract, dict(columns))]
    return Preview(found.name, found.contract.id if found.contract else None, columns, rows,
                   tuple(notes))  # fmt: skip


def _misfits(contract: Contract | None, columns: dict[str, str]) -> Iterator[str]:
    """How the columns are not those of the contract."""
    if contract is None:
        return
    wanted = {c: types.duckdb_type(t) for c, t in contract.table_columns.items()}
    for name, kind in columns.items():
        if name not in wanted:
            yield f"Column {name} is not in the contract of {contract.id}."
        elif wanted[name].replace(" ", "") != _plain(kind):
            yield f"Column {name} is {kind}, and {wanted[name]} by the contract of {contract.id}."
    for name in wanted:
        if name not in columns:
            yield f"Column {name} of the contract of {contract.id} is missing."


def _plain(kind: str) -> str:
    return kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace(" ", "")
