"""Drafts of dead processes go, and nothing else does."""

from __future__ import annotations

from pathlib import Path

from headgate.core import ids
from headgate.lake import drafts
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened


def left(project: Project) -> list[Path]:
    """What a process that died left, of every kind."""
    root = project.lake.root
    log = root / "bronze/irc/messages/_delta_log"
    found = [
        log / f".00000000000000000001.json.{ids.new_id()}",
        root / "_releases" / f".00000000000000000001.json.{ids.new_id()}",
        root / "_state" / f".pending_models.json.{ids.new_id()}",
        root / f".catalog.duckdb.{ids.new_id()}",
        root / f".catalog.duckdb.{ids.new_id()}.wal",
    ]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    return found


def kept(project: Project) -> list[Path]:
    """What looks a little like a draft, and is none."""
    root = project.lake.root
    found = [
        root / "bronze/irc/messages" / f"part-{ids.new_id()}.parquet",
        root / "bronze/irc/messages" / ".crc",
        root / "_set_aside" / f".x.{ids.new_id()}",
        root / "_state" / "boot",
    ]
    for path in found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"whole")
    return found


def test_drafts_go_and_nothing_else(project: Project) -> None:
    going, staying = left(project), kept(project)

    assert drafts.sweep(project.lake) == len(going)
    assert not [p for p in going if p.exists()]
    assert [p for p in staying if p.exists()] == staying


def test_only_the_run_after_a_death_sweeps(project: Project) -> None:
    """A living process without the run lock may be about to rename its draft."""
    with opened(project, "first"):
        pass
    draft = project.lake.root / "_state" / f".boot.{ids.new_id()}"
    draft.write_bytes(b"half")
    with opened(project, "second"):
        assert draft.exists()

    (project.lake.root / "_locks" / "run.lock").write_text("{}")  # as one that died leaves it
    with opened(project, "third"):
        assert not draft.exists()


def test_who_does_not_recover_leaves_it_to_the_next(project: Project) -> None:
    with opened(project, "first"):
        pass
    lock = project.lake.root / "_locks" / "run.lock"
    lock.write_text("{}")

    with project.lake.run_lock(ids.new_id(), "quarantine waive") as died:
        assert died
    assert lock.stat().st_size, "the next run still learns that somebody died"
