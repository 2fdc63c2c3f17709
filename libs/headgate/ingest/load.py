"""Loading one file: taken in a process of its own, then through the gate into the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import clock, failpoints, ids
from headgate.core.errors import RefusedError, SettingError
from headgate.core.settings import Settings, size_in_bytes
from headgate.ingest import deletions
from headgate.ingest.isolation import supervisor
from headgate.ingest.isolation.limits import Limits
from headgate.ingest.isolation.request import Request, carry_out
from headgate.ingest.plainfile import open_plain
from headgate.ingest.readers.base import Reason, SourceFile, Unsafe
from headgate.ingest.taking import Taken
from headgate.lake.deletes import Deletes
from headgate.lake.merge import Plan, merge_by_key
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.quality import gate, quarantine
from headgate.quality.parents import ParentKeys, hold, wanted

#: Share of a reading process's memory that its engine may use before it spills.
_ENGINE = 0.5


def load_file(
    session: Session,
    contract: Contract,
    source: SourceFile,
    *,
    batch_id: str,
    among: Sequence[SourceFile] = (),
) -> gate.Entry:
    """Take one file into the contract's dataset, as the batch ``batch_id``.

    A file that cannot be read within the limits of the settings is one record, set aside with the
    reason. ``among`` are the files that it is one of, if there are several to take.

    Raises:
        HeadgateError: the file cannot be read or the lake not be written; nothing is published.
    """
    started = clock.monotonic()
    parents = wanted(session, contract)
    request = asked(session, contract, source, batch_id, parents, among)
    taken = take(request, session)
    return publish(session, request, taken, parents, started)


def asked(
    session: Session,
    contract: Contract,
    source: SourceFile,
    batch_id: str,
    parents: tuple[ParentKeys, ...],
    among: Sequence[SourceFile] = (),
) -> Request:
    """What a reading process is told of the file."""
    settings = session.settings
    own, cap = _memory_of_reader(settings)
    return Request(
        run_id=session.run_id, settings=own, contract=contract, source=source, batch_id=batch_id,
        folder=session.staging / batch_id, at=clock.iso(), parents=parents,
        reach=tuple(sorted({f.path.absolute() for f in (source, *among)})),
        limits=Limits.of(settings, source.size), capped=cap,
    )  # fmt: skip


def _memory_of_reader(settings: Settings) -> tuple[Settings, bool]:
    """The settings of a reader's engine, and whether it has less memory than the run's."""
    most = int(_ENGINE * size_in_bytes(settings.reader_memory))
    try:
        capped = most < size_in_bytes(settings.memory_limit)
    except SettingError:  # such as a share of what the machine has
        capped = True
    if not capped or settings.readers == "inline":
        return settings, False
    return dataclasses.replace(settings, memory_limit=f"{most}B"), True


def take(request: Request, session: Session) -> Taken | Reason:
    """Have the file taken, where the settings say; a reason, if it is set aside as a whole.

    Raises:
        HeadgateError: the file cannot be read, or nothing can be staged.
    """
    if request.settings.readers == "child":
        return supervisor.take(request)
    try:
        hold(session.con, request.parents, session.parents)
        return carry_out(request, session.con)
    except Unsafe as error:
        return error.reason


def publish(
    session: Session,
    request: Request,
    taken: Taken | Reason,
    parents: tuple[ParentKeys, ...],
    started: float,
) -> gate.Entry:
    """What was taken, through the gate.

    Raises:
        HeadgateError: see :func:`headgate.quality.gate.publish`.
    """
    contract, source = request.contract, request.source
    detail: dict[str, Any] = {"bytes": source.size, "notes": []}
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
    # The rows were judged where they were read; what only warns is judged here.
    hold(session.con, (p for p in parents if p.severity == "warn"), session.parents)
    return gate.publish(
        session, session.con, batch, intake, merge_plan(session, contract, intake),
        parents={p.rule_id: p.table for p in parents}, supersedes=True,
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
    hasher, size = ids.content_hasher(), 0
    with open_plain(source.path, source.name) as file:
        while data := file.read(1 << 20):
            hasher.update(data)
            size += len(data)
    if size != source.size:
        raise RefusedError(
            f"{source.name} was changed while it was read.",
            remedy="Run again when it is complete; nothing of it was published.",
        )
    return hasher.hexdigest()


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
            session.con,
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
