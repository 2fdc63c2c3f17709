"""The tasks of a curate DAG that work on a worker: the producer builds, the last one releases."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.exceptions import AirflowFailException

from headgate.orchestration.airflow import node_board
from headgate.orchestration.airflow.assets import dataset_of
from headgate.orchestration.airflow.node_board import BOARD, PRODUCER
from headgate.orchestration.airflow.waiting_told import waiting_told
from headgate.orchestration.airflow.working import Working, part

if TYPE_CHECKING:
    from headgate.orchestration.parts import Account, NodeState, PartReport

log = logging.getLogger("headgate.task")

#: The board is written at most so often, apart from its last word.
WRITE_EVERY_SECONDS = 1.0


class Build(BaseOperator):
    """Builds and tests what is stale of a release group, in one go, and writes on the board what
    became of each dataset.

    It ends well where it could do its work, whatever became of the datasets: their own tasks show
    that. It fails, and is tried again, where it could not.
    """

    template_fields = ("group",)
    ui_color = "#d5f5e3"

    def __init__(self, *, group: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.group = group

    def execute(self, context: Mapping[str, Any]) -> None:
        """Build, and say what became of each."""
        from headgate.orchestration import parts

        BaseXCom.set(BOARD, {}, **_board_of(context))  # this try has said nothing yet
        with building(context) as (work, board):
            report = parts.curate(
                work.project,
                self.group,
                on_node=board.put,
                progress=work.progress,
                task=work.task,
            )
            board.put_all(report.nodes)
        tell(report)


class Release(BaseOperator):
    """Publishes a release group, or fails with what holds it back.

    Its Asset events are those of the curated datasets that moved, with account and release.
    """

    template_fields = ("group",)
    ui_color = "#fcf3cf"

    def __init__(self, *, group: str, nodes: Iterable[str] = (), **arguments: Any) -> None:
        super().__init__(**arguments)
        self.group, self.nodes = group, sorted(nodes)

    def execute(self, context: Mapping[str, Any]) -> int | None:
        """Publish; gives the release, None if nothing moved.

        Raises:
            AirflowFailException: the group is held back.
        """
        from headgate.orchestration import parts

        self._refuse_half_built(context)
        with part(context) as work:
            report = parts.release(work.project, self.group, progress=work.progress, task=work.task)
        tell(report)
        if report.held or report.problems:
            raise AirflowFailException(_held(self.group, report, self._ended(context)))
        self._events(context, report)
        if report.release is None:
            log.info("Nothing moved: readers see what they saw before.")
        else:
            log.info("Release %s: %s", report.release, ", ".join(report.released))
        return report.release

    def _events(self, context: Mapping[str, Any], report: PartReport) -> None:
        """Only what moved has an event: what is no outlet of a task when it ends has none."""
        accounts: dict[str, Account] = {a.dataset: a for a in report.accounts}
        task, events = context["task"], context["outlet_events"]
        moved = [a for a in task.outlets if dataset_of(a) in report.released]
        for asset in moved:
            account = accounts.get(dataset_of(asset))
            extra: dict[str, object] = account.extra() if account else {}
            events[asset].extra = {**extra, "release": report.release}
        task.outlets = moved

    def _ended(self, context: Mapping[str, Any]) -> dict[str, str | None]:
        """How each of the tasks before this one ended."""
        task = context["ti"]
        found = task.get_task_states(
            dag_id=task.dag_id, task_ids=[PRODUCER, *self.nodes], run_ids=[task.run_id]
        )
        states = found.get(task.run_id, {})
        return {k: None if v is None else str(getattr(v, "value", v)) for k, v in states.items()}

    def _refuse_half_built(self, context: Mapping[str, Any]) -> None:
        """What the producer did not come to build would be released as it was, beside its new
        sources; unless each dataset's own task built it since."""
        ended = self._ended(context) if self.nodes else {}
        if ended.get(PRODUCER, "success") == "success":
            return
        left = [d for d in self.nodes if ended.get(d) != "success"]
        if left:
            raise AirflowFailException(
                f"Release group {self.group} is held: `{PRODUCER}` ended ({ended[PRODUCER]}) before "
                f"all was built ({', '.join(left)}). See its log; clear it with all downstream."
            )


