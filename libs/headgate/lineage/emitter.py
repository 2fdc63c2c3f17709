"""The one door for lineage: each event is one line appended to a file; a failure never fails a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from headgate.core import json as hjson
from headgate.core import resources
from headgate.core.errors import HeadgateError
from headgate.core.secrets import redact
from headgate.lineage import callers, events, log
from headgate.lineage.event_file import EventFile
from headgate.lineage.steps import State, Step

#: So many different problems are kept; of more, only the count.
_MAX_PROBLEMS = 20


class Emitter:
    """Appends OpenLineage events to ``path`` (made when the first comes) for one lake.

    Threads and processes may share the file: an event is one write, to the end. Nothing here
    raises: what could not be written is told by :attr:`problems`.
    """

    def __init__(self, path: Path, lake_name: str) -> None:
        self.path = path
        self.lake_name = lake_name
        self.emitted = 0
        self._problems: dict[str, int] = {}
        self._file = EventFile(path)

    def __enter__(self) -> Emitter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong so far, one sentence each; empty if every event was written."""
        return tuple(
            text if times == 1 else f"{text} ({times} times)"
            for text, times in self._problems.items()
        )

    def emit(self, step: Step, state: State, *, at: datetime | None = None) -> bool:
        """Append the step's event; False if that failed, which :attr:`problems` then explains."""
        return self._tell(callers.tied(step), state, at)

    def abort(self, left: Iterable[Step]) -> int:
        """Emit ABORT for steps of dead processes, each under who called for it then; how many."""
        return sum(self._tell(step, State.ABORT, None) for step in left)

    def _tell(self, step: Step, state: State, at: datetime | None) -> bool:
        try:
            self._file.append(redact(hjson.dumps(events.event(step, state, self.lake_name, at))))
        except Exception as error:
            self._note(f"lineage event {state} of {step.kind} {step.dataset or ''}", error)
            return False
        self.emitted += 1
        return True

    @contextmanager
    def running(self, step: Step) -> Iterator[Callable[[Step], None]]:
        """Emit START, run the block, emit COMPLETE; or FAIL on an error, ABORT on an interruption.

        Yields a function that takes the step as it is known by the end. A step that ends with an
        ``error`` set is a FAIL, although the block did not raise: such as a refused batch.
        """
        latest = step

        def update(known: Step) -> None:
            nonlocal latest
            latest = known

        self.emit(step, State.START)
        try:
            yield update
        except Exception as error:
            self.emit(replace(latest, error=_sentence(error)), State.FAIL)
            raise
        except BaseException as error:
            self.emit(replace(latest, error=type(error).__name__), State.ABORT)
            raise
        self.emit(latest, State.FAIL if latest.error else State.COMPLETE)

    def abort_unfinished(self) -> int:
        """Emit ABORT for each step that a killed run started and never ended; how many those are.

        Only who holds the lake's run lock may call this: a step of a run that is still going on
        looks the same.
        """
        try:
            left = log.unfinished(self.path)
        except Exception as error:
            self._note("lineage of a killed run could not be ended", error)
            return 0
        return self.abort(left)

    def close(self) -> None:
        """Make what was written durable, and let go of the file; a later event opens it again."""
        try:
            self._file.close()
        except OSError as error:
            self._note("lineage file could not be made durable", error)

    def _note(self, what: str, error: Exception) -> None:
        text = f"{what.strip()}: {_sentence(resources.of(error, self.path) or error)}"
        if text in self._problems or len(self._problems) < _MAX_PROBLEMS:
            self._problems[text] = self._problems.get(text, 0) + 1
        else:
            more = "more lineage problems"
            self._problems[more] = self._problems.get(more, 0) + 1


def _sentence(error: BaseException) -> str:
    """The error as one line, without a stack trace."""
    text = " ".join(str(error).split())
    return text if isinstance(error, HeadgateError) else f"{type(error).__name__}: {text}"
