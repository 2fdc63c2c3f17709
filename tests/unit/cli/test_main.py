"""The command itself: exit codes, one sentence an error, and no stack trace unless it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headgate.cli import main
from headgate.core.errors import HeadgateError, LakeBusyError, UsageError


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let opening a project fail with ``error``."""

    def fail(_: object = None) -> None:
        raise error

    monkeypatch.setattr("headgate.orchestration.project.Project.open", fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("this is wrong.", remedy="Do that."), 2),
        (LakeBusyError("another run holds the lake."), 1),
        (HeadgateError("no.", place="a.yaml#/name"), 1),
    ],
)
def test_an_error_is_one_line_on_stderr(
    error: HeadgateError,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(error, monkeypatch)
    assert main.invoke(["status"]) == code
    told = capsys.readouterr()
    assert told.err == f"headgate: {error}\n"
    assert told.out == ""


def test_a_defect_is_told_without_its_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(RuntimeError("odd\nand more"), monkeypatch)
    assert main.invoke(["status"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "unexpected RuntimeError: odd" in error
    assert "HEADGATE_DEBUG=1" in error


def test_the_trace_is_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(UsageError("this is wrong."), monkeypatch)
    monkeypatch.setenv("HEADGATE_DEBUG", "1")
    with pytest.raises(UsageError):
        main.invoke(["status"])


@pytest.mark.parametrize(
    "arguments",
    [["bogus"], ["run", "--bogus"], ["release", "rollback"], ["release", "rollback", "one"],
     ["run", "--source", "nonsense"], ["quarantine", "waive", "bronze.irc.messages", "--all"],
     ["quarantine", "replay", "bronze.irc.messages"], ["show", "nothing"], ["show", "rules"],
     ["sql", "select 1", "--json", "--csv"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use_exits_2(
    arguments: list[str], project: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.invoke(arguments) == 2
    told = capsys.readouterr()
    assert told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_outside_a_project_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEADGATE_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main.invoke(["status"]) == 2
    assert "no headgate.toml at or above" in capsys.readouterr().err


def test_a_reader_that_stops_early_is_no_error(project: object) -> None:
    command = "from headgate.cli.main import main; main()"
    ours = [sys.executable, "-c", command, "sql", "select * from range(2000000)", "--csv"]
    with subprocess.Popen(ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"range\r\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == 0
