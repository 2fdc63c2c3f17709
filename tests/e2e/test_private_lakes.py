"""A lake of one's own: begins as a release without a copy, and what is built there is seen there alone."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.core import settings as core_settings
from headgate.core.errors import HeadgateError, NotFoundError, UsageError
from headgate.orchestration import private_lakes
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.e2e.test_damage import BRONZE, hashes

# One worker runs all of this file, so that its lake is made once.
pytestmark = pytest.mark.xdist_group("private_lakes")
SILVER = "silver.chat.messages"
MESSAGES = "gold.community.fct_messages"
DAILY = "gold.community.fct_channel_activity_daily"


@pytest.fixture(autouse=True)
def _main_again() -> object:
    yield
    core_settings.choose_lake()


@pytest.fixture(scope="module")
def days(irc_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two deliveries."""
    with gzip.open(irc_corpus, "rb") as source:
        lines = [line for line, _ in zip(source, range(4_000), strict=False)]
    folder, found = tmp_path_factory.mktemp("days"), []
    for day in range(2):
        path = folder / f"day{day}.jsonl"
        path.write_bytes(b"".join(lines[day * 2_000 : (day + 1) * 2_000]))
        found.append(path)
    return found


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> Path:
    """A project whose own lake has one release; each test gets a copy."""
    project = make_project(tmp_path_factory.mktemp("released") / "project")
    report = run(project, sources={BRONZE: [str(days[0])]})
    assert report.exit_code == 0, report.problems
    return project.settings.root


