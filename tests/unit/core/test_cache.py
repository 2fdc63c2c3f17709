"""The cache gives back what was put, and never gets in the way."""

from __future__ import annotations

from pathlib import Path

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


def test_a_damaged_file_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_bytes(b"this is no database" * 100)
    cache = Cache(path)
    cache.put("sql", {"a": "b"})
    assert cache.get("sql", ["a"]) == {}


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
