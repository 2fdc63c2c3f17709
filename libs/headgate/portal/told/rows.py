"""A few rows of a dataset as its newest release has it, read from one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.lake.release import ReleaseStore
from headgate.lake.snapshot import relation

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking

MOST = 20


@dataclass(frozen=True)
class Examples:
    """Some rows: values by column, in the order of ``columns`` (name to type). ``release`` and
    ``version`` say of when they are; None if nothing of the dataset was ever released."""

    columns: Mapping[str, str]
    rows: tuple[tuple[Any, ...], ...]
    release: int | None
    version: int | None
    of_rows: int


def examples(asking: Asking, dataset: str, limit: int = MOST) -> Examples:
    """Up to ``limit`` rows, the first of the first file that has any; not sorted, not chosen.

    Raises:
        LakeError: the released version cannot be read.
    """
    lake = asking.lake
    release = ReleaseStore(lake).newest()
    table = release.tables.get(dataset) if release else None
    if release is None or table is None:
        return Examples({}, (), None, None, 0)
    base = asking.snapshot(dataset)
    if base is None or base.version != table.version:
        base = lake.snapshot(dataset, table.version)
    assert base is not None
    file = next((f for f in base.files if f.rows), None)
    found = []
    if file is not None:
        found = asking.rows(f"SELECT * FROM {relation([file], base.columns)} LIMIT {int(limit)}")
    return Examples(
        base.columns, tuple(tuple(row.values()) for row in found), release.id, table.version,
        base.rows,
    )  # fmt: skip
