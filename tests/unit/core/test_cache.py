"""The cache gives back what was put, and never gets in the way."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headgate.core.cache import Cache


def test_what_was_put_is_found_again_by_its_kind_and_key(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "_cache" / "kept.sqlite")
    assert cache.get("sql", ["a"]) == {}
    cache.put("sql", {str(n): f"text {n}" for n in range(1200)})
    cache.put("columns", {"7": "other"})
    cache.close()
    again = Cache(cache.path)
    assert len(again.get("sql", [str(n) for n in range(1300)])) == 1200
    assert again.get("columns", ["7", "8"]) == {"7": "other"}
    again.put("sql", {"7": "newer"})
    assert again.get("sql", ["7"]) == {"7": "newer"}
    again.close()


def test_a_damaged_file_is_put_away_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_bytes(b"this is no database" * 100)
    cache = Cache(path)
    assert cache.get("sql", ["a"]) == {}
    cache.put("sql", {"a": "b"})
    assert cache.get("sql", ["a"]) == {"a": "b"}
    cache.close()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_part_of_the_file_a_power_cut_left_nothing_is_wrong(
    tmp_path: Path, seed: int
) -> None:
    chance, path = random.Random(seed), tmp_path / "kept.sqlite"
    texts = {f"k{n}": f"text {n} " * chance.randint(1, 300) for n in range(40)}
    cache = Cache(path)
    cache.put("sql", texts)
    if chance.random() < 0.5:
        cache.close()  # which takes the log of changes into the file
    files = [p for p in (path, tmp_path / "kept.sqlite-wal") if p.exists()]
    data = {p: p.read_bytes() for p in files}
    cache.close()
    for file, whole in data.items():
        unit = chance.choice((512, 4096))
        parts = [whole[n : n + unit] for n in range(0, len(whole), unit)]
        for n in range(len(parts)):
            if chance.random() < 0.2:
                parts[n] = chance.choice((bytes(len(parts[n])), chance.choice(parts)))
        cut = chance.choice((len(parts), chance.randint(0, len(parts))))
        file.write_bytes(b"".join(parts[:cut]))

    again = Cache(path)
    for _ in range(2):
        found = again.get("sql", texts)
        assert found.items() <= texts.items(), f"Try it again: seed {seed}"
        again.put("sql", {"new": "after"})
    again.close()
    last = Cache(path)
    assert last.get("sql", texts).items() <= texts.items()
    last.put("sql", {"new": "again"})
    assert last.get("sql", ["new"]) in ({"new": "again"}, {})
    last.close()


def test_a_folder_that_cannot_be_made_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "kept.sqlite")
    cache.put("sql", {"a": "b"})
    assert cache.get("sql", ["a"]) == {}


def test_the_oldest_entries_are_forgotten(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("headgate.core.cache.MOST_ENTRIES", 10)
    cache = Cache(tmp_path / "kept.sqlite")
    for n in range(30):
        cache.put("sql", {str(n): "text"})
    left = cache.get("sql", [str(n) for n in range(30)])
    assert "29" in left and "0" not in left and len(left) <= 11
    cache.close()
