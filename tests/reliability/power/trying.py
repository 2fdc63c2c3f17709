"""Cuts the power at a seeded place of a recorded history, starts again, and says what is not as it was told."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field
from typing import Any

from tests.reliability.filesystem import crash
from tests.reliability.filesystem.crash import Disk
from tests.reliability.harness.kills import differences
from tests.reliability.power.history import SETTINGS, History
from tests.reliability.power.warm import Warm

#: What a command says when it is given again and all of it was done before.
_DONE = ("no open row", "is what readers see already", "is the newest already", "nothing")


@dataclass
class Cut:
    """One power cut: where, on what disk, in which step, and all that was wrong after it."""

    seed: int
    at: int
    before: str
    way: str
    step: str
    lost: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.lost or self.unreadable or self.wrong)


def place_of(history: History, seed: int) -> tuple[int, str, random.Random]:
    """Where the power goes (before which operation), what the disk then does, and what chance is left."""
    chance = random.Random(seed)
    return crash.cuts(history.operations, chance), chance.choice(list(crash.WAYS)), chance


def try_cut(warm: Warm, history: History, seed: int) -> Cut:
    """Cut, build what the disk holds, start again, and compare with what was told."""
    at, way, chance = place_of(history, seed)
    number = history.step_at(at)
    before = history.operations[at] if at < len(history.operations) else None
    found = Cut(seed, at, f"{before.kind} {before.path}" if before else "the end", way,
                history.steps[number].name)  # fmt: skip
    disk = Disk()
    for operation in history.operations[:at]:
        disk.do(operation)
    put(history, number, disk.after_the_cut(way, chance))
    step = history.steps[number]
    # Whoever gave the command was not told that it ended, and gives it again.
    for command in step.commands:
        ended = warm.command(history.root, *command, env=SETTINGS)
        if ended.code != 0 and not any(told in ended.text for told in _DONE):
            found.wrong.append(f"{' '.join(command)} ended with {ended.code}: {ended.text[-800:]}")
        found.notes += [line for line in ended.text.splitlines() if "set aside as" in line]
    _compare(warm, history, number, at, found)
    return found


def _compare(warm: Warm, history: History, number: int, at: int, found: Cut) -> None:
    try:
        now = warm.state(history.root, "promised")
        state = warm.state(history.root)
    except AssertionError as error:
        found.unreadable.append(str(error)[-800:])
        return
    found.lost += missing(history.promised_at(at), now)
    wanted, once = history.states[number], history.steps[number].once
    found.wrong += differences(_comparable(wanted, once), _comparable(state, once))


def _comparable(state: dict[str, Any], once: bool) -> dict[str, Any]:
    """What must be the same: all but drafts that maintenance removes; where a command may do more
    when it is given again, the rows that there are then."""
    if once:
        return {k: v for k, v in state.items() if k != "left"}
    return {
        "tables": {name: rows for name, (_, *rows) in state["tables"].items()},
        "readers": state["readers"]["tables"],
        "quarantine": state["quarantine"],
        "unfinished": state["unfinished"],
    }


def missing(promised: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What was promised and is not so any more."""
    return [
        f"{what} {name}: told {value}, found {now[what].get(name)}"
        for what, told in promised.items()
        for name, value in told.items()
        if now[what].get(name) != value
    ]


def put(history: History, number: int, state: dict[str, bytes | None]) -> None:
    """The disk's state as the lake, and the project as it was at the step."""
    for name in ("data_contracts", "dbt_project"):
        shutil.rmtree(history.root / name)
        shutil.copytree(history.projects[number] / name, history.root / name)
    lake = history.root / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    if "/_state/boot" in state:
        state["/_state/boot"] = b"the start of the machine before"
    crash.write(state, lake)
