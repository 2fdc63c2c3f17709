"""`headgate maintain`: rows, releases and costs stay what they were, wherever it is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headgate.cli.main import invoke
from headgate.core import failpoints
from headgate.core import settings as core_settings
from headgate.lake import catalog, ledger, unnamed
from headgate.lake.engines.duckdb import connect
from headgate.lake.maintenance import history
from headgate.orchestration import private_lakes
from headgate.orchestration.maintaining import COMPACTED, LOG, RELEASES, SUPERSEDED, maintain
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.orchestration.status import status
from tests.conftest import make_project
from tests.e2e.released import hashes
from tests.judged_lake import DATASET, record

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("maintain")
#: Nothing is kept but what must be.
KEEP = {
    "release_keep_days": 0, "release_keep_count": 1, "history_keep_days": 0.0,
    "orphan_keep_days": 0.0,
}  # fmt: skip
ENVIRONMENT = {"HEADGATE_" + name.upper(): str(value) for name, value in KEEP.items()}


@pytest.fixture(autouse=True)
def _main_again() -> object:
    yield
    core_settings.choose_lake()


def deliver(project: Project, number: int, select: list[str] | None = None) -> None:
    """A run over one more file, with a row that is refused."""
    lines = [record(number * 10 + i, author=f"u_{i}") for i in range(9)]
    text = "".join(json.dumps(r) + "\n" for r in lines) + "{oops\n"
    path = project.settings.root / f"day{number}.jsonl"
    path.write_text(text)
    report = run(project, sources={DATASET: [str(path)]}, select=select or [])
    assert report.exit_code == 0, report.problems


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose lake has many small files: each test gets a copy."""
    project = make_project(tmp_path_factory.mktemp("delivered") / "project")
    for number in range(5):
        deliver(project, number, [DATASET])
    deliver(project, 5)
    deliver(project, 6)
    return project.settings.root


