"""The loop of a stream: gather, take, commit; release, enter and tell at their intervals; end well.

What was taken is known to the table alone. So the process may be killed anywhere: whoever goes on
reads there from where on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core.errors import ConflictError, RefusedError
from headgate.ingest.streams.registry import RegistryError
from headgate.ingest.streams.source import Messages
from headgate.ingest.streams.taking import Taking, place_of
from headgate.lake.merge import Plan as Merge
from headgate.lake.offsets import NEXT, Span
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.streaming.books import Books
from headgate.orchestration.streaming.fetching import Fetcher, joined
from headgate.orchestration.streaming.measures import Measures
from headgate.orchestration.streaming.plan import Plan
from headgate.quality import gate

if TYPE_CHECKING:
    from headgate.orchestration.spark_streaming.taking import SparkTaking

#: In the detail of a commit: what tells the topic from a later one of the same name.
TOPIC_ID = "topic_id"
#: How often who watches is told, in seconds.
_TOLD_EVERY = 1.0
#: The longest wait for messages at a time: how soon an end that is asked for is noticed.
_NAP = 0.1


@dataclass
class Consumer:
    """One process's part of a stream, going on. ``taken`` has of each place what is next."""

    context: RunContext
    contract: Contract
    plan: Plan
    fetcher: Fetcher
    taking: Taking | SparkTaking
    books: Books
    measures: Measures
    taken: dict[str, int]
    until: dict[int, int] | None
    stopped: Callable[[], bool]
    tell: Callable[[dict[str, Any]], None]
    between: Callable[[], None]
    identity: str = ""
    seen: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Take messages until it is to end; what was gathered by then is committed and released.

        Raises:
            RefusedError: a rule that may set nothing aside was broken; the batch was not taken.
            OvertakenError: another process takes the same messages.
            HeadgateError: the broker refuses, or the lake cannot be written.
        """
        try:
            while not self._ended():
                found = self._gather()
                if found is not None:
                    self._commit(found)
                self._keep_books()
        finally:
            self.fetcher.stop()
        self._finish()

    def _ended(self) -> bool:
        if self.stopped():
            return True
        return self.until is not None and all(
            self.seen.get(p, 0) >= end for p, end in self.until.items()
        )

    def _gather(self) -> Messages | None:
        """The messages of a batch; None if none came for a moment."""
        plan, parts = self.plan, list[Messages]()
        count, size, until = 0, 0, clock.monotonic() + _NAP
        while count < plan.commit_messages and size < plan.commit_bytes:
            left = until - clock.monotonic()
            if left <= 0 or self._ended():
                break
            found = self.fetcher.get(min(left, _NAP))
            self.measures.trouble = self.fetcher.trouble
            if found is None:
                continue
            self.seen.update(found.next)
            if not len(found):
                continue
            if not parts:
                until = clock.monotonic() + plan.commit_seconds
            parts.append(found)
            if self.fetcher.whole:
                break
            count += len(found)
            size += found.weight
        self.measures.state = "taking" if parts else "waiting"
        return joined(parts) if parts else None

    def _commit(self, messages: Messages) -> None:
        context, contract = self.context, self.contract
        batch_id, started = self.taking.begin(messages), clock.monotonic()
        intake = self._taken(messages, batch_id)
        if intake is None:
            return
        spans = self._spans(messages)
        batch = gate.Batch(
            contract=contract, batch_id=batch_id, kind="stream", mode="append",
            source=messages.topic, content_hash="", limited=False, spans=spans, started=started,
            inputs=context.session.versions(contract.parents),
            detail={
                NEXT: {p: s.next for p, s in spans.items()},
                "from": {p: s.first for p, s in spans.items()},
                "bytes": messages.weight,
            } | ({TOPIC_ID: self.identity} if self.identity else {}),
        )  # fmt: skip

        def append(base: Snapshot | None) -> Merge:
            return Merge(tuple(intake.staged), (), sum(f.rows for f in intake.staged))

        con = context.session.engine(contract)
        outcome, meta = gate.publish(context.session, con, batch, intake, append)
        self.books.committed(meta, outcome.version)
        if outcome.version is None:
            self.books.enter()
            raise RefusedError(
                f"{contract.id} refuses messages of {messages.topic}: {' '.join(outcome.problems)}",
                remedy="Nothing of the batch was taken, and nothing that follows is. For a stream let"
                " rules set rows aside (severity quarantine) or warn.",
            )
        if outcome.quarantined > gate.share_limit(context.session, contract) * outcome.read:
            self.measures.warning = (
                f"{outcome.quarantined:,} of {outcome.read:,} messages of batch {batch_id} were set"
                " aside."
            )
        self.taken.update({p: s.next for p, s in spans.items()})
        self.measures.version = outcome.version
        self.measures.committed(
            outcome.read, outcome.published, outcome.quarantined, messages.timestamps
        )

    def _taken(self, messages: Messages, batch_id: str) -> gate.Intake | None:
        """What was taken; None if it is to end before the schemas of the messages could be had."""
        while True:
            try:
                return self.taking.take(messages, batch_id)
            except RegistryError as error:
                self.measures.trouble = str(error)
            if self.stopped():
                return None
            if self.books.due("told", _TOLD_EVERY):
                self._tell()
            clock.sleep(_NAP)

    def _spans(self, messages: Messages) -> dict[str, Span]:
        """The parts of each place that the messages are."""
        last = dict(zip(messages.partitions, messages.offsets, strict=True))
        found = {}
        for partition, offset in sorted(last.items()):
            place = place_of(messages.topic, partition)
            following = max(messages.next.get(partition, 0), offset + 1)
            found[place] = Span(self.taken.get(place), following)
        return found

    def _keep_books(self) -> None:
        plan, books = self.plan, self.books
        try:
            if books.due("release", plan.release_seconds):
                self._release()
            if books.due("catalog", plan.catalog_seconds):
                books.show()
                for parent in self.contract.parents:  # runs go on beside, and move them
                    self.context.session.refresh(parent)
            if books.due("ledger", plan.ledger_seconds):
                self.between()
                books.enter()
            if books.due("lineage", plan.lineage_seconds):
                books.tell()
        except ConflictError as error:
            # Others were first again and again: what is committed stays, and is shown next time.
            self.measures.trouble = str(error)
        if books.due("told", _TOLD_EVERY):
            self.between()
            self._tell()

    def _release(self) -> None:
        if not self.measures.commits:
            return
        published = self.books.release()
        if published is not None:
            self.measures.releases += 1
            self.measures.release = published.id
        self.measures.released()

    def _tell(self) -> None:
        ends = self.fetcher.ends
        taken = {p: self.taken.get(place_of(self.measures.topic, p), 0) for p in ends}
        self.measures.lag = {p: max(end - taken[p], 0) for p, end in ends.items()}
        self.tell(self.measures.told())

    def _finish(self) -> None:
        """Release, enter and tell of what was committed."""
        self.measures.state = "ended"
        self._release()
        self.between()
        self.books.enter()
        self.books.show()
        self.books.tell()
        self._tell()
