"""Lets what a run needs of the machine give out: a write fails, files cannot be opened, memory ends.

Like a kill, and told instead of suffered: the run ends with a sentence that names what gave out and
what to do, readers see a whole release, and the next run ends as the undisturbed one.
"""

from __future__ import annotations

import errno
import os
import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.reliability.harness import kills
from tests.reliability.harness.kills import Bench, Killed, Scenario
from tests.reliability.harness.syscalls import Watch
from tests.reliability.harness.warm import End

#: What a call of each kind may fail with.
ERRNOS: Mapping[str, tuple[int, ...]] = {
    "write": (errno.ENOSPC, errno.EIO, errno.EDQUOT),
    "create": (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.EIO),
    "fsync": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "rename": (errno.ENOSPC, errno.EROFS, errno.EIO),
    "link": (errno.ENOSPC, errno.EROFS, errno.EIO),
    "mkdir": (errno.ENOSPC, errno.EROFS, errno.EDQUOT),
    "truncate": (errno.ENOSPC, errno.EIO),
    "unlink": (errno.EROFS, errno.EIO),
}
#: Commands among which a fault is drawn.
COMMANDS = tuple(s for s in kills.SCENARIOS if not s.twice)
#: What must not stand in what a person is told.
_UNTOLD = ("Traceback", "defect of Headgate", '  File "')
#: Why a file is set aside that could not be read for want of something, and taken again once the
#: settings give it more.
_WANTING = ("reader_memory", "reader_crashed")
#: How a process ends in which memory ran out below Python, in a library that cannot go on then; the
#: last is the system's loader, which had none for a thread.
_ABORTED = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGKILL, 127)


@dataclass
class Failed(Killed):
    """One thing that gave out, and what the run said to it."""

    said: str = ""
    code: int = 0
    limits: dict[str, int] = field(default_factory=dict)


def try_fault(bench: Bench, seed: int) -> Failed:
    """Let the call that ``seed`` stands for fail, once or with all after it; then start again."""
    chance = random.Random(seed)
    scenario = chance.choices(COMMANDS, [s.share for s in COMMANDS])[0]
    kind = chance.choice(sorted(ERRNOS))
    error, on = chance.choice(ERRNOS[kind]), chance.random() < 0.5
    expected = bench.expected(scenario)
    most = expected.kinds.get(kind, 0)
    found = Failed(seed, scenario.name, f"{errno.errorcode[error]} at {kind} ",
                   undisturbed=expected.seconds)  # fmt: skip
    if not most:
        return found
    at = chance.randint(1, most)
    found.how += f"{at} of {most}{' and from then on' if on else ''}"
    bench.at(scenario.base, scenario.change)
    watch = Watch(bench.lake, at=at, error=error, on=on, kinds=(kind,))
    end = bench.run(scenario.command(bench.root), watch=watch)
    found.where, found.reached = end.stopped, bool(end.stopped)
    judge(bench, scenario, found, end, told=(os.strerror(error).lower(),))
    return found


def try_limits(
    bench: Bench, scenario: Scenario, told: tuple[str, ...], *,
    limits: dict[str, int] | None = None, env: Mapping[str, str] | None = None,
) -> Failed:  # fmt: skip
    """Run under limits of the system (names of ``resource``) or settings that are too tight."""
    expected = bench.expected(scenario)
    bench.at(scenario.base, scenario.change)
    found = Failed(0, scenario.name, f"{limits or ''} {dict(env or {})}",
                   undisturbed=expected.seconds, limits=limits or {})  # fmt: skip
    end = bench.run(scenario.command(bench.root), limits=limits, more=dict(env or {}))
    found.reached = end.code != 0
    judge(bench, scenario, found, end, told=told, may_abort=True)
    return found


def judge(
    bench: Bench, scenario: Scenario, found: Failed, end: End, *, told: tuple[str, ...],
    may_abort: bool = False,
) -> None:  # fmt: skip
    """What was said, what is seen, and how it ends once nothing gives out any more."""
    expected = bench.expected(scenario)
    found.said, found.code = end.text.strip()[-600:], end.code
    text = end.text.lower()
    wanting = may_abort and any(
        _is_wanting(row)
        for rows in bench.warm.state(bench.root)["quarantine"].values()
        for row in rows
    )
    if wanting:
        _take_again(bench, scenario, found)
        return
    if any(u.lower() in text for u in _UNTOLD):
        found.wrong.append(f"a person is shown the inside: {end.text[-3000:]}")
    if end.code == 1:
        if not any(t in text for t in told):
            found.wrong.append(f"what gave out is not told: {end.text[-1500:]}")
        if "run again" not in text:
            found.wrong.append(f"no remedy is told: {end.text[-1500:]}")
    elif end.code != 0 and not (may_abort and end.code in _ABORTED):
        found.wrong.append(f"it ended with {end.code}: {end.text[-1500:]}")
    bench.look(scenario, found, expected, None)
    bench.go_on(scenario, found, expected)


def _take_again(bench: Bench, scenario: Scenario, found: Failed) -> None:
    """A file was set aside because reading it took more than there was: the run went on without it,
    which is another history; a run with other reader settings takes it, as its reason says, and then
    there are the same rows."""
    for command in (["fsck", "--deep"], scenario.command(bench.root), ["fsck", "--deep"]):
        again = bench.run(command, more={"HEADGATE_READER_SECONDS": "5"})
        if again.code != 0:
            found.wrong.append(f"{command[0]} ended with {again.code}: {again.text[-3000:]}")
    wanted, given = bench.expected(scenario).state, bench.warm.state(bench.root)
    open_rows = [
        row
        for rows in given["quarantine"].values()
        for row in rows
        if _is_wanting(row) and row[3] == "open"
    ]
    if open_rows:
        found.wrong.append(f"what can be read now still waits: {open_rows[:3]}")
    found.wrong += kills.differences(_rows(wanted), _rows(given))


def _is_wanting(row: Sequence[Any]) -> bool:
    """Whether a row of quarantine (id, text, codes, state) stands for such a file."""
    return any(code in str(row[2]) for code in _WANTING)


def _rows(state: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a state, wherever they came from, without those that stand for files."""
    kept = {d: [r for r in rows if not _is_wanting(r)] for d, rows in state["quarantine"].items()}
    return {
        "tables": {d: rows[1:] for d, rows in state["tables"].items()},
        "quarantine": {d: rows for d, rows in kept.items() if rows},
        "readers": state["readers"]["tables"], "catalog": state["readers"]["catalog"]["tables"],
        "unfinished": state["unfinished"], "left": state["left"],
    }  # fmt: skip
