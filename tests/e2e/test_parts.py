"""Taken, curated and released part by part, a lake holds what one run makes of the same deliveries."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import connect
from headgate.orchestration import parts
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.reliability.harness import small, states
from tests.reliability.seeds import replayable, seeds

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("parts_e2e")
#: Each after the groups that it reads.
GROUPS = ("irc", "discord", "chat", "community")


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A project, without a lake, and what two days of runs make of its deliveries."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**small.SETTINGS, "HEADGATE_READERS": "inline"}.items():
            patch.setenv(name, value)
        root = tmp_path_factory.mktemp("parts") / "project"
        patch.setenv("HEADGATE_ROOT", str(root))
        small.make(root)
        # By its own name: what waits is not superseded by it, whether its parent came before or not.
        (root / "days/2/posts/garden.json").rename(root / "days/2/posts/garden-later.json")
        for day in (1, 2):
            assert run(Project.open(root), sources=_sources(root, day)).exit_code == 0
        yield root, _told(root)


def test_part_by_part_it_is_what_a_run_makes(at_once: tuple[Path, dict[str, Any]]) -> None:
    root, expected = at_once
    _empty(root)
    for day in (1, 2):
        for dataset, paths in _sources(root, day).items():
            assert parts.take(Project.open(root), dataset, paths=paths).well
        for group in GROUPS:
            assert parts.curate(Project.open(root), group).well
        for group in GROUPS:
            assert parts.release(Project.open(root), group).well
    found = _told(root)

    assert expected["deliveries"] and found["unfinished"] == 0 and found["left"] == []
    # The same tables at the same versions, made by the same batches. Only that posts which waited
    # for their channel are judged again before the next ones are taken, and not after them.
    assert {d for d, rows in expected["open"].items() if rows} == {small.IRC}
    for told in (found, expected):
        told["accounts"] = [a for a in told["accounts"] if a[0] != small.POSTS]
    assert found == expected


@pytest.mark.parametrize("seed", seeds(20))
@pytest.mark.long
def test_in_whatever_order_the_rows_are_the_same(
    at_once: tuple[Path, dict[str, Any]], seed: int
) -> None:
    """Sources in any order, file by file or not, and groups curated and released in between."""
    root, expected = at_once
    chance = random.Random(seed)
    with replayable(seed):
        _empty(root)
        for day in (1, 2):
            _a_day(root, day, chance)
        found = _told(root)
        for what in ("released", "rows", "deliveries", "open"):
            assert found[what] == expected[what], what


def _a_day(root: Path, day: int, chance: random.Random) -> None:
    takes = [
        (dataset, one)
        for dataset, paths in _sources(root, day).items()
        for one in ([paths] if chance.random() < 0.5 else [[str(f)] for f in _files(paths)])
    ]
    chance.shuffle(takes)
    for dataset, paths in takes:
        parts.take(Project.open(root), dataset, paths=paths)
        if chance.random() < 0.3:
            group = chance.choice(GROUPS)
            parts.curate(Project.open(root), group)
            parts.release(Project.open(root), group)
    for group in GROUPS:
        assert parts.curate(Project.open(root), group).well
        assert parts.release(Project.open(root), group).well


def _sources(root: Path, day: int) -> dict[str, list[str]]:
    given = small.sources(root, day)[1::2]
    return {dataset: [path] for dataset, path in (text.split("=") for text in given)}


def _files(paths: list[str]) -> list[Path]:
    return sorted(f for folder in paths for f in Path(folder).iterdir())


def _empty(root: Path) -> None:
    for left in (root / "lake").iterdir():
        if left.name != "_cache":
            shutil.rmtree(left) if left.is_dir() else os.unlink(left)


def _told(root: Path) -> dict[str, Any]:
    """What a lake holds, but for the numbers of its releases."""
    project, told = Project.open(root), states.state()
    newest = project.releases.newest()
    assert newest is not None
    with connect(project.settings) as con:
        released = {}
        for dataset, version in newest.versions.items():
            snapshot = project.lake.snapshot(dataset, version)
            assert snapshot is not None
            released[dataset] = content_hash(con, snapshot)
    catalog = told["readers"]["catalog"]
    assert catalog["tables"] == told["readers"]["tables"]
    return {
        "released": released,
        "versions": newest.versions,
        "rows": {d: found[1:] for d, found in told["tables"].items()},
        "deliveries": sorted({tuple(a[i] for i in (0, 4)) for a in told["accounts"] if a[2] == "ingest"}),
        "open": {d: [r for r in rows if r[3] == "open"] for d, rows in told["quarantine"].items()},
        "accounts": told["accounts"],
        "unfinished": told["unfinished"], "left": told["left"],
    }  # fmt: skip
