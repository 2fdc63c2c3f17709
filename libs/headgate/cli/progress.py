"""What a person sees while a run works: one line a dataset on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headgate.orchestration.run import BatchOutcome


class Silent:
    """Progress that nobody watches."""

    def step(self, dataset: str, what: str) -> None:
        """A dataset's batch has come to ``what``."""

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """``done`` of ``total`` rows are through."""

    def done(self, outcome: BatchOutcome) -> None:
        """A batch is over."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class Drawn(Silent):
    """Progress on a terminal: a spinner and the step of each dataset at work, on stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[dataset]}"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}

    def step(self, dataset: str, what: str) -> None:
        """Show that the dataset has come to ``what``."""
        self._progress.update(self._task(dataset), description=what)

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """Show how many rows are through."""
        of = "" if total is None else f" of {total:,}"
        self._progress.update(self._task(dataset), description=f"{done:,}{of} rows")

    def done(self, outcome: BatchOutcome) -> None:
        """Take the dataset's line away."""
        task = self._tasks.pop(outcome.dataset, None)
        if task is not None:
            self._progress.remove_task(task)

    def _task(self, dataset: str) -> Any:
        if dataset not in self._tasks:
            self._tasks[dataset] = self._progress.add_task("", dataset=dataset)
        return self._tasks[dataset]

    def __enter__(self) -> Drawn:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


def watch(*, quiet: bool = False) -> Silent:
    """Progress for whoever looks at stderr: drawn on a terminal, else silent."""
    return Drawn() if sys.stderr.isatty() and not quiet else Silent()
