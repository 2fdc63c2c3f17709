"""Runs send lineage on after they let go of the lake, fail of nothing that comes of it, and say what is left."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from headgate.core import ids
from headgate.core import settings as core_settings
from headgate.core.errors import SettingError, UsageError
from headgate.core.settings import Settings
from headgate.lineage import log
from headgate.lineage.forwarding import sending, standing
from headgate.orchestration import forwarding_lineage, parts
from headgate.orchestration.run import run
from tests.conftest import make_project
from tests.judged_lake import DATASET, record
from tests.unit.lineage.forwarding.receivers import (
    event,
    port_of_nobody,
    receiver,
    run_of,
    write,
)

KEY = "canary-of-a-token-5f"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def tell(root: Path, url: str, **more: Any) -> None:
    """Name a destination in the project's settings."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    with (root / "headgate.toml").open("a") as toml:
        toml.write(
            "\n".join(["", "[lineage_forward.there]", 'type = "http"', f'url = "{url}"', *lines])
        )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project with nothing but settings and ten events."""
    (tmp_path / "headgate.toml").write_text("lineage_forward_seconds = 5.0\n")
    found = core_settings.load(tmp_path, {})
    write(found.lake_path / "_events" / "openlineage.jsonl", [event(n) for n in range(10)])
    return found


def test_a_run_sends_what_it_tells_when_it_has_let_go_of_the_lake(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    source = tmp_path / "day.jsonl"
    source.write_text("".join(json.dumps(record(n)) + "\n" for n in range(5)))

    def look(*_: object) -> int:
        with project.lake.run_lock(ids.new_id(), "test"):  # which raises, if the run still has it
            return 201

    with receiver(look) as there:
        tell(project.settings.root, there.url)
        report = parts.take(project, DATASET, paths=[str(source)])
        assert (report.problems, report.notes) == ((), ())
        told = list(log.read(project.lake.root / "_events" / "openlineage.jsonl"))
        assert len(told) == 6 and there.taken == told, "as they were written, in their order"


def test_a_run_whose_lineage_nobody_takes_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path / "project")
    monkeypatch.setenv("HEADGATE_ROOT", str(project.settings.root))
    source = tmp_path / "day.jsonl"
    source.write_text("".join(json.dumps(record(n)) + "\n" for n in range(5)))
    port = port_of_nobody()
    tell(project.settings.root, f"http://127.0.0.1:{port}")
    report = parts.take(project, DATASET, paths=[str(source)])
    assert not report.problems
    report = run(project, select=[DATASET])
    assert report.exit_code == 0 and report.release_id == 1
    assert any("there is" in note and "events behind" in note for note in report.notes)
    assert run(project, select=[DATASET]).notes == (), "who does nothing says nothing"
    assert invoke(["status"]) == 0
    said = capsys.readouterr().out
    assert "there is" in said and "events behind since" in said and "cannot be reached" in said
    assert invoke(["lineage", "forward", "--dry-run"]) == 1
    with receiver(port=port) as there:
        assert invoke(["lineage", "forward"]) == 0
        assert there.taken == list(log.read(project.lake.root / "_events" / "openlineage.jsonl"))
    capsys.readouterr()
    assert invoke(["status"]) == 0 and "events behind" not in capsys.readouterr().out


def test_in_passing_says_what_is_left_and_why(settings: Settings) -> None:
    tell(settings.root, f"http://127.0.0.1:{port_of_nobody()}")
    for _ in range(2):
        [told] = forwarding_lineage.in_passing(settings)
        assert "there is 10 events behind" in told and "cannot be reached" in told
    assert standing.load(settings.lake_path, "there").failures == 1, (
        "it was not tried again so soon"
    )


def test_who_hangs_holds_no_run_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding_lineage, "_GRACE", 0.0)
    stuck = threading.Event()
    plain = sending.forward

    def hanging(*args: Any, **more: Any) -> Any:
        stuck.wait(60)  # as in a library that knows no limits
        return plain(*args, **more)

    monkeypatch.setattr(sending, "forward", hanging)
    tell(settings.root, "http://127.0.0.1:1")
    (settings.root / "headgate.toml").write_text(
        (settings.root / "headgate.toml").read_text().replace("5.0", "0.05")
    )
    try:
        [told] = forwarding_lineage.in_passing(core_settings.load(settings.root, {}))
        assert "10 events behind" in told
    finally:
        stuck.set()


def test_one_who_is_down_keeps_nothing_from_others(settings: Settings) -> None:
    with receiver(lambda *_: "hang") as stuck, receiver() as there:
        tell(settings.root, there.url)
        with (settings.root / "headgate.toml").open("a") as toml:
            toml.write(
                f'\n[lineage_forward.stuck]\ntype = "http"\nurl = "{stuck.url}"\ntimeout = 0.3\n'
            )
        [told] = forwarding_lineage.in_passing(settings)
        assert told.startswith("Lineage: stuck is 10 events behind")
        assert there.names() == [run_of(n) for n in range(10)]


def test_a_table_that_is_wrong_fails_nothing(settings: Settings) -> None:
    tell(settings.root, "nowhere")
    [told] = forwarding_lineage.in_passing(settings)
    assert "url" in told and "headgate.toml" in told
    [(place, found)] = forwarding_lineage.findings(settings)
    assert place.endswith("headgate.toml:3") and "http or https" in found
    for watch in (False, True):
        with pytest.raises(SettingError):
            forwarding_lineage.forward(settings, [], sending.Terms(watch=watch))
    (settings.root / "headgate.toml").write_text("[lineage_forward.there]\nurl = 'http://h'\n")
    [told] = forwarding_lineage.in_passing(settings)
    assert "does not say its type" in told
    with pytest.raises(UsageError, match="no destination"):
        forwarding_lineage.forward(_mended(settings), ["nobody"], sending.Terms())


def _mended(settings: Settings) -> Settings:
    (settings.root / "headgate.toml").write_text("")
    tell(settings.root, "http://127.0.0.1:1")
    return settings


def test_a_secret_comes_from_the_environment_and_is_hidden(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(*_: object) -> Any:
        return 401, {}, f"who is {KEY}?"

    with receiver(echo) as there:
        with (settings.root / "headgate.toml").open("a") as toml:
            toml.write(
                f'[lineage_forward.there]\ntype = "http"\nurl = "{there.url}"\n'
                'auth = { type = "api_key", apiKey = "${THE_DOOR}" }\n'
            )
        [told] = forwarding_lineage.in_passing(settings)
        assert "needs the variable THE_DOOR" in told and there.requests == []
        assert forwarding_lineage.findings(settings) == [], "where it is checked it need not be set"
        monkeypatch.setenv("THE_DOOR", KEY)
        [told] = forwarding_lineage.in_passing(settings)
        assert "answered 401: who is ***" in told
        assert there.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    for path in settings.lake_path.rglob("*"):
        assert path.is_dir() or KEY not in path.read_text(), path


def test_a_private_lake_is_told_of_only_where_that_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = core_settings.load(settings.root, {}, lake="mine")
    write(private.lake_path / "_events" / "openlineage.jsonl", [event("private")])
    with receiver() as there:
        tell(settings.root, there.url)
        assert forwarding_lineage.in_passing(private) == ()
        assert forwarding_lineage.standings(private) == [] and there.requests == []
        (settings.root / "headgate.toml").write_text("")
        tell(settings.root, there.url, private_lakes=True)
        assert forwarding_lineage.in_passing(private) == ()
        assert there.names() == [run_of("private")]


def test_nobody_is_told_where_settings_say_so(settings: Settings) -> None:
    with receiver() as there:
        tell(settings.root, there.url)
        silent = core_settings.load(settings.root, {"HEADGATE_LINEAGE_FORWARD_SECONDS": "0"})
        assert forwarding_lineage.in_passing(silent) == () and there.requests == []


def test_airflows_events_go_too(settings: Settings) -> None:
    write(settings.lake_path / "_events" / "airflow.jsonl", [event("a task")])
    with receiver() as there:
        tell(settings.root, there.url)
        assert forwarding_lineage.in_passing(settings) == ()
        assert sorted(there.names()) == sorted([*(run_of(n) for n in range(10)), run_of("a task")])
    from headgate.orchestration.airflow import lineage

    assert forwarding_lineage.event_files(settings)[1] == lineage.airflow_events(settings)


def test_a_lake_that_cannot_be_written_fails_no_run(settings: Settings) -> None:
    (settings.lake_path / "_state").write_text("a file where a folder is to be")
    with receiver() as there:
        tell(settings.root, there.url)
        [told] = forwarding_lineage.in_passing(settings)
    assert told.startswith("Lineage was not forwarded to there")


def test_the_command_sends_again_what_was_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(settings.root))
    assert invoke(["lineage", "forward"]) == 2, "there is nobody to be told"
    refused = {run_of(3)}

    def some(_: int, events: list[dict[str, Any]]) -> int:
        return 400 if events[0]["run"]["runId"] in refused else 200

    with receiver(some) as there:
        tell(settings.root, there.url)
        capsys.readouterr()
        assert invoke(["lineage", "forward", "--json"]) == 0
        [found] = json.loads(capsys.readouterr().out)
        assert (found["destination"], found["sent"], found["set_aside"]) == ("there", 9, 1)
        assert invoke(["lineage", "forward", "there", "--rejected"]) == 1
        refused.clear()
        assert invoke(["lineage", "forward", "--rejected"]) == 0
        assert invoke(["lineage", "forward", "other"]) == 2
        assert sorted(there.names()) == [run_of(n) for n in range(10)]
