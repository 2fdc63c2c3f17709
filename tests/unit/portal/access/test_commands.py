"""`headgate portal token` and `headgate portal audit`: tokens are told once, and the log is proven."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from headgate.portal.access.tokens import PREFIX, Keys
from headgate.portal.records.opening import open_records, where

#: Runs `headgate portal …`; gives the exit status, what was printed, and what was said beside it.
Portal = Callable[..., tuple[int, str, str]]


@pytest.fixture
def portal(project: Project, capsys: pytest.CaptureFixture[str]) -> Portal:
    project.settings.lake_path.mkdir()

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = invoke(["portal", *words])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_a_token_is_told_once_and_listed_without_it(portal: Portal, project: Project) -> None:
    status, text, said = portal("token", "create", "ci", "--role", "owner", "--team", "us")
    assert status == 0 and text.strip().startswith(PREFIX) and "ci, a owner" in said
    records = open_records(where(project.settings))
    found = Keys(records).find(text.strip())
    assert found is not None and found.person.teams == {"us"}
    status, listed, _ = portal("token", "list", "--json")
    assert [t["name"] for t in json.loads(listed)] == ["ci"] and text.strip() not in listed
    assert portal("token", "list")[1].count("ci") >= 1
    assert portal("token", "revoke", "ci")[0] == 0
    assert Keys(records).find(text.strip()) is None
    assert portal("token", "revoke", "none")[0] == 1
    assert portal("token", "create", "x", "--role", "chief")[0] == 2
    records.close()


def test_the_log_is_proven_and_a_change_in_it_is_told(portal: Portal, project: Project) -> None:
    portal("token", "create", "ci")
    portal("token", "revoke", "ci")
    status, head, said = portal("audit", "verify")
    assert (status, head.partition(":")[0]) == (0, "2") and "All 2 entries" in said
    status, exported, said = portal("audit", "export")
    lines = [json.loads(line) for line in exported.splitlines()]
    assert [e["action"] for e in lines] == ["token_made", "token_revoked", "exported"]
    assert all(e["who"].startswith("local:") for e in lines) and lines[-1]["hash"] in said
    assert portal("audit", "verify", "--head", head.strip())[0] == 0
    assert portal("audit", "verify", "--head", "2:" + "0" * 64)[0] == 1
    assert portal("audit", "verify", "--head", "9:" + "0" * 64)[0] == 1
    assert portal("audit", "verify", "--head", "none")[0] == 2
    records = open_records(where(project.settings))
    with records.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER portal_entry_stays")
        connection.exec_driver_sql("UPDATE portal_entry SET who = 'eve' WHERE number = 2")
    records.close()
    status, _, said = portal("audit", "verify")
    assert status == 1 and "Entry 2 was changed" in said


def test_without_a_lake_or_records_it_says_so(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["portal", "token", "create", "ci"]) == 2
    assert "no lake yet" in capsys.readouterr().err
    assert not project.settings.lake_path.exists()
    project.settings.lake_path.mkdir()
    assert invoke(["portal", "audit", "verify"]) == 1
    assert "there is no database of the portal" in capsys.readouterr().err
