"""Replays that were asked for on a page: one at a time, each in a process of its own, watched by a thread."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core.errors import ConflictError
from headgate.core.secrets import redact
from headgate.portal.acting import choosing
from headgate.portal.records import chain

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.portal.access.people import Person
    from headgate.portal.acting.choosing import Choice
    from headgate.portal.records.opening import Records

log = logging.getLogger("headgate.portal")
RUNNING, DONE, FAILED = "running", "done", "failed"
#: Replays that are remembered, and steps that are kept of one.
_MOST_KEPT, _MOST_STEPS = 50, 200


@dataclass(frozen=True)
class Replay:
    """A replay as it is now: ``state`` running, done or failed; ``steps`` are what it said on its way.

    Of one that is done, ``counts`` are rows of the dataset (``published`` came back, ``quarantined``
    were refused again); of one that failed ``message`` and ``remedy`` say why.
    """

    id: str
    dataset: str
    by: str
    choice: Choice
    began_at: datetime
    state: str = RUNNING
    ended_at: datetime | None = None
    steps: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    run_id: str = ""
    release: int | None = None
    built: int = 0
    problems: tuple[str, ...] = ()
    message: str = ""
    remedy: str = ""


class Replays:
    """The replays of one portal. Any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Replay] = OrderedDict()

    def get(self, number: str) -> Replay | None:
        """The replay of that id, if this portal began it and still knows of it."""
        with self._lock:
            return self._known.get(number)

    def running(self) -> Replay | None:
        """The one that is going on, if any."""
        with self._lock:
            return next((r for r in self._known.values() if r.state == RUNNING), None)

    def begin(self, dataset: str, choice: Choice, person: Person, records: Records) -> Replay:
        """Begin a replay, on record before it is.

        Raises:
            ConflictError: another is going on.
            LakeError: it cannot be put on record, and so does not begin.
        """
        found = Replay(ids.new_id(), dataset, person.name, choice, clock.now())
        with self._lock:
            other = next((r for r in self._known.values() if r.state == RUNNING), None)
            if other is not None:
                raise ConflictError(
                    f"{other.by} is replaying rows of {other.dataset} since"
                    f" {other.began_at:%H:%M} UTC, and one replay runs at a time.",
                    remedy="Try again when it has ended; what you typed is kept below.",
                )
            self._known[found.id] = found
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        try:
            _record(records, person, found, "asked")
        except BaseException:
            with self._lock:
                del self._known[found.id]
            raise
        threading.Thread(
            target=self._follow, args=(found, person, records), daemon=True,
            name=f"replay-{found.id[-8:]}",
        ).start()  # fmt: skip
        return found

    def _follow(self, found: Replay, person: Person, records: Records) -> None:
        """Run it, and note what it says until it ends."""
        try:
            ended = self._run(found)
        except Exception as error:
            log.exception("a replay could not be followed")
            ended = self._ended(found.id, FAILED, message=redact(str(error)) or "Nobody knows why.")
        try:
            _record(records, person, ended, "done" if ended.state == DONE else "failed")
        except Exception:
            # That it was begun is on record, and the lake's ledgers tell what it came to.
            log.exception("the end of a replay is not on record")

    def _run(self, found: Replay) -> Replay:
        asked = {
            "root": str(self._settings.root), "lake": str(self._settings.lake_path),
            "dataset": found.dataset, **choosing.selection(found.choice),
        }  # fmt: skip
        command = [sys.executable, "-m", "headgate.portal.acting.replay_child"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        ) as child:  # fmt: skip
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(hjson.dumps(asked).encode())
            child.stdin.close()
            last: Mapping[str, Any] = {}
            for line in child.stdout:
                last = self._noted(found.id, line) or last
        return self._told(found.id, last, child.returncode)

    def _noted(self, number: str, line: bytes) -> Mapping[str, Any] | None:
        try:
            told = hjson.loads(line)
        except ValueError:
            return None  # something else that a library printed
        if not isinstance(told, dict):
            return None
        step = told.get("step")
        if step:
            text = f"{step['dataset']}: {step['what']}"
            with self._lock:
                one = self._known.get(number)
                if one is not None and one.steps[-1:] != (text,):
                    steps = (*one.steps, text)[-_MOST_STEPS:]
                    self._known[number] = dataclasses.replace(one, steps=steps)
        return told if told.keys() & {"failed", "ended"} else None

    def _told(self, number: str, last: Mapping[str, Any], code: int) -> Replay:
        if "ended" in last:
            told = last["ended"]
            return self._ended(
                number, DONE, counts=told["counts"], run_id=told["run_id"], built=told["built"],
                release=told["release"], problems=tuple(told["problems"]),
            )  # fmt: skip
        if "failed" in last:
            return self._ended(number, FAILED, **last["failed"])
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return self._ended(
            number, FAILED, message=f"The process that replayed {how} and said nothing.",
            remedy="Nothing is half done: the next run of the lake puts right what it left. "
            "Then look whether the rows are still open.",
        )  # fmt: skip

    def _ended(self, number: str, state: str, **what: Any) -> Replay:
        with self._lock:
            self._known[number] = found = dataclasses.replace(
                self._known[number], state=state, ended_at=clock.now(), **what
            )
            return found


def _record(records: Records, person: Person, found: Replay, step: str) -> None:
    told: dict[str, Any] = {"replay": found.id, "why": found.choice.why, **found.choice.chosen}
    if step == "done":
        told |= {"counts": dict(found.counts), "run": found.run_id, "release": found.release}
    if step == "failed":
        told["error"] = found.message
    chain.append(records, by=person, action="replayed", subject=found.dataset, step=step, **told)