@pytest.fixture
def small(delivered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """That project at a place of its own, with nothing kept longer than it must be."""
    monkeypatch.setattr(history, "WORTH", 2)
    root = tmp_path / "project"
    shutil.copytree(delivered, root)
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    project = Project.open(root)
    (project.lake.root / catalog.FILE_NAME).unlink()
    run(project)  # writes the catalogue anew, which names the files where they are now
    return project


def shown(project: Project) -> dict[str, int]:
    """Rows of every view of the catalogue, as another DuckDB client counts them."""
    with duckdb.connect(str(project.lake.root / catalog.FILE_NAME), read_only=True) as con:
        views = con.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        count = "SELECT count(*) FROM"
        return {f"{s}.{v}": con.execute(f'{count} "{s}"."{v}"').fetchall()[0][0] for s, v in views}


def works(project: Project, **given: Any) -> dict[str, set[str]]:
    """What maintenance did, by what: where."""
    report = maintain(project, **given)
    assert report.exit_code == 0, report.problems
    found: dict[str, set[str]] = {}
    for work in report.works:
        found.setdefault(work.what, set()).add(work.where)
    return found


def test_after_maintenance_nothing_is_built_and_the_release_holds_the_same(small: Project) -> None:
    before, rows, fresh = hashes(small), shown(small), [s.fresh for s in status(small)]
    last = {s.dataset: s.last_published_at for s in status(small)}

    done = works(small)

    assert {DATASET, f"{DATASET} (quarantine)", *ledger.ALL} <= done[COMPACTED]
    assert RELEASES in done and DATASET in done[LOG]
    assert hashes(small) == before
    assert {v: n for v, n in shown(small).items() if "ledger" not in v} == {
        v: n for v, n in rows.items() if "ledger" not in v
    }
    assert [s.fresh for s in status(small)] == fresh
    assert {s.dataset: s.last_published_at for s in status(small)} == last

    report = run(small)  # adopts the versions of the same rows, and builds nothing
    assert report.exit_code == 0 and not report.models and not report.batches
    assert DATASET in report.released
    assert hashes(small) == before
    snapshot = small.lake.snapshot(DATASET)
    assert snapshot is not None and len(snapshot.files) == 1

    assert SUPERSEDED in works(small)  # what only the release before it needed
    assert hashes(small) == before and shown(small).keys() == rows.keys()
    assert works(small) == {}  # twice is once
    again = run(small)
    assert not again.told, again


@pytest.mark.long
def test_what_comes_after_maintenance_is_built_from_what_changed(small: Project) -> None:
    before = hashes(small)
    works(small)
    run(small)
    works(small)
    deliver(small, 7)
    made = {b.dataset: b for b in status(small)}
    assert made["silver.chat.messages"].last_outcome == "published"
    with connect(small.settings) as con:
        newest = ledger.rows(
            small.lake, con, ledger.BATCHES, "dataset = 'silver.chat.messages'",
            order="committed_at DESC", limit=1,
        )  # fmt: skip
    assert newest[0]["mode"] == "merge"  # not the whole table anew
    assert hashes(small)[DATASET] != before[DATASET]


def test_the_plan_after_maintenance_builds_nothing(
    small: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    works(small)
    capsys.readouterr()
    assert invoke(["plan", "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    built = [d for s in steps for d, t in s["tables"].items() if t["how"] not in ("none", "taken")]
    assert built == []


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(small: Project) -> None:
    def lying() -> dict[str, int]:
        files = (p for p in small.lake.root.rglob("*") if p.is_file())
        return {
            str(p): p.stat().st_mtime_ns for p in files
            if not {"_cache", "_staging", "_state"} & set(p.parts) and ".duckdb" not in p.name
        }  # fmt: skip

    works(small)
    run(small)
    before = lying()
    would = maintain(small, dry_run=True)
    assert lying() == before
    done = maintain(small)
    assert would.works == done.works and would.freed == done.freed > 0


@pytest.mark.long
def test_kept_releases_private_lakes_and_readers_go_on(small: Project) -> None:
    mine = Project(core_settings.load(small.settings.root, lake="mine"))
    base = private_lakes.begin(mine, "main")
    in_mine = hashes(mine)
    old = small.releases.get(base.release)
    snapshot = small.lake.snapshot(DATASET, old.versions[DATASET])
    assert snapshot is not None
    reader = f"SELECT count(*) FROM {snapshot.relation()}"
    deliver(small, 8)
    deliver(small, 9)

    works(small)
    run(small)
    works(small)

    assert small.releases.ids()[0] == base.release  # the private lake is compared with it
    with connect(small.settings) as con:
        assert con.execute(reader).fetchall() == [(63,)]
    assert hashes(mine) == in_mine
    private_lakes.drop(small, "mine")
    works(small)
    newest = small.releases.newest()
    assert newest is not None and small.releases.ids() == [newest.id]
    assert shown(small)


@pytest.mark.long
def test_a_private_lake_that_begins_after_maintenance_builds_nothing(small: Project) -> None:
    works(small)
    run(small)
    mine = Project(core_settings.load(small.settings.root, lake="mine"))
    private_lakes.begin(mine, "main")
    assert hashes(mine) == hashes(small)
    report = run(mine)
    assert report.exit_code == 0 and not report.models


def test_one_dataset_can_be_maintained_by_itself(small: Project) -> None:
    releases = small.releases.ids()
    done = works(small, datasets=[DATASET])
    assert {where.partition(" ")[0] for places in done.values() for where in places} == {DATASET}
    assert small.releases.ids() == releases


def test_a_log_that_cannot_be_read_is_left_alone_and_the_rest_is_done(
    small: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    log = small.lake.root / "gold/community/dim_users/_delta_log"
    entry = sorted(log.glob("*.json"))[0]
    entry.write_bytes(entry.read_bytes()[:40])
    (log.parent / "part-lost.parquet").write_bytes(b"x")
    assert invoke(["maintain", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out, printed.err
    told = json.loads(printed.out)
    assert any("nobody knows which files it names" in p for p in told["problems"]), told
    assert (log.parent / "part-lost.parquet").exists()
    assert {w["where"] for w in told["works"] if w["what"] == COMPACTED} > {DATASET}


def test_the_command_tells_what_it_did(small: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["maintain", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "This would free" in told and DATASET in told
    assert invoke(["maintain"]) == 0
    assert "Freed" in capsys.readouterr().out
    assert invoke(["run"]) == 0
    assert invoke(["maintain"]) == 0
    capsys.readouterr()
    assert invoke(["maintain"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert invoke(["maintain", "bronze.no.such"]) == 2


PLACES = [
    pytest.param(name, marks=() if name == "maintain.logs_cut" else pytest.mark.long)
    for name in (*failpoints.MAINTENANCE, "commit.log_written", "commit.files_fsynced",
                 "ledger.before_append", "catalog.before_rename")
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_and_done_again_it_ends_the_same(small: Project, place: str) -> None:
    rows = shown(small)
    if place != "ledger.before_append":  # where the first maintenance tells of tables
        works(small)
        run(small)  # so that there is something to remove as well
        deliver(small, 10, [DATASET])
        deliver(small, 11)
    before = hashes(small)
    code = "from headgate.lake.maintenance import history; history.WORTH = 2;" \
           "from headgate.cli.main import main; import sys; sys.argv[1:] = ['maintain']; main()"  # fmt: skip
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "HEADGATE_FAILPOINT": place},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    small = Project(small.settings)
    assert hashes(small) == before

    works(small)
    report = run(small)
    assert report.exit_code == 0 and not report.models and not report.batches
    works(small)
    assert works(small) == {}
    assert hashes(small) == before and shown(small).keys() == rows.keys()
    for key in unnamed.tables(small.lake):
        found = unnamed.names(small.lake, key)
        lying = {f.path.rpartition("/")[2] for f in unnamed.data_files(small.lake, key)}
        assert lying == found.needed  # nothing is missing, and nothing is left over
