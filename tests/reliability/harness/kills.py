"""Kills a command at a seeded point, looks at what readers see, starts it again, and compares.

A point is told by its seed alone: which command, whether at the N-th call or return in Python or
at the N-th system call that changes a file of the lake, and N.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.reliability.harness import small
from tests.reliability.harness.syscalls import Watch
from tests.reliability.harness.warm import End, Warm

#: What a command may end with when it is given again after all was done: nothing is left to do.
_DONE_ALREADY = ("no open row", "is what readers see already", "is the newest already")


@dataclass(frozen=True)
class Scenario:
    """A command on a lake that stands at ``base``; ``change`` is done to the project before.

    ``twice`` kills the recovery too. A command that is done ``anew`` each time it is given (a
    replay judges again what stays open, a rebuild all) may leave more versions of the same rows, and no other rows.
    """

    name: str
    share: int
    base: str
    command: Callable[[Path], Sequence[str]]
    change: Callable[[Path], None] | None = None
    twice: bool = False
    anew: bool = False


def _first(root: Path) -> list[str]:
    return ["run", *small.sources(root, 1)]


def _second(root: Path) -> list[str]:
    return ["run", *small.sources(root, 2)]


def _replay(root: Path) -> list[str]:
    return ["quarantine", "replay", small.IRC, "--all"]


def _waive(root: Path) -> list[str]:
    return ["quarantine", "waive", small.IRC, "--reason", "malformed_json", "--by", "ada",
            "--why", "known"]  # fmt: skip


FIRST = Scenario("a first run", 28, "empty", _first)
SECOND = Scenario("a second run", 28, "day 1", _second)
REPLAY = Scenario("a replay", 8, "day 1", _replay, change=small.loosen, anew=True)
ROLLBACK = Scenario("a rollback", 5, "day 2", lambda root: ["release", "rollback", "1"])
SCENARIOS = (
    FIRST,
    SECOND,
    REPLAY,
    ROLLBACK,
    Scenario("a first run and its recovery", 10, "empty", _first, twice=True),
    Scenario("a second run and its recovery", 10, "day 1", _second, twice=True),
    Scenario("a replay and its recovery", 4, "day 1", _replay, change=small.loosen, twice=True,
             anew=True),
    Scenario("a rebuild", 5, "day 2", lambda root: ["rebuild", small.IRC], anew=True),
    Scenario("a waiver", 2, "day 2", _waive),
    Scenario("maintenance", 3, "day 2", lambda root: ["maintain"], anew=True),
)  # fmt: skip


@dataclass(frozen=True)
class Expected:
    """What the undisturbed command comes to, how long it takes, and how many points it has."""

    state: dict[str, Any]
    versions: dict[str, dict[str, Any]]
    releases: dict[str, Any]
    seconds: float
    calls: int
    events: int
    kinds: dict[str, int]


@dataclass
class Killed:
    """One point that was tried: where it was, whether the process died there, what was wrong, and
    what the command said when it was given again."""

    seed: int
    scenario: str
    how: str
    where: str = ""
    reached: bool = False
    wrong: list[str] = field(default_factory=list)
    recovery: float = 0.0
    undisturbed: float = 0.0
    said: str = ""


class Bench:
    """A warm process with a project of its own, at one place: what a lake's files say of paths holds."""

    def __init__(self, warm: Warm, folder: Path) -> None:
        self.warm, self.folder, self.root = warm, folder, folder / "project"
        self.lake = self.root / "lake"
        self._expected: dict[str, Expected] = {}
        small.make(self.root)
        shutil.copytree(self.root / "data_contracts", folder / "contracts")
        (folder / "bases").mkdir()
        self._prepare()

    def run(
        self, arguments: Sequence[str], *, more: Mapping[str, str] | None = None, **how: Any
    ) -> End:
        """A command in a fork, with the settings of the small project, and ``more`` of them."""
        env = {**small.SETTINGS, **(more or {})}
        return self.warm.command(self.root, *arguments, env=env, **how)

    def at(self, base: str, change: Callable[[Path], None] | None = None) -> None:
        """Put project and lake where they were: ``empty``, after ``day 1``, after ``day 2``."""
        for name, source in (("lake", self.folder / "bases" / base),
                             ("data_contracts", self.folder / "contracts")):  # fmt: skip
            shutil.rmtree(self.root / name, ignore_errors=True)
            shutil.copytree(source, self.root / name, symlinks=True)
        if change:
            change(self.root)

    def expected(self, scenario: Scenario) -> Expected:
        """The undisturbed command, run once for its end and once for each way of counting."""
        key = f"{scenario.base}: {' '.join(scenario.command(self.root))}"
        if key not in self._expected:
            command = scenario.command(self.root)
            ends = []
            for how in ({}, {"watch": Watch(self.lake)}, {"count_events": True}):
                self.at(scenario.base, scenario.change)
                ends.append(self.run(command, **how))
                assert ends[-1].code == 0, ends[-1].text
            self.settle()
            self._expected[key] = Expected(
                self.warm.state(self.root), self.warm.state(self.root, "versions"),
                self.warm.state(self.root, "releases"), ends[0].seconds, ends[1].calls,
                ends[2].events, ends[1].kinds,
            )  # fmt: skip
        return self._expected[key]

    def settle(self) -> End:
        """`headgate run` over no source at all."""
        found = self.run(["run"])
        assert found.code == 0, found.text
        return found

    def try_point(self, seed: int, among: Sequence[Scenario] = SCENARIOS) -> Killed:
        """Kill at the point that ``seed`` stands for, start again, and say what was not as it must be."""
        chance = random.Random(seed)
        scenario = chance.choices(among, [s.share for s in among])[0]
        expected = self.expected(scenario)
        self.at(scenario.base, scenario.change)
        command = scenario.command(self.root)
        found = Killed(seed, scenario.name, "", undisturbed=expected.seconds)
        for _ in range(2 if scenario.twice else 1):
            end = self._kill(chance, command, expected, found)
            self.look(scenario, found, expected, end)
        self.go_on(scenario, found, expected, first_settle=chance.random() < 0.5)
        return found

    def try_failpoint(self, scenario: Scenario, name: str, *, times: int = 1) -> Killed:
        """Kill at a named place, and with more ``times`` there again in what recovers."""
        expected = self.expected(scenario)
        self.at(scenario.base, scenario.change)
        found = Killed(0, scenario.name, name, undisturbed=expected.seconds)
        for _ in range(times):
            end = self.run(scenario.command(self.root), failpoint=name)
            found.reached |= end.code == -signal.SIGKILL
            self.look(scenario, found, expected, end)
        self.go_on(scenario, found, expected)
        return found

    def go_on(
        self, scenario: Scenario, found: Killed, expected: Expected, *, first_settle: bool = False
    ) -> None:
        """Run to the end, and compare with the undisturbed."""
        # Whoever was told nothing may give the command again, or let the next run go on first. Not
        # where that command is a run over sources: one without them releases what was taken of them,
        # and replays what waited for it, which is another history. A part's next try is all there is.
        if first_settle and scenario.command(self.root)[0] not in ("run", "part"):
            self.settle()
        again = self.run(scenario.command(self.root))
        found.recovery, found.said = again.seconds, again.text
        if again.code != 0 and not any(told in again.text for told in _DONE_ALREADY):
            found.wrong.append(f"started again, it ended with {again.code}: {again.text}")
        if scenario.command(self.root)[0] != "run":  # or it has run
            settled = self.run(["run"])
            if settled.code != 0:
                found.wrong.append(f"the run after that ended with {settled.code}: {settled.text}")
        told = self.warm.state(self.root)
        wanted = expected.state
        if scenario.anew:
            wanted, told = without_versions(wanted), without_versions(told)
        found.wrong += differences(wanted, told)

    def _kill(
        self, chance: random.Random, command: Sequence[str], expected: Expected, found: Killed
    ) -> End:
        if chance.random() < 0.5:
            at = chance.randint(1, expected.calls)
            end = self.run(command, watch=Watch(self.lake, at=at))
            told = f"system call {at}"
        else:
            at = chance.randint(1, expected.events)
            end = self.run(command, kill_at_event=at)
            told = f"Python event {at}"
        found.how += f"{', then ' if found.how else ''}{told}"
        found.where += end.stopped
        found.reached |= end.code == -signal.SIGKILL
        return end

    def look(self, scenario: Scenario, found: Killed, expected: Expected, end: End | None) -> None:
        """Readers see one release, whole; every table stands at a version that the undisturbed has."""
        if end is not None and end.code not in (0, -signal.SIGKILL):
            found.wrong.append(f"it ended with {end.code} before it was killed: {end.text}")
        if end is not None and end.left:
            found.wrong.append(f"processes were left behind: {end.left}")
        told = self.warm.state(self.root, "survey")
        seen = told["readers"]
        for who, sees in (("readers", seen), ("the catalogue", seen["catalog"])):
            if sees is None or sees["release"] is None:
                continue
            whole = expected.releases.get(str(sees["release"]))
            if sees["tables"] != whole and not scenario.anew:
                found.wrong.append(f"{who} see no whole release {sees['release']}: {sees}")
        for dataset, (version, rows) in told["heads"].items():
            known = expected.versions.get(dataset, {})
            if rows not in ([known.get(str(version))], list(known.values()))[scenario.anew]:
                found.wrong.append(f"{dataset} is torn at version {version}: {rows}")

    def _prepare(self) -> None:
        """The lakes from which the scenarios start; only a cache is in the first."""
        learned = self.warm.learn(self.root, *_first(self.root), env=small.SETTINGS)
        assert learned.code == 0, learned.text
        for left in self.lake.iterdir():
            if left.name != "_cache":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        self._keep("empty")
        for day, command in ((1, _first), (2, _second)):
            ended = self.run(command(self.root))
            assert ended.code == 0, ended.text
            self.settle()
            self._keep(f"day {day}")

    def _keep(self, base: str) -> None:
        shutil.copytree(self.lake, self.folder / "bases" / base, symlinks=True)


