"""Paths to files: folders, globs, compressions, order, and links that lead away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headgate.core.errors import UsageError
from headgate.ingest.discover import discover


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in [
        "in/b.jsonl", "in/a.ndjson.gz", "in/deep/er/c.JSON", "in/d.parquet", "in/e.jsonl.zst",
        "in/notes.txt", "in/.hidden.jsonl", "in/.git/x.jsonl", "out/f.jsonl",
    ]:  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")
    return tmp_path


def names(*paths: Path | str, format: str | None = None) -> list[str]:
    return [f.name for f in discover(list(paths), format=format)]


def test_a_folder_is_searched_for_the_formats_files(folder: Path) -> None:
    every = ["a.ndjson.gz", "b.jsonl", "d.parquet", "deep/er/c.JSON", "e.jsonl.zst"]
    assert names(folder / "in") == every
    assert names(folder / "in", format="jsonl") == ["a.ndjson.gz", "b.jsonl", "e.jsonl.zst"]
    assert names(folder / "in", format="json") == ["deep/er/c.JSON"]
    assert names(folder / "in", format="parquet") == ["d.parquet"]


def test_files_and_globs(folder: Path) -> None:
    assert names(folder / "in/notes.txt") == ["notes.txt"]
    assert names(folder / "in/*.jsonl") == ["b.jsonl"]
    assert names(str(folder / "**/*.jsonl")) == ["in/b.jsonl", "out/f.jsonl"]
    assert names(folder / "out", folder / "in/b.jsonl", folder / "in/*") == [
        "f.jsonl", "b.jsonl", "a.ndjson.gz", "d.parquet", "e.jsonl.zst", "notes.txt",
    ]  # fmt: skip


def test_relative_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names("in/*.jsonl", "out") == ["b.jsonl", "f.jsonl"]
    assert names("*/f.jsonl") == ["out/f.jsonl"]


def test_size_and_compression(folder: Path) -> None:
    found = {f.name: (f.size, f.compression) for f in discover([folder / "in"])}
    assert found["a.ndjson.gz"] == (3, "gzip")
    assert found["e.jsonl.zst"] == (3, "zstd")
    assert found["b.jsonl"] == (3, "none")


@pytest.mark.parametrize("path", ["missing", "missing/*.jsonl", "in/*.csv", "empty"])
def test_nothing_matches(folder: Path, path: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(
        UsageError, match=r"matches no file\. Give a file, a folder or a glob.*jsonl"
    ):
        discover([folder / path])


def test_links_that_leave_the_folder_are_refused(folder: Path) -> None:
    os.symlink(folder / "in/b.jsonl", folder / "in/same.jsonl")
    assert len(discover([folder / "in"])) == 5
    os.symlink(folder / "out/f.jsonl", folder / "in/away.jsonl")
    for path in (folder / "in", folder / "in/*.jsonl"):
        with pytest.raises(UsageError, match=r"away\.jsonl is a symbolic link that leaves"):
            discover([path])
    assert names(folder / "in/away.jsonl") == ["away.jsonl"]
