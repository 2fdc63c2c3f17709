"""Twice is once: every step of a run done again, and done by two processes at once, changes nothing.

Content is compared: the rows of each table and of each released one, what readers find in the
catalogue, and every quarantined row with its state. Accounts hold no batch twice.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.figures import record
from tests.reliability.harness import small
from tests.reliability.harness.warm import End, Warm

SILVER, GOLD = "silver.chat.messages", "gold.community.fct_channel_activity_daily"
#: What a command may say when everything is done already; it then exits with 1.
DONE = ("no open row", "is what readers see already", "is the newest already")
WAIT = {"HEADGATE_LOCK_WAIT_SECONDS": "200"}


def _tighten(root: Path) -> None:
    """Demand more of stored rows, so that an audit has some to set aside."""
    path = root / "data_contracts/irc/bronze_messages/contract.odcs.yaml"
    text = path.read_text("utf-8")
    assert "logicalTypeOptions: {maxLength: 512}" in text, "the rule that is tightened is gone"
    path.write_text(text.replace("logicalTypeOptions: {maxLength: 512}",
                                 "logicalTypeOptions: {maxLength: 20}"), "utf-8")  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A command on a lake that stands at ``base``; ``change`` is done to the project before."""

    name: str
    base: str
    command: Callable[[Path], list[str]]
    change: Callable[[Path], None] | None = None


STEPS = (
    Step("take, build and release", "empty", lambda root: ["run", *small.sources(root, 1)]),
    Step("take edits, build and release", "day 1", lambda root: ["run", *small.sources(root, 2)]),
    Step("take one file", "empty",
         lambda root: ["run", "--source", f"{small.IRC}={root}/days/1/irc/2009-05-04.jsonl"]),
    Step("replay", "day 1", lambda root: ["quarantine", "replay", small.IRC, "--all"],
         small.loosen),
    Step("waive", "day 2", lambda root: ["quarantine", "waive", small.IRC, "--all", "--by", "ada",
                                         "--why", "known"]),
    Step("build a model anew", "day 2", lambda root: ["rebuild", SILVER]),
    Step("build a transform anew", "day 2", lambda root: ["rebuild", "silver.chat.conversations"]),
    Step("build an aggregate anew", "day 2", lambda root: ["rebuild", GOLD]),
    Step("rebuild from rows", "day 2", lambda root: ["rebuild", small.IRC]),
    Step("set stored rows aside", "day 2", lambda root: ["audit", small.IRC, "--apply"], _tighten),
    Step("roll back", "day 2", lambda root: ["release", "rollback", "1"]),
    Step("maintain", "day 2", lambda root: ["maintain"]),
)  # fmt: skip
#: Those that the short form tries.
SHORT = {"take one file"}


class Bench:
    """Two warm processes and a project at one place, whose lake is put back before each step."""

    def __init__(self, folder: Path, warm: tuple[Warm, Warm]) -> None:
        self.folder, self.root, self.warm = folder, folder / "project", warm
        small.make(self.root)
        shutil.copytree(self.root / "data_contracts", folder / "contracts")
        (folder / "empty").mkdir()
        (self.root / "lake").mkdir()

    def days(self) -> None:
        """Prepare the lakes that later steps begin with."""
        for day in (1, 2) if not (self.folder / "day 1").exists() else ():
            end = self.run("run", *small.sources(self.root, day))
            assert end.code == 0, end.text
            shutil.copytree(self.root / "lake", self.folder / f"day {day}")

    def put_back(self, step: Step) -> None:
        """Put project and lake where the step begins."""
        if step.base != "empty" and not (self.folder / step.base).exists():
            for name, source in (("lake", "empty"), ("data_contracts", "contracts")):
                shutil.rmtree(self.root / name)
                shutil.copytree(self.folder / source, self.root / name)
            self.days()
        for name, source in (("lake", step.base), ("data_contracts", "contracts")):
            shutil.rmtree(self.root / name)
            shutil.copytree(self.folder / source, self.root / name)
        if step.change:
            step.change(self.root)

    def run(self, *arguments: str, by: int = 0) -> End:
        env = {**small.SETTINGS, **WAIT}
        return self.warm[by].command(self.root, *arguments, env=env)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.warm[0].state(self.root)
        assert found["unfinished"] == 0 and found["left"] == []
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Warm() as one, Warm() as other:
        yield Bench(tmp_path_factory.mktemp("twice"), (one, other))


@pytest.mark.parametrize(
    "step",
    [pytest.param(s, id=s.name, marks=() if s.name in SHORT else pytest.mark.long) for s in STEPS],
)
def test_done_again_and_done_at_once_it_is_done_once(bench: Bench, step: Step) -> None:
    bench.put_back(step)
    before = bench.state() if step.base != "empty" else None
    _well(bench.run(*step.command(bench.root)))
    once = bench.state()
    _well(bench.run(*step.command(bench.root)), again=True)
    again = bench.state()

    bench.put_back(step)
    with ThreadPoolExecutor(2) as both:
        ends = list(both.map(lambda by: bench.run(*step.command(bench.root), by=by), (0, 1)))
    for end in ends:
        _well(end, again=True)
    assert any(end.code == 0 for end in ends), [end.text for end in ends]
    at_once = bench.state()

    assert content(again) == content(once)
    assert content(at_once) == content(once)
    if step.name not in ("maintain", "build a model anew", "build a transform anew",
                         "build an aggregate anew", "rebuild from rows"):  # fmt: skip
        assert before is None or content(once) != content(before), "the step did nothing"
    for found in (once, again, at_once):
        assert not doubles(found)
    done = len(SHORT) if step.name in SHORT else len(STEPS)
    record("twice", steps=done, ways=2, differences=0, short=step.name in SHORT)


def _well(end: End, *, again: bool = False) -> None:
    """The command ended well; ``again``, it may also say that there is nothing left to do."""
    done = again and any(words in end.text for words in DONE)
    assert end.code == 0 or done, end.text
    assert not end.left, f"processes are left behind: {end.left}"


def content(state: dict[str, Any]) -> dict[str, Any]:
    """What a lake holds, whatever the numbers of versions and releases."""
    return {
        "tables": {d: told[1:] for d, told in state["tables"].items()},
        "quarantine": state["quarantine"],
        "released": state["readers"]["tables"],
        "catalogue": (state["readers"]["catalog"] or {}).get("tables"),
    }


def doubles(state: dict[str, Any]) -> list[tuple[str, ...]]:
    """Deliveries that were published twice, and versions with two accounts."""
    taken: Counter[tuple[str, ...]] = Counter()
    for dataset, version, kind, _, content_hash, outcome, *_ in state["accounts"]:
        if outcome == "published":
            taken["version", dataset, version] += 1
            if kind == "ingest":
                taken["delivery", dataset, content_hash] += 1
    return [what for what, times in taken.items() if times > 1]
