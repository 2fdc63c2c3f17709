"""Files that take more than they may, or end the process that reads them: one record, set aside."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headgate.core.errors import UsageError
from headgate.ingest.isolation import processes
from headgate.ingest.isolation.processes import Process
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.orchestration.project import Project
from headgate.orchestration.replay import replay
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from headgate.quality.quarantine import list_rows
from tests.reliability import hostile
from tests.reliability.descendants import gone, of

COLUMNS = {"id": "long", "text": "string"}
DATASET = hostile.dataset("jsonl")
GOOD = 5


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return hostile.lay_out(tmp_path / "project", {"jsonl": (hostile.SOURCES["jsonl"], COLUMNS)})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a good file, last by name."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "z.jsonl").write_text(lines(range(GOOD)))
    return folder


def lines(ids: range) -> str:
    return "".join(json.dumps({"id": i, "text": f"text {i}"}) + "\n" for i in ids)


def under(project: Project, **settings: object) -> Project:
    """The project with other settings."""
    return Project(dataclasses.replace(project.settings, **settings))  # type: ignore[arg-type]


def start(project: Project, folder: Path) -> RunReport:
    return run(project, sources={DATASET: [str(folder)]})


def states(project: Project) -> dict[str, list[tuple[str, str]]]:
    """Source to code and state of each row in quarantine."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in list_rows(project.lake, project.contracts[DATASET], state=None, limit=None):
        found.setdefault(row.source, []).append((str(row.reasons[0]["code"]), row.state))
    return found


