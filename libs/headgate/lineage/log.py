"""Reading the lineage file back: its events, and the steps that a killed run left without an end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.lineage import callers, names
from headgate.lineage.steps import State, Step

_CHUNK = 256 * 1024


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole event of a lineage file, in the order written; half a line, of a crash, is skipped.

    A file that does not exist has none.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            yield from whole(line)


def unfinished(path: Path) -> tuple[Step, ...]:
    """The steps of the newest run in the file that started and never ended, in order of start.

    Reads from the end back to that run's start, so the cost is that of one run, not of the file.

    Raises:
        OSError: the file cannot be read.
    """
    opened: dict[str, Step] = {}
    for found in _newest_run(path):
        run_id = found["run"]["runId"]
        if found.get("eventType") == State.START:
            opened[run_id] = left_by(found)
        elif found.get("eventType") in (State.COMPLETE, State.FAIL, State.ABORT):
            opened.pop(run_id, None)
    return tuple(opened.values())


def _newest_run(path: Path) -> list[dict[str, Any]]:
    """The events since the newest START of a run; none if that run has ended as its last act."""
    if not path.exists():
        return []
    size, length = path.stat().st_size, _CHUNK
    while True:
        with path.open("rb") as file:
            file.seek(max(0, size - length))
            lines = file.read(min(size, length)).split(b"\n")
        # Unless the whole file was read, the first line may be cut.
        found = [e for line in lines[length < size :] for e in _event(line)]
        runs = [i for i, e in enumerate(found) if e["job"]["name"] == names.RUN]
        if runs and found[runs[-1]]["eventType"] != State.START and runs[-1] == len(found) - 1:
            return []
        starts = [i for i in runs if found[i]["eventType"] == State.START]
        if starts:
            return found[starts[-1] :]
        if length >= size:
            return found
        length *= 4


def left_by(found: dict[str, Any]) -> Step:
    """The step that an event tells of, as one whose process ended before it did."""
    kind, dataset = names.parse_job(found["job"]["name"])
    return Step(
        kind=kind,
        run_id=found["run"]["runId"],
        dataset=dataset,
        parent_run_id=callers.run_of(found),
        error="The process ended before the step did.",
        caller=callers.told_by(found),
    )


def _event(line: bytes) -> Iterator[dict[str, Any]]:
    """The event in the line, if it is a whole one of a run of ours."""
    for found in whole(line):
        try:
            names.parse_job(found["job"]["name"])
            ours = bool(found["run"]["runId"] and found["eventType"])
        except (TypeError, KeyError, AttributeError, UsageError):
            ours = False
        if ours:
            yield found


def whole(line: bytes) -> Iterator[dict[str, Any]]:
    """The event in the line, if it is a whole one, whoever made it."""
    try:
        found = hjson.loads(line)
    except ValueError:
        return
    if isinstance(found, dict):
        yield found
