"""Files read ahead of the one that is being committed, where the order of commits allows it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from types import TracebackType

from headgate.core import ids
from headgate.ingest.discover import was_taken
from headgate.ingest.isolation.request import Request
from headgate.ingest.load import asked, reach_of, take
from headgate.ingest.readers.base import Reason, SourceFile
from headgate.ingest.taken import Taken
from headgate.orchestration.context import RunContext

#: Files that are read at once at the most, if a run does not say otherwise: each takes memory, and commits are one by one.
_MOST = 4
#: The same where tasks of a distributed engine read them, of which it runs as many as it can.
_MOST_DISTRIBUTED = 16


@dataclass(frozen=True)
class Begun:
    """A file whose reading has begun, or does when somebody asks for what came of it."""

    request: Request
    context: RunContext
    ahead: Future[Taken | Reason] | None = None

    @property
    def batch_id(self) -> str:
        """The batch that the file is taken as."""
        return self.request.batch_id

    def result(self) -> Taken | Reason:
        """What the file came to; waits for it.

        Raises:
            HeadgateError: see :func:`headgate.ingest.load.take`.
        """
        if self.ahead is not None:
            return self.ahead.result()
        return take(self.request, self.context.session)


class Reading:
    """The files of a run in the order in which they are committed, some of them begun.

    A file is begun ahead of its turn only if every parent of its dataset is done with in this run:
    its rows are judged by their keys. What is staged ahead is bounded by how many are begun.
    """

    def __init__(self, context: RunContext, files: Mapping[str, Sequence[SourceFile]]) -> None:
        self._context = context
        self._reach = {d: reach_of(context.project.contracts[d], f) for d, f in files.items()}
        self._waiting = {d: deque(found) for d, found in files.items()}
        self._begun: dict[tuple[str, SourceFile], Begun] = {}
        self._current = ""
        self._stopped = Event()
        settings = context.session.settings
        threads = settings.threads or os.cpu_count() or 1
        most = context.reading_at_once or min(threads, _MOST)
        most = 1 if settings.readers == "inline" else most
        if any(self._distributed(d) for d, found in files.items() if found):
            most = context.reading_at_once or _MOST_DISTRIBUTED
        self._at_once = max(1, min(most, sum(map(len, files.values()))))
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Reading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stopped.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def is_new(self, dataset: str, source: SourceFile) -> bool:
        """Whether this content was not taken before, in this run or another."""
        if not was_taken(source, self._context.taken.setdefault(dataset, {})):
            return True
        # Begun in vain, if another file of this run has the same content.
        self._begun.pop((dataset, source), None)
        return False

    def begin(self, dataset: str, source: SourceFile) -> Begun:
        """The file whose turn it is; others are begun ahead with it.

        Raises:
            ContractError: a foreign key points at its own dataset.
        """
        self._current = dataset
        found = self._begun.pop((dataset, source), None)
        if found is None:
            waiting = self._waiting[dataset]
            while waiting and waiting.popleft() != source:
                pass
            found = self._asked(dataset, source)
        self._begin_others()
        return found

    def _begin_others(self) -> None:
        for dataset, waiting in self._waiting.items():
            while waiting and len(self._begun) < self._at_once - 1 and self._ready(dataset):
                source = waiting.popleft()
                if self.is_new(dataset, source):
                    self._begin_ahead(dataset, source)

    def _distributed(self, dataset: str) -> bool:
        """Whether files of the dataset are read by tasks of a distributed engine."""
        contract = self._context.project.contracts[dataset]
        return self._context.session.engine_name(contract) != "duckdb"

    def _begin_ahead(self, dataset: str, source: SourceFile) -> None:
        self._context.session.engine(
            self._context.project.contracts[dataset]
        )  # opened by no thread
        request = self._asked(dataset, source).request
        self._pool = self._pool or ThreadPoolExecutor(self._at_once, "headgate-reading")
        future = self._pool.submit(take, request, self._context.session, self._stopped.is_set)
        self._begun[(dataset, source)] = Begun(request, self._context, future)

    def _ready(self, dataset: str) -> bool:
        """Whether nothing that its rows are judged by is still to be taken."""
        left = {self._current, *(d for d, _ in self._begun)}
        left.update(d for d, waiting in self._waiting.items() if waiting)
        return left.isdisjoint(self._context.project.contracts[dataset].parents)

    def _asked(self, dataset: str, source: SourceFile) -> Begun:
        request = asked(
            self._context.session, self._context.project.contracts[dataset], source, ids.new_id(),
            reach=self._reach[dataset], at_once=min(self._at_once, _MOST),
        )  # fmt: skip
        return Begun(request, self._context)
