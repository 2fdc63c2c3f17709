"""Loading one file: taken in a process of its own, then through the gate into the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock, failpoints
from headgate.core.errors import RefusedError, SettingError
from headgate.core.settings import Settings, size_in_bytes
from headgate.ingest import deletions, plainfile
from headgate.ingest.isolation import supervisor
from headgate.ingest.isolation.limits import Limits
from headgate.ingest.isolation.request import Request, carry_out
from headgate.ingest.readers.base import Reason, SourceFile, Unsafe, engine_opens
from headgate.ingest.taken import Taken
from headgate.lake.deletes import Deletes
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.quality import gate, quarantine
from headgate.quality.parents import hold, wanted

#: Share of a reading process's memory that its engine may use before it spills.
_ENGINE = 0.4
#: Files beyond which the engine is told their folders: it takes a while to be told of each.
_NAMED = 100


def load_file(
    session: Session, contract: Contract, source: SourceFile, *, batch_id: str
) -> gate.Entry:
    """Take one file into the contract's dataset, as the batch ``batch_id``.

    A file that cannot be read within the limits of the settings is one record, set aside with the
    reason.

    Raises:
        HeadgateError: the file cannot be read or the lake not be written; nothing is published.
    """
    request = asked(session, contract, source, batch_id)
    return publish(session, request, take(request, session), clock.monotonic())


def asked(
    session: Session,
    contract: Contract,
    source: SourceFile,
    batch_id: str,
    *,
    reach: tuple[Path, ...] | None = None,
    at_once: int = 1,
) -> Request:
    """What a reading process is told of the file.

    ``reach`` is what the engine may open, if there are more files to take (see
    :func:`reach_of`); ``at_once`` is how many processes may be reading.

    Raises:
        ContractError: a foreign key points at its own dataset.
    """
    settings = session.settings
    own, cap = _memory_of_reader(settings, at_once)
    return Request(
        run_id=session.run_id, settings=own, contract=contract, source=source, batch_id=batch_id,
        folder=session.staging / batch_id, at=clock.iso(), parents=wanted(session, contract),
        reach=reach_of(contract, [source]) if reach is None else reach,
        limits=Limits.of(settings, source.size), capped=cap,
    )  # fmt: skip


def reach_of(contract: Contract, files: Sequence[SourceFile]) -> tuple[Path, ...]:
    """What the engine may open to read the files: nothing, for formats that it does not open."""
    if contract.source is None or not engine_opens(contract.source.format):
        return ()
    paths = {f.path.absolute() for f in files}
    return tuple(sorted(paths if len(paths) <= _NAMED else {p.parent for p in paths}))


def _memory_of_reader(settings: Settings, at_once: int) -> tuple[Settings, bool]:
    """The settings of a reader's engine, and whether it has less memory than the run's."""
    if settings.readers == "inline":
        return settings, False
    most = int(_ENGINE * size_in_bytes(settings.reader_memory))
    try:
        own = size_in_bytes(settings.memory_limit)
        if own <= most and at_once == 1:
            return settings, False
        most = min(most, own // at_once)
    except SettingError:
        pass  # such as a share of what the machine has
    return dataclasses.replace(settings, memory_limit=f"{most}B"), True


def take(request: Request, session: Session, stopped: Callable[[], bool] = bool) -> Taken | Reason:
    """Have the file taken, where the settings say; a reason, if it is set aside as a whole.

    ``stopped`` is asked now and then whether nobody wants it any more.

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
    """
    if session.engine_name(request.contract) != "duckdb":
        from headgate.ingest.distributed import reading

        return reading.take(request, session, stopped)
    if request.settings.readers == "child":
        return supervisor.take(request, stopped)
    try:
        hold(session.con, request.parents, session.parents)
        return carry_out(request, session.con)
    except Unsafe as error:
        return error.reason


def publish(
    session: Session,
    request: Request,
    taken: Taken | Reason,
    started: float,
) -> gate.Entry:
    """What was taken, through the gate.

    Raises:
        HeadgateError: see :func:`headgate.quality.gate.publish`.
    """
    contract, source = request.contract, request.source
    con = session.engine(contract)
    detail: dict[str, Any] = {"bytes": source.size, "notes": []}
    if con is not session.con and isinstance(taken, Taken):
        from headgate.ingest.distributed import judging

        taken = judging.judge(session, request, taken)
    if isinstance(taken, Reason):
        detail["tried_with"] = session.settings.of_reading()
        intake, content_hash = _set_aside(session, request, taken)
    else:
        detail["notes"] = list(taken.notes)
        intake, content_hash = _intake(session, request, taken), taken.content_hash
    batch = gate.Batch(
        contract=contract, batch_id=request.batch_id, kind="ingest", mode="merge",
        source=source.name, content_hash=content_hash, inputs=session.versions(contract.parents),
        detail=detail, limited=isinstance(taken, Taken), started=started,
    )  # fmt: skip
    failpoints.reach("ingest.staged")
    # The rows were judged by now; what only warns is judged here.
    hold(con, (p for p in request.parents if p.severity == "warn"), session.held(con))
    return gate.publish(
        session, con, batch, intake, merge_plan(session, contract, intake),
        parents={p.rule_id: p.table for p in request.parents}, supersedes=True,
    )  # fmt: skip


def _intake(session: Session, request: Request, taken: Taken) -> gate.Intake:
    """What was taken, as the gate wants it."""
    contract, delivery = request.contract, request.contract.delivery
    writer = quarantine.Writer(
        session.con, contract, session, request.source.name, taken.content_hash, request.batch_id
    )
    writer.files, writer.rows = list(taken.refused), taken.quarantined
    writer.codes = dict(taken.codes)
    # The key of a record that cannot be read is not known: it may be any that seems absent.
    unread = sum(taken.reading.values())
    return gate.Intake(
        taken.read, list(taken.staged), writer,
        deduplicated=taken.deduplicated, breaches=dict(taken.breaches),
        reading=dict(taken.reading), conflicts=taken.conflicts, warnings=dict(taken.warnings),
        control_total=taken.control_total, withheld=unread if delivery.snapshot else 0,
        deletes=Deletes(
            taken.tombstones, snapshot=delivery.snapshot and not unread, scope=delivery.scope,
            present=deletions.present(contract, taken.present) if delivery.snapshot else None,
        ),
    )  # fmt: skip


def _set_aside(session: Session, request: Request, why: Reason) -> tuple[gate.Intake, str]:
    """A file that is one record, set aside; and its content's hash."""
    contract, source = request.contract, request.source
    content_hash = _content_hash(source)
    writer = quarantine.Writer(
        session.con, contract, session, source.name, content_hash, request.batch_id
    )
    writer.add(1, "", [why._asdict()])
    withheld = 1 if contract.delivery.snapshot else 0
    return gate.Intake(
        1, [], writer, reading={why.code: 1}, withheld=withheld, deletes=Deletes()
    ), content_hash


def _content_hash(source: SourceFile) -> str:
    """SHA-256 of a file's bytes as stored.

    Raises:
        RefusedError: it is not as large any more as it was when it was found.
    """
    found, size = plainfile.content_hash(source.path, source.name)
    if size != source.size:
        raise RefusedError(
            f"{source.name} was changed while it was read.",
            remedy="Run again when it is complete; nothing of it was published.",
        )
    return found


def merge_plan(
    session: Session, contract: Contract, intake: gate.Intake, *, by_delivery: bool = False
) -> gate.Planner:
    """How the batch is merged by key into whatever version of the table there is.

    ``by_delivery``: without an order column the row that was delivered later stays, which need
    not be the batch's: it may have waited in quarantine meanwhile.
    """
    order_column = contract.order_column or ("_ingested_at" if by_delivery else None)

    def plan(base: Snapshot | None) -> Plan:
        return merge_by_key(
            session.engine(contract),
            base,
            intake.staged,
            columns=contract.table_columns,
            key=contract.key,
            order_column=order_column,
            folder=session.staging,
            settings=session.settings,
            compared=contract.content,
            deletes=intake.deletes,
        )

    return plan
