"""A small lake's history, recorded on a disk that keeps a journal: what was written, and what was told when."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.damage import damage
from tests.reliability.filesystem import journal, mounted
from tests.reliability.filesystem.journal import Operation
from tests.reliability.harness import small
from tests.reliability.power.warm import Warm

IRC = small.IRC
#: Readers in the same process: what they write to the disk is the same, and it takes a third.
#: Maintenance keeps nothing for its age, so that it has something to remove.
SETTINGS = {**small.SETTINGS, "HEADGATE_READERS": "inline", "HEADGATE_RELEASE_KEEP_COUNT": "2",
            "HEADGATE_RELEASE_KEEP_DAYS": "0", "HEADGATE_HISTORY_KEEP_DAYS": "0",
            "HEADGATE_ORPHAN_KEEP_DAYS": "0"}  # fmt: skip
_DAYS = ("2009-05-04", "2009-05-05", "2009-05-06")
_COUNTED = """-- What was said on each day; days on which something changed are counted anew.
select log_date, count(*) as messages{more}
from {{{{ ref('stg_irc__messages') }}}}
{{% if is_incremental() %}}
    where log_date in (select "date" from {{{{ changed('bronze.irc.messages', 'date') }}}})
{{% endif %}}
group by log_date
"""
_CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: gold-community-days
name: gold.community.days
version: {version}
status: active
domain: community
description: {{purpose: What was said on each day.}}
team: {{name: community-insights}}
customProperties: [{{property: headgate.unitOfChange, value: log_date}}]
schema:
  - name: days
    dataGranularityDescription: One row is one day.
    properties:
      - {{name: log_date, logicalType: date, primaryKey: true, primaryKeyPosition: 1,
         classification: public, description: The day.,
         customProperties: [{{property: headgate.severity, value: fail}}]}}
      - {{name: messages, logicalType: integer, required: true, classification: public,
         description: How much was said.,
         customProperties: [{{property: headgate.severity, value: fail}}]}}
"""
_MORE = """      - {name: characters, logicalType: integer, classification: public,
         description: How long all of it was.}
"""


