"""`headgate portal`: what it says before it can serve anything."""

from __future__ import annotations

import socket
from importlib.machinery import ModuleSpec

import pytest

from headgate.cli import portal as command
from headgate.cli.main import invoke
from headgate.orchestration.project import Project


@pytest.fixture
def lake(own_project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A lake of one's own, which the command works in."""
    monkeypatch.setenv("HEADGATE_ROOT", str(own_project.settings.root))
    return own_project


def test_without_a_lake_it_says_what_makes_one(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["portal"]) == 2
    told = capsys.readouterr().err
    assert "there is no lake yet" in told and "make demo" in told


def test_a_port_that_is_taken_is_told(lake: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert invoke(["portal", "--port", str(port)]) == 2
    assert f"port {port} of 127.0.0.1 is in use" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_where_others_can_reach_it_nothing_is_served_unguarded(
    lake: Project, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["portal", "--port", "0", "--host", host]) == 2
    told = capsys.readouterr().err
    assert "portal_oidc_issuer" in told


def test_without_its_libraries_it_says_what_installs_them(
    lake: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = command.find_spec

    def missing(name: str) -> ModuleSpec | None:
        return None if name == "jinja2" else real(name)

    monkeypatch.setattr(command, "find_spec", missing)
    assert invoke(["portal"]) == 2
    told = capsys.readouterr().err
    assert "jinja2 is not installed" in told and "make portal" in told
