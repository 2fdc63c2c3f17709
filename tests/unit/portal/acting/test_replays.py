"""Replays from the page: in a process of their own, one at a time, told how they go, and whole or nothing."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from headgate.core.errors import LakeBusyError
from headgate.lake.lake import Lake
from headgate.orchestration.project import Project
from headgate.orchestration.run import run
from headgate.portal import addresses
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.acting.choosing import Choice
from headgate.portal.acting.replays import Replay, Replays
from headgate.portal.records import chain
from headgate.portal.records.opening import open_records
from tests.shown_lake import IRC, OWNER
from tests.unit.portal.page import read
from tests.unit.portal.pages.test_quarantine import rows, said, send

REASON = "author.max_length"
FIELDS = {"which": "reason", "reason": REASON, "why": "the limit was wrong"}
PATIENCE = 120.0


@pytest.fixture
def mended(own_project: Project) -> Project:
    """A lake whose contract lets one of the refused rows pass now."""
    path = own_project.contracts[IRC].path
    text = path.read_text("utf-8")
    before = "logicalTypeOptions: {minLength: 1, maxLength: 200}\n        customProperties"
    assert text.count(before) == 1
    path.write_text(text.replace(before, before.replace("200", "300")), "utf-8")
    return Project.open(own_project.settings.root)


@pytest.fixture
def own(mended: Project, serve: Callable[..., TestClient]) -> TestClient:
    """A portal over it, as the owner of the dataset."""
    return serve(mended, role=Role.OWNER, teams={OWNER})


def ended(client: TestClient, address: str) -> Any:
    """The page of a replay once it has ended."""
    until = time.monotonic() + PATIENCE
    while True:
        page = read(client.get(address))
        if not page.all("meta[http-equiv=refresh]"):
            return page
        assert time.monotonic() < until, page.text("main")
        time.sleep(0.2)


def everything(project: Project) -> int:
    """Rows of the table."""
    snapshot = Lake(project.settings).snapshot(IRC)
    assert snapshot is not None
    return snapshot.rows


def test_what_passes_now_comes_back(own: TestClient, mended: Project) -> None:
    before, releases = everything(mended), mended.releases.ids()
    answer = send(own, "replay", FIELDS)
    assert answer.status_code == 303, answer.text
    page = ended(own, answer.headers["location"])
    assert "1 rows came back, 0 were refused again" in page.text("main")
    assert everything(mended) == before + 1
    assert mended.releases.ids() == [*releases, releases[-1] + 1]
    assert [r.reasons[0]["code"] for r in rows(mended, "replayed")] == [REASON]
    assert len(rows(mended)) == 3
    done, asked = _both(own)
    assert (asked.detail["step"], done.detail["step"]) == ("asked", "done")
    assert (done.who, done.detail["why"]) == ("local:owner", FIELDS["why"])
    assert done.detail["counts"]["published"] == 1
    # A portal that began anew has the record of it.
    state = own.app.state  # type: ignore[attr-defined]
    state.served = dataclasses.replace(state.served, replays=Replays(mended.settings))
    page = read(own.get(answer.headers["location"]))
    assert [r["what"] for r in page.table("On record")] == ["it was done", "began it"]
    assert own.get(addresses.replay(IRC, "nothing")).status_code == 404


def test_a_process_that_dies_leaves_nothing_half(
    own: TestClient, mended: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(mended)
    monkeypatch.setenv("HEADGATE_FAILPOINT", "ledger.before_append")
    answer = send(own, "replay", FIELDS)
    page = ended(own, answer.headers["location"])
    monkeypatch.delenv("HEADGATE_FAILPOINT")
    assert "was ended by signal 9" in page.one("div[role=alert]").text
    failed, _ = _both(own)
    assert failed.detail["step"] == "failed"
    # Committed, and no ledger knows; the next run puts that right, and nothing is there twice.
    assert not run(Project.open(mended.settings.root)).problems
    assert everything(mended) == before + 1
    assert [r.reasons[0]["code"] for r in rows(mended, "replayed")] == [REASON]
    told = read(own.get(addresses.batches(IRC))).table("Batches, the newest first")
    assert [r["published"] for r in told if r["from"].startswith("replay")] == ["1"]


def test_a_portal_that_dies_leaves_the_replay_to_end_by_itself(
    mended: Project, tmp_path: Path
) -> None:
    before = everything(mended)
    told = subprocess.run(
        [sys.executable, "-c", _BEGIN, str(mended.settings.root), str(tmp_path / "portal.db")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == -signal.SIGKILL, told.stderr
    until = time.monotonic() + PATIENCE
    while not rows(mended, "replayed") or _is_held(mended):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert everything(mended) == before + 1
    assert len(rows(mended)) == 3
    # Nothing was left for the next run to put right, and a page that asks has what the log has.
    with closing(open_records(tmp_path / "portal.db")) as records:
        (entry,) = chain.entries(records, action="replayed", subject=IRC)
    assert entry.detail["step"] == "asked"
    assert not run(Project.open(mended.settings.root)).batches


def test_one_replay_at_a_time(own: TestClient, mended: Project) -> None:
    state = own.app.state  # type: ignore[attr-defined]
    busy = Replays(mended.settings)
    state.served = dataclasses.replace(state.served, replays=busy)
    other = Replay("other", "bronze.chat.users", "ada", Choice("all", why="w"), _now())
    busy._known["other"] = other
    answer = send(own, "replay", FIELDS)
    assert answer.status_code == 409
    page = read(answer)
    assert "ada is replaying rows of bronze.chat.users" in page.one("div[role=alert]").text
    assert page.one("textarea").text == FIELDS["why"]
    assert said(own, "replayed") == []
    assert len(rows(mended)) == 4


def test_a_busy_lake_is_told_on_the_page_of_the_replay(own: TestClient, mended: Project) -> None:
    with Lake(mended.settings).run_lock("some-run", "headgate run"):
        answer = send(own, "replay", FIELDS)
        page = ended(own, answer.headers["location"])
    told = page.one("div[role=alert]").text
    assert "another run holds the lake" in told
    assert len(rows(mended)) == 4


def test_what_cannot_be_put_on_record_is_not_begun(mended: Project) -> None:
    class Broken:
        """Records that cannot be written."""

        def writing(self) -> Any:
            raise OSError("no space left")

    busy = Replays(mended.settings)
    person = Person("ada", Role.ADMIN)
    with pytest.raises(OSError, match="no space"):
        busy.begin(IRC, Choice("all", why="w"), person, Broken())  # type: ignore[arg-type]
    assert busy.running() is None


#: A portal that begins a replay and is killed as soon as that says that it goes on.
_BEGIN = """
import os, sys, time
from pathlib import Path
from headgate.orchestration.project import Project
from headgate.portal.access.people import Person
from headgate.portal.access.roles import Role
from headgate.portal.acting.choosing import Choice
from headgate.portal.acting.replays import Replays
from headgate.portal.records.opening import open_records
replays = Replays(Project.open(Path(sys.argv[1])).settings)
begun = replays.begin(
    "bronze.irc.messages", Choice("reason", (), "author.max_length", "w"),
    Person("ada", Role.ADMIN), open_records(Path(sys.argv[2])),
)
while not replays.get(begun.id).steps:
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


def _is_held(project: Project) -> bool:
    """Whether a run holds the lake."""
    try:
        with Lake(project.settings).run_lock("a-look", "test"):
            return False
    except LakeBusyError:
        return True


def _both(client: TestClient) -> tuple[chain.Entry, chain.Entry]:
    """The end and the beginning of the only replay, as the log has them."""
    until = time.monotonic() + PATIENCE
    while len(said(client, "replayed")) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    done, asked = said(client, "replayed")
    return done, asked


def _now() -> Any:
    from headgate.core import clock

    return clock.now()