@contextmanager
def building(
    context: Mapping[str, Any], *, beside: bool = False
) -> Iterator[tuple[Working, Writing]]:
    """Within the block the task builds datasets: what it works with, and the board that it writes.

    Lineage is told of what is written there; see :class:`Writing` for ``beside``.
    """
    with (
        part(context) as work,
        waiting_told(context) as told,
        Writing(context, beside=beside, also=told) as board,
    ):
        yield work, board


class Writing:
    """The board, as the task of ``context`` writes it: at most once a second, and at the end.

    Lines of other datasets that are on the board already are kept if ``beside``. ``also`` is told
    of each dataset besides. Datasets may be put from any thread; it is written by one of its own, so
    that building waits for nothing.
    """

    def __init__(
        self,
        context: Mapping[str, Any],
        *,
        beside: bool = False,
        also: Callable[[NodeState], None] | None = None,
    ) -> None:
        task: Any = context["ti"]
        self._where = _board_of(context)
        self._report, self._attempt = str(task.id), task.try_number
        self._beside, self._also = beside, also
        self._lines: dict[str, dict[str, Any]] = {}
        self._changed, self._over = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._write_on, name="board", daemon=True)

    def __enter__(self) -> Writing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._changed.set()
        self._thread.join()
        if self._lines:
            self._write()

    def put(self, node: NodeState) -> None:
        """What became of a dataset."""
        line = node_board.entry(node, self._report, self._attempt)
        with self._lock:
            self._lines[node.dataset] = line
        for told in node_board.told(node.dataset, line).splitlines():
            log.info("%s", told)
        self._changed.set()
        if self._also is not None:
            self._also(node)

    def put_all(self, nodes: Iterable[NodeState]) -> None:
        """What became of all: also of those that nobody told of one by one."""
        for node in nodes:
            line = node_board.entry(node, self._report, self._attempt)
            if self._lines.get(node.dataset) != line:
                self.put(node)

    def line(self, dataset: str) -> dict[str, Any] | None:
        """A dataset's line, if this task wrote one."""
        return self._lines.get(dataset)

    def _write_on(self) -> None:
        while True:
            self._changed.wait()
            if self._over.is_set():
                return
            self._changed.clear()
            _quietly(self._write)
            self._over.wait(WRITE_EVERY_SECONDS)

    def _write(self) -> None:
        with self._lock:
            lines = dict(self._lines)
        if self._beside:  # as it is now: another task may have written meanwhile
            lines = {**(BaseXCom.get_one(key=BOARD, **self._where) or {}), **lines}
        BaseXCom.set(BOARD, lines, **self._where)


def _board_of(context: Mapping[str, Any]) -> dict[str, str]:
    """Whose XCom the board of a DAG run is."""
    task: Any = context["ti"]
    return {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": PRODUCER}


def _quietly(write: Callable[[], None]) -> None:
    """A board that could not be written is written again at the end, where it counts."""
    try:
        write()
    except Exception:
        log.warning("The board could not be written now.", exc_info=True)


def tell(report: PartReport) -> None:
    """Log what a part has to say besides its datasets."""
    for note in report.notes:
        log.info("%s", note)
    for problem in report.problems:
        log.error("%s", problem)


def _held(group: str, report: PartReport, ended: Mapping[str, str | None]) -> str:
    bad = sorted(d for d, state in ended.items() if state != "success" and d != PRODUCER)
    lines = [f"Release group {group} is held back: readers see what they saw before."]
    lines += report.problems
    if bad:
        lines.append(f"Not well: {', '.join(bad)}; their tasks say why.")
    lines.append(
        "Mend it and clear the task that failed, with all downstream; or let new data come."
    )
    return "\n".join(lines)
