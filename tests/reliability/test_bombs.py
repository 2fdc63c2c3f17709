"""Files that are made to exhaust whoever reads them: each is set aside, and the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headgate.orchestration.project import Project
from tests.reliability import hostile
from tests.reliability.bombs import BOMBS, Bomb
from tests.reliability.figures import record

#: What the refusal of a bomb may cost beyond a run without one.
SECONDS, MEMORY = 5.0, 1 << 30
#: How often it is measured at most, the last measurement being the one that counts.
ATTEMPTS = 3
COLUMNS = {"id": "long", "text": "string"}
ROWS = [{"id": n, "text": f"good {n}"} for n in range(3)]
_SUBREAPER = 36
#: Runs a command and waits for all that it leaves behind; tells seconds and the largest process.
_MEASURE = f"""
import ctypes, json, os, subprocess, sys
ctypes.CDLL(None).prctl({_SUBREAPER}, 1, 0, 0, 0)
out, *command = sys.argv[1:]
run = subprocess.Popen(command)
seconds, most, status = 0.0, 0, None
while True:
    try:
        pid, ended, used = os.wait4(-1, 0)
    except ChildProcessError:
        break
    seconds += used.ru_utime + used.ru_stime
    most = max(most, used.ru_maxrss)
    status = os.waitstatus_to_exitcode(ended) if pid == run.pid else status
run.returncode = status
with open(out, "w") as file:
    json.dump([status, seconds, most * 1024], file)
"""


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit status, processor seconds and largest memory of all its processes."""

    status: int
    seconds: float
    memory: int
    told: str


def start(project: Project, sources: Mapping[str, Sequence[Path]]) -> Ended:
    """One run of the command, in processes of its own."""
    measured = project.settings.root / "measured.json"
    command = [sys.executable, "-c", _MEASURE, str(measured), sys.executable, "-m",
               "headgate.cli.main", "run"]  # fmt: skip
    for name, paths in sources.items():
        for path in paths:
            command += ["--source", f"{hostile.dataset(name)}={path}"]
    env = {**os.environ, "HEADGATE_ROOT": str(project.settings.root)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=900)
    status, seconds, memory = json.loads(measured.read_text())
    return Ended(status, seconds, memory, done.stdout + done.stderr)


def good(folder: Path, format: str, name: str = "zz good") -> Path:
    """A file of three good rows, that comes behind all others."""
    path = folder / f"{name}.{format}"
    if format == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif format == "csv":
        path.write_text("id,text\n" + "".join(f"{r['id']},{r['text']}\n" for r in ROWS))
    elif format == "json":
        path.write_text(json.dumps(ROWS))
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    return path


def delivered(bomb: Bomb, folder: Path, *, whole: bool) -> list[Path]:
    """Lay a bomb into the folder; one that is given by its own path beside it, and tell the path."""
    path = folder.with_name(bomb.file) if bomb.given else folder / bomb.file
    bomb.make(path, whole)
    return [path] if bomb.given else []


def project_of(folder: Path, settings: str = "") -> Project:
    tables = {f: (s, COLUMNS) for f, s in hostile.SOURCES.items()}
    return hostile.lay_out(folder, tables, settings=settings)


def as_foretold(bomb: Bomb, found: hostile.Found, told: str) -> set[str]:
    """Demand that a bomb ended as it must; gives the codes that it was set aside for."""
    if bomb.told:
        assert f"{bomb.file} {bomb.told}" in told, told
        assert bomb.file not in found.batches
        return set()
    batch = found.batches[bomb.file]
    codes = hostile.codes(found.set_aside[bomb.format].get(bomb.file, []))
    if not bomb.codes:
        assert batch["published"] == batch["read"] > 0
        return set()
    assert batch["published"] == 0, bomb.name
    assert batch["quarantined"] == batch["read"] > 0, bomb.name
    assert codes, bomb.name
    assert codes <= bomb.codes, f"{bomb.name}: {codes}"
    return codes


def good_rows_are_there(project: Project, format: str) -> None:
    rows = [r for r in hostile.published(project, format) if r["_source"].startswith("zz good")]
    assert [{"id": r["id"], "text": r["text"]} for r in rows] == ROWS


def test_there_are_at_least_twenty() -> None:
    assert len({b.name for b in BOMBS}) == len(BOMBS) >= 20


@pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")
def test_all_bombs_in_one_run(tmp_path: Path) -> None:
    project = project_of(tmp_path / "project", "max_record_bytes = 3_000_000\n")
    sources = {}
    for format in hostile.SOURCES:
        sources[format] = [tmp_path / format]
        sources[format][0].mkdir()
        good(sources[format][0], format)
    for bomb in BOMBS:
        sources[bomb.format] += delivered(bomb, sources[bomb.format][0], whole=False)

    ended = start(project, sources)

    assert ended.status == 1, ended.told  # pipes and the like could not be taken
    found = hostile.look(project)
    for bomb in BOMBS:
        as_foretold(bomb, found, ended.told)
    for format in hostile.SOURCES:
        good_rows_are_there(project, format)
    assert ended.memory <= MEMORY
    assert ended.seconds <= SECONDS * len(BOMBS)
    assert project.releases.newest() is not None
    record(
        "bombs", short=True, bombs=len(BOMBS), seconds=round(ended.seconds, 1),
        memory=ended.memory,
    )  # fmt: skip


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="measures as Linux does")
def test_each_bomb_in_full_size(tmp_path: Path) -> None:
    """Each in a run of its own, beside a good file; told in a table."""
    table: dict[str, dict[str, object]] = {}
    wrong = []
    for format in hostile.SOURCES:
        calm = tmp_path / f"calm {format}"
        calm.mkdir()
        good(calm, format)
        base = start(project_of(tmp_path / f"calm project {format}"), {format: [calm]})
        assert base.status == 0, base.told
        for bomb in [b for b in BOMBS if b.format == format]:
            folder = tmp_path / bomb.name
            folder.mkdir()
            good(folder, format)
            given = delivered(bomb, folder, whole=True)
            size = sum(p.lstat().st_blocks * 512 for p in [*folder.iterdir(), *given])
            for attempt in range(ATTEMPTS):
                project = project_of(tmp_path / f"project {bomb.name} {attempt}")
                ended = start(project, {format: [folder, *given]})
                seconds = round(max(0.0, ended.seconds - base.seconds), 1)
                if seconds <= SECONDS:
                    break  # else neighbours may have slowed it down: processors share caches
            for path in [*folder.iterdir(), *given]:
                path.unlink()
            assert ended.status == (1 if bomb.told else 0), ended.told
            codes = as_foretold(bomb, hostile.look(project), ended.told)
            good_rows_are_there(project, format)
            table[bomb.name] = {
                "bytes": size, "codes": sorted(codes) or bomb.told or "taken",
                "seconds": seconds, "memory": ended.memory,
            }  # fmt: skip
            if ended.memory > MEMORY or (seconds > SECONDS and (bomb.codes or bomb.told)):
                wrong.append((bomb.name, table[bomb.name]))
            record(
                "bombs", bombs=len(table), beyond_limits=len(wrong),
                most_seconds=max(float(str(t["seconds"])) for t in table.values()),
                most_memory=max(int(str(t["memory"])) for t in table.values()), table=table,
            )  # fmt: skip
    assert not wrong
