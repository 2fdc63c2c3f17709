"""Opening a stream beside runs, and ending it: what was left is put right, its places are held."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from headgate.contracts.model import Contract
from headgate.core import clients, clock, ids, resources
from headgate.core.errors import LakeBusyError, LakeError, UsageError
from headgate.ingest.streams import codecs
from headgate.ingest.streams.codecs import Decoder
from headgate.ingest.streams.registry import Registry
from headgate.ingest.streams.source import OLDEST, PULSAR_TOPICS, Source
from headgate.ingest.streams.taking import Taking, place_of
from headgate.lake import offsets, streams
from headgate.lake.engines import ownership
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import STAGING
from headgate.lake.session import Session
from headgate.lineage.emitter import Emitter
from headgate.orchestration import run
from headgate.orchestration.context import RunContext
from headgate.orchestration.project import Project
from headgate.orchestration.streaming import measures
from headgate.orchestration.streaming.books import Books
from headgate.orchestration.streaming.consuming import TOPIC_ID, Consumer
from headgate.orchestration.streaming.fetching import Fetcher
from headgate.orchestration.streaming.folding import Folder
from headgate.orchestration.streaming.measures import Measures
from headgate.orchestration.streaming.plan import Plan, mine
from headgate.orchestration.streaming.tidying import Tidier
from headgate.quality import accepted

if TYPE_CHECKING:
    from headgate.orchestration.spark_streaming.taking import SparkTaking

#: Seconds after which nobody stages in a folder that is empty.
_EMPTY_FOR = 3600.0


def contract_of(project: Project, dataset: str) -> Contract:
    """The contract of a dataset that a stream is taken into.

    Raises:
        UsageError: it says of no stream.
    """
    contract = project.contracts[dataset]
    if contract.stream is None:
        raise UsageError(
            f"{dataset} is not taken from a stream: its contract has no headgate.stream.",
            remedy="Write headgate.stream: {topic: NAME, codec: json} among its customProperties.",
            place=str(contract.path),
        )
    return contract


def source_of(project: Project, contract: Contract, topic: str) -> Source:
    """The topic at the broker that the project's settings name.

    Raises:
        SettingError: they name none, or one that the client does not take.
    """
    if ownership.engine_of(contract, project.settings) == "spark":
        from headgate.orchestration.spark_streaming import opening

        return opening.looked_at(project, topic)
    root, kind = project.settings.root, "pulsar" if topic.startswith(PULSAR_TOPICS) else "kafka"
    module: Any = importlib.import_module(f"headgate.ingest.streams.{kind}")
    assert contract.stream is not None
    made = module.PulsarSource if kind == "pulsar" else module.KafkaSource
    source: Source = made(topic, clients.load(root, kind), headers=contract.stream.envelope)
    return source


def decoder_of(project: Project, contract: Contract) -> Decoder | None:
    """What gives the JSON text of a message's value; None where the value is that.

    Raises:
        UsageError: the codec needs what is not installed or set.
    """
    assert contract.stream is not None
    root = project.settings.root
    return codecs.decoder(
        contract.stream.codec, lambda: Registry(clients.load(root, clients.REGISTRY))
    )


def consume(
    project: Project,
    dataset: str,
    source: Source,
    plan: Plan,
    *,
    stopped: Callable[[], bool] = bool,
    tell: Callable[[dict[str, Any]], None] = lambda told: None,
) -> Measures:
    """Take a topic's messages into a dataset, exactly once, until it is ``stopped``.

    ``tell`` is given what is measured, about once a second and at the end. The source is closed.

    Raises:
        UsageError: the dataset is no stream's, or the topic lacks a partition.
        LakeBusyError: another process takes one of the partitions.
        OvertakenError: another process took some of the messages.
        HeadgateError: the broker refuses, a rule does, or the lake cannot be written.
    """
    contract = contract_of(project, dataset)
    with (
        closing(source),
        resources.told(project.lake.root),
        _opened(project, contract, source, plan) as (context, partitions),
    ):
        return _consume(context, contract, source, plan, partitions, stopped, tell)


@contextmanager
def _opened(
    project: Project, contract: Contract, source: Source, plan: Plan
) -> Iterator[tuple[RunContext, tuple[int, ...]]]:
    lake, run_id = project.lake, ids.new_id()
    lake.make()
    accepted.keep_in(project.cache)
    partitions = mine(plan, source.partitions(), source.topic)
    _put_right(project, contract)
    places = [place_of(source.topic, p) for p in partitions]
    with ExitStack() as stack:
        died = stack.enter_context(streams.hold(lake, contract.id, places, run_id))
        if died:
            _seal(project, contract)
        stack.enter_context(lake.holding_staging(run_id))
        con = stack.enter_context(connect(project.settings))
        emitter = stack.enter_context(
            Emitter(lake.root / project.settings.lineage_file, project.settings.lake_name)
        )
        session = stack.enter_context(closing(Session(lake, con, run_id)))
        yield RunContext(project, session, emitter), partitions


def _put_right(project: Project, contract: Contract) -> None:
    """Put right what a dead run or stream left, unless a run that goes on did."""
    try:
        with run.opened(project, f"stream {contract.id}"):
            pass
    except LakeBusyError:
        pass


def _seal(project: Project, contract: Contract) -> None:
    """Make durable what the stream before this one committed last, before anything rests on it."""
    for quarantine in (False, True):
        log = f"{project.lake.key(contract.id, quarantine=quarantine)}/_delta_log"
        names = project.lake.storage.names(log)
        if names:
            project.lake.storage.seal(log, names[-1:])


def _begun(context: RunContext, contract: Contract, source: Source, partitions: tuple[int, ...],
           *, skip_lost: bool) -> dict[str, int]:  # fmt: skip
    """Assign the source where the table stands; gives of each place what is next.

    Raises:
        OtherEngineError: the other engine writes the table.
        LakeError: the topic is another one than the table's rows are of.
        LostError: the broker lacks what is next.
    """
    session = context.session
    lake, base = session.lake, session.snapshot(contract.id)
    other = ownership.refusal(base, contract, session.engine_name(contract))
    if other is not None:
        raise other
    before = base.meta.detail.get(TOPIC_ID) if base is not None and base.meta is not None else None
    if before is not None and before != (identity := source.identity()):
        raise LakeError(
            f"{source.topic} is another topic of the same name ({identity}) than the one that"
            f" {contract.id} was taken from ({before}): its positions mean other messages.",
            remedy="Take it into a dataset of another name, or under a topic name of its own.",
        )
    places = {p: place_of(source.topic, p) for p in partitions}
    taken = offsets.read(lake, contract.id, base, places.values())
    begins = {p: taken.get(place, OLDEST) for p, place in places.items()}
    if skip_lost:
        oldest = source.assign(dict.fromkeys(places, OLDEST))
        lost = {p: at for p, at in begins.items() if OLDEST < at < oldest[p]}
        for partition, at in lost.items():
            context.notes.append(
                f"{places[partition]}: the messages from {at} to {oldest[partition] - 1} are gone from"
                " the broker, and were passed over."
            )
        begins |= {p: oldest[p] for p in lost}
    source.assign(begins)
    return taken


def _consume(
    context: RunContext, contract: Contract, source: Source, plan: Plan,
    partitions: tuple[int, ...], stopped: Callable[[], bool], tell: Callable[[dict[str, Any]], None],
) -> Measures:  # fmt: skip
    project, lake = context.project, context.session.lake
    taken = _begun(context, contract, source, partitions, skip_lost=plan.skip_lost)
    given, taking = _taking(context, contract, source, plan)
    books = Books(context, contract, plan)
    found = Measures(contract.id, source.topic, context.run_id, warning=" ".join(context.notes))
    tidier = Tidier(lake, contract, context.run_id, plan.tidy_seconds)
    folder = Folder(project, contract.id, plan.fold_seconds)
    name = f"{contract.id}.{partitions[0] if partitions else 'none'}"

    def watched(told: dict[str, Any]) -> None:
        measures.write(lake.root, name, told)
        tell(told)

    def between() -> None:
        for done in tidier.done():
            books.entered.append((done.meta, done.snapshot.version))
            found.compactions += 1
        folder.fold(found.version)
        _clear(lake.root / STAGING / context.run_id)
        found.trouble = found.trouble or tidier.problem or folder.problem

    until = _ends(source, taken, partitions) if plan.once else None
    fetcher = Fetcher(given, whole=given is not source)
    consumer = Consumer(
        context, contract, plan, fetcher, taking, books, found, dict(taken), until, stopped,
        watched, between, identity=source.identity(),
    )  # fmt: skip
    tidier.start()
    fetcher.start()
    try:
        consumer.run()
    finally:
        fetcher.stop()
        given.close()
        tidier.stop()
        folder.stop()
    return found


def _taking(
    context: RunContext, contract: Contract, source: Source, plan: Plan
) -> tuple[Source, Taking | SparkTaking]:
    """What gives the messages of a source that was assigned, and what takes them in."""
    project, session = context.project, context.session
    if session.engine_name(contract) == "duckdb":
        return source, Taking(session, contract, source.topic, decoder_of(project, contract))
    from headgate.orchestration.spark_streaming import opening

    return opening.on_spark(project, session, contract, cast(Any, source), plan)


def _clear(staging: Path) -> None:
    """Remove the empty folders of batches that were committed a while ago."""
    before = clock.now().timestamp() - _EMPTY_FOR
    for path in staging.iterdir() if staging.is_dir() else ():
        with suppress(OSError):  # it holds something, or went meanwhile
            if path.is_dir() and path.stat().st_mtime < before:
                path.rmdir()


def _ends(source: Source, taken: dict[str, int], partitions: tuple[int, ...]) -> dict[int, int]:
    """How far there are messages now, of partitions that have any beyond what was taken.

    Raises:
        LakeError: the broker does not say.
    """
    until = clock.monotonic() + 30
    while clock.monotonic() < until:
        ends = source.ends()
        if ends.keys() >= set(partitions):
            places = {p: taken.get(place_of(source.topic, p), 0) for p in partitions}
            return {p: end for p, end in ends.items() if end > places[p]}
        clock.sleep(0.1)
    raise LakeError(
        f"the broker does not say how far {source.topic} goes: {source.trouble}",
        remedy="Run again when it answers.",
    )