@pytest.fixture
def base(released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project's own lake with one release."""
    root = Path(shutil.copytree(released, tmp_path / "project"))
    monkeypatch.setenv("HEADGATE_ROOT", str(root))
    return Project.open(root)


def mine(base: Project, name: str = "mine") -> Project:
    """The project in a private lake."""
    return Project(core_settings.load(base.settings.root, lake=name))


def files_of(lake: Path) -> dict[str, tuple[int, bytes]]:
    """Every file of a lake with its time and content."""
    return {
        str(p.relative_to(lake)): (p.stat().st_mtime_ns, p.read_bytes())
        for p in sorted(lake.rglob("*"))
        if p.is_file() and "_cache" not in p.parts and "_dbt" not in p.parts
    }


def edit(project: Project, model: str, before: str, after: str) -> None:
    path = next((project.settings.dbt_path / "models").rglob(f"{model}.sql"))
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_only_what_differs_is_built_and_nobody_elses_table_moves(base: Project) -> None:
    before, released = files_of(base.lake.root), hashes(base)
    private = mine(base)
    found = private_lakes.begin(private, "main")

    assert (found.lake, found.release) == ("main", 1)
    assert hashes(private) == released
    for dataset in (BRONZE, SILVER, DAILY):
        theirs, ours = base.lake.snapshot(dataset), private.lake.snapshot(dataset)
        assert theirs is not None and ours is not None and ours.version == 0
        for one, other in zip(theirs.files, ours.files, strict=True):
            assert os.path.samefile(one.uri, other.uri), "the rows were copied"
    idle = run(private)
    assert (idle.batches, idle.models, idle.problems) == ((), (), ())

    edit(base, "fct_channel_activity_daily", "where has_link)", "where not has_link)")
    report = run(private, select=["fct_channel_activity_daily"])

    assert report.exit_code == 0, report.problems
    assert [m.dataset for m in report.models] == [DAILY]
    assert {d for d, h in hashes(private).items() if h != released[d]} == {DAILY}
    assert files_of(base.lake.root) == before
    (listed,) = private_lakes.listed(base)
    assert DAILY in listed.own and not {BRONZE, SILVER, MESSAGES} & set(listed.own)
    assert (
        0
        < listed.bytes
        < sum(
            f.size
            for d in (BRONZE, SILVER, MESSAGES)
            for f in private.lake.snapshot(d).files  # type: ignore[union-attr]
        )
    )


def test_files_are_not_taken_twice_and_new_ones_stay_private(
    base: Project, days: list[Path]
) -> None:
    private, released = mine(base), hashes(base)
    private_lakes.begin(private, "main")
    again = run(private, sources={BRONZE: [str(days[0])]})
    assert again.batches == ()
    report = run(private, sources={BRONZE: [str(days[1])]})
    assert report.exit_code == 0, report.problems
    assert all(o.outcome == "published" for o in report.batches)
    # What was taken in adds to the base's rows, and what follows is built incrementally upon them.
    snapshot = private.lake.snapshot(DAILY)
    assert snapshot is not None and snapshot.meta is not None and snapshot.meta.mode == "merge"
    assert hashes(base) == released
    both = run(base, sources={BRONZE: [str(days[1])]})
    assert both.exit_code == 0, both.problems
    assert hashes(base) == hashes(private)


def test_a_private_lake_stays_readable_whatever_its_base_removes(base: Project) -> None:
    private, released = mine(base), hashes(base)
    private_lakes.begin(private, "main")
    snapshot = base.lake.snapshot(SILVER)
    assert snapshot is not None
    for file in snapshot.files:
        os.unlink(file.uri)
    assert hashes(private)[SILVER] == released[SILVER]


def test_refresh_stands_on_the_newest_release(base: Project, days: list[Path]) -> None:
    private = mine(base)
    private_lakes.begin(private, "main")
    run(base, sources={BRONZE: [str(days[1])]})
    assert private_lakes.begin(private, "main").release == 1, "a base does not move by itself"
    (listed,) = private_lakes.listed(base)
    assert listed.behind == 1
    assert private_lakes.refresh(mine(base)).release == 2
    assert hashes(mine(base)) == hashes(base)
    private_lakes.drop(base, "mine")
    assert private_lakes.listed(base) == [] and not private.lake.root.exists()
    assert hashes(base)


def test_what_cannot_be_meant_is_refused(base: Project) -> None:
    private = mine(base)
    with pytest.raises(NotFoundError, match="no release 7"):
        private_lakes.begin(private, "main@7")
    with pytest.raises(NotFoundError, match="released nothing"):
        private_lakes.begin(private, "other")
    assert not private.lake.root.exists()
    private_lakes.begin(private, "main@1")
    with pytest.raises(UsageError, match="began as release 1 of main"):
        private_lakes.begin(private, "main@2")
    with pytest.raises(UsageError, match="own base"):
        private_lakes.begin(private, "mine")
    with pytest.raises(NotFoundError, match="no private lake"):
        private_lakes.drop(base, "main")
    for name in ("a b", "..", "-x", ""):
        with pytest.raises(HeadgateError):
            core_settings.load(base.settings.root).with_lake(name)


def test_the_command_line_works_in_the_lake_that_it_is_told(
    base: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(
        base,
        "fct_channel_activity_daily",
        "where has_link) as links",
        "where not has_link) as links",
    )
    sums = "select sum(links) as n from gold.community.fct_channel_activity_daily"
    assert invoke(["sql", "--json", sums]) == 0
    (theirs,) = json.loads(capsys.readouterr().out)

    assert invoke(["--lake", "mine", "--base", "main", "run", "--select", DAILY]) == 0
    assert "begins as release 1 of main" in capsys.readouterr().err
    assert invoke(["--lake", "mine", "sql", "--json", sums]) == 0
    (ours,) = json.loads(capsys.readouterr().out)
    assert invoke(["sql", "--json", sums]) == 0
    assert json.loads(capsys.readouterr().out) == [theirs] != [ours]
    assert invoke(["lake", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["name"] == "mine" and listed["own"] == [DAILY]
    events = (base.settings.root / "lakes/mine/_events/openlineage.jsonl").read_text()
    assert '"headgate://mine"' in events and '"headgate://local"' not in events
    assert invoke(["--base", "main", "status"]) == 2
    assert "--lake NAME" in capsys.readouterr().err
    assert invoke(["lake", "drop", "mine"]) == 0
    assert invoke(["lake", "refresh", "mine"]) == 1


def test_a_private_lake_has_its_own_name_however_it_is_chosen(base: Project) -> None:
    root = base.settings.root
    named = core_settings.load(root, lake="mine")
    by_path = core_settings.load(root, environ={"HEADGATE_LAKE": "lakes/mine"})
    assert (named.lake_path, named.lake_name) == (by_path.lake_path, by_path.lake_name)
    assert named.lake_name == "mine" and named.is_private
    told = {"HEADGATE_LAKE": "lakes/mine", "HEADGATE_LAKE_NAME": "other"}
    assert core_settings.load(root, environ=told).lake_name == "other"
    assert not core_settings.load(root, environ={}).is_private
