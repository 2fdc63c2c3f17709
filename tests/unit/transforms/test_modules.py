"""The code of a transform: what its hash follows from is what lineage tells."""

from __future__ import annotations

from pathlib import Path

from headgate.transforms import modules


def test_what_is_told_changes_when_the_hash_does_and_only_then(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    module = folder / "sales.py"

    def written(text: str) -> tuple[str, str]:
        module.write_text(text)
        return modules.source("shop.sales", tmp_path), modules.code_hash("shop.sales", tmp_path)

    first = written('"""What it is for."""\n\nRATE = 2  # of last year\n')
    assert "RATE = 2" in first[0]
    assert "What it is for" not in first[0]
    assert written("RATE=2\n") == first
    other = written("RATE = 3\n")
    assert other[0] != first[0]
    assert other[1] != first[1]
