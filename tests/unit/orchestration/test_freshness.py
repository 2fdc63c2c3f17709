"""Late datasets: found with no table opened, told once, again each day, and when they are fresh."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headgate.cli.main import invoke
from headgate.core import clock
from headgate.lake.engines import duckdb as engine
from headgate.lake.maintenance import compaction
from headgate.orchestration import freshness
from headgate.orchestration.alerts import Alert
from headgate.orchestration.maintaining import maintain
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.orchestration.status import status
from headgate.orchestration.verifying.verify import verify
from tests.conftest import make_project

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATASET = "bronze.irc.messages"
LINE = (
    '{"file": "day%d.txt", "line": 1, "channel": "#ubuntu", "time": "09:14", "author": "u_b97",'
    ' "type": "message", "text": "hello", "date": "2009-05-04"}\n'
)


@pytest.fixture(scope="module")
def _taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake to which a batch was published at START."""
    folder = tmp_path_factory.mktemp("taken") / "project"
    project = make_project(folder)
    deliver(project, 1)
    return folder


@pytest.fixture
def late(_taken: Path, tmp_path: Path) -> Project:
    shutil.copytree(_taken, tmp_path / "project")
    return Project.open(tmp_path / "project")


def deliver(project: Project, day: int, at: datetime = START) -> None:
    file = project.settings.root / f"day{day}.jsonl"
    file.write_text(LINE % day)
    with clock.frozen(at):
        assert run(project, sources={DATASET: [str(file)]}, select=[DATASET]).exit_code == 0


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Alert]:
    found: list[Alert] = []
    monkeypatch.setattr(freshness, "send", lambda _, alert: (found.append(alert), ())[1])
    return found


def allowed(project: Project) -> timedelta:
    hours = project.contracts[DATASET].freshness_hours
    assert hours is not None
    return timedelta(hours=hours)


def kinds(sent: list[Alert]) -> list[str]:
    told = [a.kind for a in sent]
    sent.clear()
    return told


def test_a_late_dataset_is_told_once_daily_and_when_it_is_back(
    late: Project, sent: list[Alert]
) -> None:
    end = START + allowed(late)
    with clock.frozen(end - timedelta(minutes=1)):
        assert freshness.tell(late) == [] and kinds(sent) == []
    assert not (late.settings.lake_path / freshness.NOTE).exists()
    with clock.frozen(end + timedelta(minutes=1)):
        assert freshness.tell(late, link="http://airflow/x") == [DATASET]
    [alert] = sent
    assert (alert.kind, alert.dataset, alert.owner) == (
        "late",
        DATASET,
        late.contracts[DATASET].owner,
    )
    assert alert.link == "http://airflow/x" and DATASET in alert.show
    assert "2026-03-01 12:00 UTC" in alert.what
    sent.clear()
    for hours, told in ((1, []), (23, []), (24.1, ["late"]), (30, []), (48.2, ["late"])):
        with clock.frozen(end + timedelta(hours=hours)):
            assert freshness.tell(Project.open(late.settings.root)) == [DATASET]
        assert kinds(sent) == told, hours
    deliver(late, 2, at=end + timedelta(hours=50))
    for told in (["fresh"], []):
        with clock.frozen(end + timedelta(hours=51)):
            assert freshness.tell(Project.open(late.settings.root)) == []
        assert kinds(sent) == told


def test_it_says_what_status_says(late: Project) -> None:
    for hours in (-1, 1):
        with clock.frozen(START + allowed(late) + timedelta(hours=hours)):
            ours = {f.dataset: (f.late, f.published_at) for f in freshness.freshness(late)}
            theirs = {
                s.dataset: (not s.fresh, s.last_published_at)
                for s in status(late)
                if s.fresh is not None
            }
        assert ours == theirs and set(ours) == {DATASET}


def test_fresh_datasets_open_no_table(late: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("an engine was started, or a table opened")

    monkeypatch.setattr(engine, "connect", never)
    monkeypatch.setattr(type(late.lake), "table", never)
    with clock.frozen(START + timedelta(minutes=5)):
        assert [f.late for f in freshness.freshness(late)] == [False]


def test_what_brings_nothing_new_makes_nothing_fresh(
    late: Project, sent: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "FEWEST", 2)
    deliver(late, 2, at=START + timedelta(minutes=1))
    after = START + allowed(late) + timedelta(hours=1)
    with clock.frozen(after):
        works = maintain(late).works
        assert DATASET in {w.where for w in works}, works
        assert freshness.tell(late) == [DATASET]
    [alert] = sent
    assert "2026-03-01 12:01 UTC" in alert.what


def test_who_was_not_reached_is_told_again_within_the_day(
    late: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Alert] = []
    monkeypatch.setattr(freshness, "send", lambda _, a: (told.append(a), ("dead",))[1])
    end = START + allowed(late)
    for hours in (0.1, 0.5, 1.2, 1.5):
        with clock.frozen(end + timedelta(hours=hours)):
            freshness.tell(late)
    assert len(told) == 2


def test_a_kill_between_telling_and_noting_tells_again(
    late: Project, sent: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.frozen(START + allowed(late) + timedelta(hours=1)):
        with monkeypatch.context() as patch:
            patch.setattr(freshness, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                freshness.tell(late)
        assert kinds(sent) == ["late"]
        freshness.tell(late)
        assert kinds(sent) == ["late"]
        freshness.tell(late)
        assert kinds(sent) == []


def test_two_at_once_tell_once(late: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Alert] = []

    def meanwhile(project: Project, alert: Alert) -> tuple[str, ...]:
        told.append(alert)
        assert freshness.tell(Project.open(project.settings.root)) == [DATASET]
        return ()

    monkeypatch.setattr(freshness, "send", meanwhile)
    with clock.frozen(START + allowed(late) + timedelta(hours=1)):
        freshness.tell(late)
    assert len(told) == 1


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"x": 1}', '{"x": {"at": "now"}}'])
def test_a_damaged_note_counts_as_none(late: Project, sent: list[Alert], damage: str) -> None:
    note = late.settings.lake_path / freshness.NOTE
    note.parent.mkdir(exist_ok=True)
    note.write_text(damage)
    with clock.frozen(START + allowed(late) + timedelta(hours=1)):
        assert freshness.tell(late) == [DATASET]
        assert kinds(sent) == ["late"]
        freshness.tell(late)
        assert kinds(sent) == []


def test_an_empty_lake_is_left_alone(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    assert freshness.tell(project) == []
    assert not (project.settings.lake_path / "_locks").exists()


def test_status_tells_too_if_asked(
    late: Project, sent: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(late.settings.root))
    with clock.frozen(START + allowed(late) + timedelta(hours=1)):
        assert invoke(["status"]) == 0
        assert kinds(sent) == []
        assert invoke(["status", "--alert"]) == 0
    assert kinds(sent) == ["late"]
    # The catalogue names files where this lake was copied from.
    assert {f.check for f in verify(late).findings} <= {"catalogue"}
