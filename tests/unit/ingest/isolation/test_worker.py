"""What a reading process says of what gives out: of one file, or of all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headgate.ingest.isolation import worker


@pytest.mark.parametrize(
    ("number", "met", "everywhere"),
    [
        (errno.EIO, "source", False), (errno.EIO, "staged", True), (errno.EIO, "", False),
        (errno.EACCES, "source", False), (errno.EROFS, "staged", True), (errno.ENOSPC, "", True),
    ],
)  # fmt: skip
def test_what_is_met_where_rows_are_staged_would_be_met_by_every_file(
    tmp_path: Path, number: int, met: str, everywhere: bool
) -> None:
    """Else a release would be published that lacks a dataset for no fault of its own."""
    source, folder = tmp_path / "in" / "a.jsonl", tmp_path / "lake" / "_staging" / "batch"
    place = {"source": source, "staged": folder / "part.parquet", "": None}[met]
    request: Any = SimpleNamespace(source=SimpleNamespace(path=source), folder=folder)
    error = OSError(number, os.strerror(number), *([str(place)] if place else []))

    found = worker._of_system(request, error)

    assert found.everywhere is everywhere
    assert found.place == str(place or source)