@dataclass(frozen=True)
class Step:
    """Commands that follow one another; ``change`` is done to the project before.

    Before that, the first of them is killed at each failpoint of ``killed_at``, so that the others
    go on from what was written and not synced. ``removes`` says that old versions and releases go
    by it. ``once`` says that a command that is given again does no more than the rest of what it was to
    do: a replay takes again whatever is still set aside.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    change: Callable[[Path], None] | None = None
    once: bool = True
    removes: bool = False
    killed_at: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """After so many operations a command of a step had ended, and this held from then on."""

    at: int
    step: int
    promised: dict[str, Any]


@dataclass
class History:
    """All that was written, what was told, and the state after each step."""

    root: Path
    operations: list[Operation]
    steps: Sequence[Step]
    projects: list[Path] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)

    def step_at(self, cut: int) -> int:
        """The step that was going on, or came next, before the operation of this number."""
        ends = [max(t.at for t in self.told if t.step == n) for n in range(len(self.steps))]
        return next((n for n, end in enumerate(ends) if cut < end), len(self.steps) - 1)

    def promised_at(self, cut: int) -> dict[str, Any]:
        """What had been told before the operation of this number, less what maintenance removes then."""
        before: dict[str, Any] = next((t.promised for t in reversed(self.told) if t.at <= cut), {})
        number = self.step_at(cut)
        if not self.steps[number].removes:
            return before
        after = next(t.promised for t in reversed(self.told) if t.step == number)
        return {
            what: {name: value for name, value in told.items() if name in after[what]}
            for what, told in before.items()
        }


def steps(root: Path) -> list[Step]:
    """Deliveries with damage and edits, a waiver, a rollback, a replay, a wider contract, a wider model."""

    def run(day: int) -> tuple[str, ...]:
        return ("run", "--source", f"{IRC}={root}/days/{day}")

    waive = (
        "quarantine",
        "waive",
        IRC,
        "--reason",
        "malformed_json",
        "--by",
        "ada",
        "--why",
        "old",
    )
    return [
        Step("a first delivery", (run(1),)),
        Step("a delivery with edits", (run(2),)),
        Step("a waiver", (waive, ("run",))),
        Step("a rollback", (("release", "rollback", "1"), ("run",))),
        Step(
            "a replay", (("quarantine", "replay", IRC, "--all"), ("run",)), small.loosen, once=False
        ),
        Step("a wider contract", (run(3),), _widen_contract),
        Step("a wider model", (("run",),), _widen_model),
        Step("maintenance", (("maintain",),), removes=True),
        Step(
            "a delivery that is killed before it is synced",
            (run(4),),
            killed_at=("commit.log_written:1", "commit.log_written:2", "commit.log_written:3"),
        ),
        Step("nothing new", (("run",),)),
    ]


def short(root: Path) -> list[Step]:
    """Two deliveries of one dataset, the second of which dies once on the way."""

    def run(day: int) -> tuple[str, ...]:
        return ("run", "--source", f"{IRC}={root}/days/{day}", "--select", IRC)

    return [
        Step("a first delivery", (run(3),)),
        Step("a delivery with edits", (run(4),), killed_at=("commit.log_written:2",)),
    ]


def make(root: Path) -> None:
    """The project and its deliveries, without a lake."""
    for name in ("irc/bronze_messages", "ledger"):
        shutil.copytree(REPOSITORY / "data_contracts" / name, root / "data_contracts" / name)
    for name in ("dbt_project.yml", "profiles.yml", "models/staging/irc/stg_irc__messages.sql"):
        (root / "dbt_project" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / "dbt_project" / name, root / "dbt_project" / name)
    shutil.copytree(REPOSITORY / "dbt_project" / "macros", root / "dbt_project" / "macros")
    (root / "headgate.toml").write_text('lake = "lake"\n')
    _model(root, "1.0.0", "", "")
    for number, day in enumerate(_DAYS):
        lines = small._log(day, 60, seed=number)
        (root / "days" / "1").mkdir(parents=True, exist_ok=True)
        damage(lines, root / "days" / "1" / f"{day}.jsonl", each=1, seed=number)
    again = [line for line in small._log(_DAYS[0], 70, seed=0) if line]
    for at in (3, 50):
        again[at] = json.dumps({**json.loads(again[at]), "text": "said otherwise"}).encode()
    (root / "days" / "2").mkdir()
    damage(again, root / "days" / "2" / f"{_DAYS[0]}.jsonl", each=1, seed=7, cut_tail=False)
    for delivery, day in ((3, "2009-05-07"), (4, "2009-05-08")):
        (root / "days" / str(delivery)).mkdir()
        rows = [{**json.loads(line), "mood": "calm"} for line in small._log(day, 20, seed=delivery)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (root / "days" / str(delivery) / f"{day}.jsonl").write_text(text + "{oops\n")


def record(warm: Warm, folder: Path, root: Path, taken: Sequence[Step]) -> History:
    """Take the steps with the lake on a disk of our own; afterwards its folder is an ordinary one."""
    found = History(root, [], taken)
    notes = folder / "journal"
    with mounted(folder / "disk", root / "lake", journal=notes) as disk:
        for number, step in enumerate(taken):
            if step.change:
                step.change(root)
            kept = folder / "projects" / str(number)
            for name in ("data_contracts", "dbt_project"):
                shutil.copytree(root / name, kept / name)
            found.projects.append(kept)
            for failpoint in step.killed_at:
                died = warm.command(root, *step.commands[0], env=SETTINGS, failpoint=failpoint)
                assert died.code == -signal.SIGKILL, f"{failpoint}: {died.text}"
            for command in step.commands:
                ended = warm.command(root, *command, env=SETTINGS)
                assert ended.code == 0, f"{' '.join(command)}: {ended.text}"
                disk.counted()
                at = len(journal.read(notes))
                found.told.append(Told(at, number, warm.state(root, "promised")))
            found.states.append(warm.state(root))
        disk.counted()
    found.operations = journal.read(notes)
    return found


def _model(root: Path, version: str, column: str, contract: str) -> None:
    folder = root / "data_contracts" / "community" / "gold_days"
    (folder / "examples").mkdir(parents=True, exist_ok=True)
    (folder / "contract.odcs.yaml").write_text(_CONTRACT.format(version=version) + contract)
    model = root / "dbt_project" / "models" / "marts" / "community" / "days.sql"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text(_COUNTED.format(more=column))


def _widen_model(root: Path) -> None:
    _model(root, "1.1.0", ",\n    cast(sum(length(content)) as bigint) as characters", _MORE)


def _widen_contract(root: Path) -> None:
    """The contract of IRC learns of a column that deliveries have from then on."""
    path = root / "data_contracts/irc/bronze_messages/contract.odcs.yaml"
    before = "      - name: text\n"
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    more = (
        "      - name: mood\n        logicalType: string\n        classification: internal\n"
        "        description: How the line was meant.\n"
    )
    path.write_text(text.replace(before, more + before), "utf-8")
