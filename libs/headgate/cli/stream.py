"""`headgate stream`: take a topic into a gated table, exactly once, while runs go on beside it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import typer

from headgate.cli import output
from headgate.core.errors import HeadgateError, LakeBusyError, RefusedError, UsageError

if TYPE_CHECKING:
    from headgate.contracts.model import Contract
    from headgate.ingest.streams.source import Source
    from headgate.orchestration.project import Project
    from headgate.orchestration.streaming.measures import Measures
    from headgate.orchestration.streaming.plan import Plan

EXAMPLE = "Example: headgate stream chat.messages=bronze.live.messages"


def stream(
    mapping: str = typer.Argument(
        metavar="TOPIC=DATASET",
        help="The topic to take and the dataset to take it into; DATASET alone means the topic that "
        "its contract names.",
    ),
    partitions: str = typer.Option(
        "", "--partitions", metavar="LIST",
        help="Only these partitions, as 0-3,7: each process of several takes its own. Without it all.",
    ),
    commit_seconds: float = typer.Option(
        1.0, "--commit-seconds", metavar="SECONDS", min=0.05, max=600.0, help="Commit so long after a batch began."
    ),
    commit_messages: int = typer.Option(
        50_000, "--commit-messages", metavar="NUMBER", min=1, help="Commit after so many messages at the latest."
    ),
    release_seconds: float = typer.Option(
        2.0, "--release-seconds", metavar="SECONDS", min=0.1, max=10.0,
        help="Show readers what was committed at least so often.",
    ),
    compact_seconds: float = typer.Option(
        30.0, "--compact-seconds", metavar="SECONDS", min=0.0,
        help="Put small files together so often; 0 leaves it to headgate maintain.",
    ),
    fold_seconds: float = typer.Option(
        0.0, "--fold", metavar="SECONDS", min=0.0,
        help="Build what is made from the dataset so often, by runs of their own; 0 leaves it to "
        "headgate run.",
    ),
    once: bool = typer.Option(
        False, "--once", help="Take what is there now, and end."
    ),
    skip_lost: bool = typer.Option(
        False, "--skip-lost",
        help="Where messages that come next are gone from the broker, go on with the oldest it has.",
    ),
    as_json: bool = typer.Option(
        False, "--json", help="Print what is measured as JSON, a line a second."
    ),
) -> int:  # fmt: skip
    """Take messages into a gated Delta table, exactly once; Ctrl-C or SIGTERM ends it well.

    How far it came stands in the table's own log, in the commit that holds the rows: it may be killed
    anywhere, and goes on from there. What the contract refuses goes to quarantine with topic,
    partition and offset. Brokers are named in headgate.toml.
    """
    from headgate.orchestration.project import Project
    from headgate.orchestration.streaming import stream as work
    from headgate.orchestration.streaming.plan import Plan, partitions_of

    topic, _, dataset = mapping.rpartition("=")
    plan = Plan(
        partitions=partitions_of(partitions), commit_seconds=commit_seconds,
        commit_messages=commit_messages, release_seconds=release_seconds,
        tidy_seconds=compact_seconds, fold_seconds=fold_seconds, once=once, skip_lost=skip_lost,
    )  # fmt: skip
    project = Project.open()
    contract = work.contract_of(project, dataset)
    if not topic and mapping.startswith("="):
        raise UsageError(f"{mapping!r} names no topic.", remedy="Write TOPIC=DATASET.")
    source = work.source_of(project, contract, topic or contract.stream.topic)  # type: ignore[union-attr]
    found = _taken(project, contract, source, plan, as_json=as_json)
    if not as_json:
        output.out(
            f"{found.topic} -> {found.dataset}: {found.messages:,} messages, {found.rows:,} rows,"
            f" {found.quarantined:,} set aside, in {found.commits:,} commits and"
            f" {found.releases:,} releases."
        )
    return 0


def _taken(
    project: Project, contract: Contract, source: Source, plan: Plan, *, as_json: bool
) -> Measures:
    """Take the stream until a signal ends it; its owner is told where it ends otherwise."""
    from headgate.orchestration import alerts
    from headgate.orchestration.streaming import stream as work

    ending = threading.Event()
    before = {s: signal.signal(s, lambda *_: ending.set()) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _Shown(as_json) as shown:
            found = work.consume(
                project, contract.id, source, plan, stopped=ending.is_set, tell=shown.tell
            )
    except (LakeBusyError, UsageError):
        raise  # who started it is told
    except HeadgateError as error:
        kind: Literal["refused", "failed"] = (
            "refused" if isinstance(error, RefusedError) else "failed"
        )
        show = f"headgate stream {source.topic}={contract.id}"
        told = alerts.Alert(kind, contract.id, contract.owner, f"The stream ended: {error}", show)
        alerts.send(project, told, log=False)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return found


class _Shown:
    """What a person or a program sees of a stream that goes on."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._live = not as_json and sys.stderr.isatty()
        self._trouble = self._warning = ""

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write("\n")

    def tell(self, told: Mapping[str, Any]) -> None:
        """What was measured just now."""
        if self._as_json:
            from headgate.core import json as hjson

            output.out(hjson.dumps(told))
            sys.stdout.flush()
            return
        if told["warning"] != self._warning:
            self._warning = str(told["warning"])
            output.say(self._warning)
        if told["trouble"] != self._trouble:
            self._trouble = str(told["trouble"])
            output.say(self._trouble or "It goes on.")
        if self._live:
            delay = told["delay_p50_seconds"]
            late = "" if delay is None else f", readable after {delay:.1f} s"
            sys.stderr.write(
                f"\r\x1b[K{told['state']}: {told['messages']:,} messages"
                f" ({told['messages_per_second']:,.0f}/s), {told['lag']:,} to come,"
                f" {told['quarantined']:,} set aside, release {told['release']}{late}"
            )
            sys.stderr.flush()
