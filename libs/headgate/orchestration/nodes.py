"""What becomes of each curated dataset while a part builds, told as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from threading import RLock

from headgate.core import clock
from headgate.orchestration.accounts import Account, NodeState
from headgate.orchestration.context import Progress, RunContext
from headgate.orchestration.dbt.result import SKIPPED
from headgate.quality.outcome import BatchOutcome

OnNode = Callable[[NodeState], None]


class Nodes:
    """Progress of a part that also tells of datasets: built once their batch is committed and the
    tests that read them have passed. dbt calls from threads of its own, so it may be any.

    What was told of once and comes to be broken later, as by a test of dbt's own, is told of again.
    """

    def __init__(
        self, context: RunContext, datasets: Iterable[str], on_node: OnNode | None,
        earlier: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._context, self._progress = context, context.progress
        self._datasets, self._on_node = tuple(datasets), on_node
        self._earlier = frozenset(earlier)
        self._lock = RLock()
        self._begun: dict[str, float] = {}
        self._seconds: dict[str, float] = {}
        self._accounts: dict[str, Account] = {}
        self._tested: frozenset[str] = frozenset()
        self._told: dict[str, NodeState] = {}

    @property
    def progress(self) -> Progress:
        """Who wants to know how far the run is, besides."""
        return self._progress

    def step(self, dataset: str, what: str) -> None:
        """Work on a dataset begins."""
        with self._lock:
            self._begun[dataset] = clock.monotonic()
        self._progress.step(dataset, what)

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """So many rows are done."""
        self._progress.rows(dataset, done, total)

    def done(self, outcome: BatchOutcome) -> None:
        """A batch has ended: its dataset is built, unless a test is still to read it."""
        dataset = outcome.dataset
        with self._lock:
            self._accounts[dataset] = Account.of(outcome, self._context.run_id)
            begun = self._begun.get(dataset)
            took = outcome.seconds if begun is None else clock.monotonic() - begun
            self._seconds[dataset] = took
            if outcome.outcome != "refused" and dataset not in self._tested:
                self._tell(dataset, "built")
        self._progress.done(outcome)

    def will_test(self, datasets: Collection[str]) -> None:
        """Tests read these datasets: none of them is final before it is said to have passed."""
        with self._lock:
            self._tested = frozenset(datasets)

    def passed(self, dataset: str) -> None:
        """All tests that read the dataset, and are run, have passed."""
        with self._lock:
            if dataset not in self._told:
                self._tell(dataset, "built" if dataset in self._accounts else "unchanged")

    def failed(self, dataset: str, told: str) -> None:
        """The dataset could not be built, or a test that reads it failed."""
        with self._lock:
            before = self._told.get(dataset)
            if before is None or before.state not in ("failed", "skipped"):
                self._tell(dataset, "skipped" if told == SKIPPED else "failed", told)

    def finish(self) -> tuple[NodeState, ...]:
        """Tell of all others that nothing had to be done for; gives what became of each."""
        with self._lock:
            for dataset in self._datasets:
                if dataset not in self._told:
                    self._tell(dataset, "unchanged")
            return tuple(self._told[d] for d in self._datasets)

    def _tell(self, dataset: str, state: str, message: str = "") -> None:
        account = self._accounts.get(dataset) or self._newest(dataset)
        if state == "unchanged" and account is not None and account.run_id in self._earlier:
            state = "built"  # by an earlier try of this task
        seconds = self._seconds.get(dataset, 0.0)
        found = NodeState(dataset, state, seconds, message, account)
        self._told[dataset] = found
        if self._on_node is not None and dataset in self._datasets:
            self._on_node(found)

    def _newest(self, dataset: str) -> Account | None:
        snapshot = self._context.snapshot(dataset)
        if snapshot is None or snapshot.meta is None:
            return None
        return Account.of_commit(snapshot.meta, snapshot.version)