def without_versions(state: dict[str, Any]) -> dict[str, Any]:
    """What is left of a state if the same rows may stand in other versions."""
    return {
        "tables": {d: rows[1:] for d, rows in state["tables"].items()},
        "quarantine": state["quarantine"],
        "taken": [a for a in state["accounts"] if a[2] == "ingest"],
        # What replays published, by delivery; the last figures of a batch are its account.
        "replayed": sorted(a[:1] + a[3:5] + a[8:9] for a in state["accounts"]
                           if a[2] == "replay" and a[8] != "0"),
        "readers": state["readers"]["tables"], "catalog": state["readers"]["catalog"]["tables"],
        "unfinished": state["unfinished"], "left": state["left"],
    }  # fmt: skip


def differences(wanted: Any, given: Any, where: str = "") -> list[str]:
    """What differs between two states, place by place."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        return [
            told
            for key in sorted({*wanted, *given})
            for told in differences(wanted.get(key), given.get(key), f"{where}/{key}")
        ]
    if wanted == given:
        return []
    if isinstance(wanted, list) and isinstance(given, list):
        missing = [w for w in wanted if w not in given]
        more = [g for g in given if g not in wanted]
        if missing or more:
            return [f"{where}: missing {missing[:5]}, and there are {more[:5]}"]
    return [f"{where}: expected {wanted}, found {given}"]


def report(wrong: Sequence[Killed]) -> str:
    """What was wrong at the first points, in full."""
    lines = [f"{len(wrong)} points left something wrong; seeds {[k.seed for k in wrong][:40]}"]
    for k in wrong[:5]:
        lines += [f"seed {k.seed}: {k.scenario}, killed at {k.how} {k.where}"]
        lines += [f"    {told[:2_000]}" for told in k.wrong]
    return "\n".join(lines)
