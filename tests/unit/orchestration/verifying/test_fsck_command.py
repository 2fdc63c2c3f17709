"""`headgate fsck` as a person and a program meet it."""

from __future__ import annotations

import json
import random

import pytest

from headgate.cli.main import invoke
from headgate.orchestration.project import Project
from tests.unit.orchestration.verifying import corruptions
from tests.unit.orchestration.verifying.lakes import BRONZE


def test_it_says_what_is_wrong_where_and_what_to_do_and_mends_what_it_may(
    lake_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(lake_project.settings.root))
    assert invoke(["fsck"]) == 0
    assert "Nothing is wrong." in capsys.readouterr().out

    corruptions.a_contract_missing(lake_project, random.Random(1))
    corruptions.file_deleted(lake_project, random.Random(1))
    corruptions.a_draft_left(lake_project, random.Random(1))
    assert invoke(["fsck"]) == 1
    told = capsys.readouterr().out
    assert "_contracts/" in told and "bronze/irc/messages/part-" in told
    assert "2 errors, 1 warnings." in told
    assert "Restore the file from a copy." in told and "headgate fsck --repair" in told

    assert invoke(["fsck", "--repair"]) == 1
    told = capsys.readouterr().out
    assert told.count("Mended: ") == 2
    assert "1 errors, 0 warnings." in told

    assert invoke(["fsck", BRONZE, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (one,) = found["findings"]
    assert found["exit_code"] == 1
    assert (one["check"], one["severity"], one["dataset"]) == ("file-missing", "error", BRONZE)
    assert one["version"] == 1 and one["remedy"] and one["place"].endswith(".parquet")


def test_what_is_untidy_is_no_failure(
    lake_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADGATE_ROOT", str(lake_project.settings.root))
    corruptions.a_file_that_no_log_names(lake_project, random.Random(1))

    assert invoke(["fsck"]) == 0

    told = capsys.readouterr().out
    assert "0 errors, 1 warnings." in told and "headgate maintain" in told