def accounts(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """What became of each file: read, published, set aside, refused; and the outcome."""
    names = ("read", "published", "quarantined", "refused", "outcome")
    found: dict[str, list[tuple[object, ...]]] = {}
    with connect(project.settings) as con:
        for row in ledger.rows(project.lake, con, ledger.BATCHES, order="committed_at"):
            if row["kind"] == "ingest":
                found.setdefault(row["source"], []).append(tuple(row[n] for n in names))
    return found


def slow(path: Path, records: int = 25_000) -> None:
    """Small as it lies there, and all but the first record are looked at one by one."""
    text = "".join(f'{{"id": "x{i % 7}", "text": {i % 3}}}\n' for i in range(records))
    path.write_bytes(gzip.compress((lines(range(50, 51)) + text).encode()))


def wide(path: Path) -> None:
    path.write_text(lines(range(100, 2_000)))


@pytest.mark.parametrize(
    ("make", "low", "code"),
    [
        (wide, {"reader_memory": "20MB"}, "reader_memory"),
        (slow, {"reader_seconds": 0.0}, "reader_time"),
        (slow, {"reader_output": "1kB"}, "reader_output"),
    ],
)  # fmt: skip
def test_a_limit_that_is_passed_sets_the_file_aside_and_one_that_is_raised_takes_it(
    project: Project, files: Path, make: object, low: dict[str, object], code: str
) -> None:
    suspect = files / ("a.jsonl" if make is wide else "a.jsonl.gz")
    make(suspect)  # type: ignore[operator]
    run(project, sources={DATASET: [str(files / "z.jsonl")]})

    found = start(under(project, **low), files)

    assert found.exit_code == 0
    assert accounts(project)[suspect.name] == [(1, 0, 1, 0, "published")]
    assert states(project) == {suspect.name: [(code, "open")]}
    assert len(hostile.published(project, "jsonl")) == GOOD

    again = start(under(project, **low), files)
    assert not again.batches, "it is tried again although nothing changed"
    with pytest.raises(UsageError, match="run"):
        replay(project, DATASET)

    start(project, files)

    assert (code, "superseded") in states(project)[suspect.name]
    assert code not in {c for c, state in states(project)[suspect.name] if state == "open"}
    assert not start(project, files).batches


def test_a_file_that_is_set_aside_first_does_not_keep_others_out(
    project: Project, files: Path
) -> None:
    contract = next(project.settings.contracts_path.rglob("*/bronze_jsonl/contract.odcs.yaml"))
    rule = "    quality:\n      - {id: has_rows, metric: rowCount, mustBeGreaterThan: 0, severity: fail}\n"
    contract.write_text(
        contract.read_text().replace("    properties:\n", rule + "    properties:\n")
    )
    slow(files / "a.jsonl.gz", 300_000)

    found = start(under(Project.open(project.settings.root), reader_seconds=1.0), files)

    assert found.exit_code == 0, found.problems
    assert accounts(project)["a.jsonl.gz"] == [(1, 0, 1, 0, "published")]
    assert len(hostile.published(project, "jsonl")) == GOOD


class Killing:
    """Kills the reading processes that are given out, as often as it is told to."""

    def __init__(self, by: signal.Signals, times: int) -> None:
        self.by, self.left = by, times
        self._obtain = processes.obtain

    def __call__(self) -> Process:
        process = self._obtain()
        if self.left:
            self.left -= 1
            os.kill(process.pid, self.by)
        return process


def test_a_reader_that_was_killed_is_replaced_once(
    project: Project, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "obtain", Killing(signal.SIGKILL, 1))
    start(project, files)
    assert len(hostile.published(project, "jsonl")) == GOOD
    assert not states(project)


@pytest.mark.parametrize(("by", "times"), [(signal.SIGKILL, 2), (signal.SIGSEGV, 1)])
def test_a_reader_that_dies_of_a_file_leaves_it_set_aside(
    project: Project, files: Path, monkeypatch: pytest.MonkeyPatch, by: signal.Signals, times: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(processes, "obtain", Killing(by, times))
        found = start(project, files)
    assert found.exit_code == 0
    assert states(project) == {"z.jsonl": [("reader_crashed", "open")]}
    assert not list((project.lake.root / "_staging").rglob("*.parquet"))

    start(under(project, reader_seconds=5.0), files)

    assert states(project) == {"z.jsonl": [("reader_crashed", "superseded")]}
    assert len(hostile.published(project, "jsonl")) == GOOD


def test_in_the_run_itself_or_in_a_process_of_its_own_is_the_same(
    tmp_path: Path, files: Path
) -> None:
    (files / "b.jsonl").write_text(lines(range(3, 9)) + '{"id": 1.5}\n{bad\n' + lines(range(2)))
    found = []
    for readers in ("child", "inline"):
        made = hostile.lay_out(
            tmp_path / readers, {"jsonl": (hostile.SOURCES["jsonl"], COLUMNS)},
            settings=f'readers = "{readers}"\n',
        )  # fmt: skip
        start(made, files)
        rows = hostile.published(made, "jsonl")
        kept = [
            {k: v for k, v in r.items() if k not in ("_batch_id", "_ingested_at")} for r in rows
        ]
        found.append((kept, accounts(made), states(made)))
    assert found[0] == found[1]


RUN = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it starts behind it ignore it
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
run(Project.open(Path(sys.argv[1])), sources={sys.argv[2]: [sys.argv[3]]})
"""


def reading(run_: subprocess.Popen[bytes]) -> set[int]:
    """The processes that a run has started, as soon as there are a template and a reader."""
    while run_.poll() is None:
        found = of(run_.pid)
        if len(found) >= 2:
            return found
        time.sleep(0.01)
    raise AssertionError(f"it ended before it read anything, with {run_.returncode}")


@pytest.mark.parametrize(
    "by", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_run_that_is_killed_leaves_no_reader_and_the_next_takes_the_file(
    project: Project, files: Path, by: signal.Signals
) -> None:
    slow(files / "a.jsonl.gz", 300_000)
    command = [sys.executable, "-c", RUN, str(project.settings.root), DATASET, str(files)]
    with subprocess.Popen(command) as process:
        started = reading(process)
        process.send_signal(by)
        assert process.wait(timeout=120) != 0
    assert gone(started)

    start(project, files)

    assert len(hostile.published(project, "jsonl")) == GOOD
    assert not [p for p in (project.lake.root / "_staging").rglob("*") if p.is_file()]
