"""The one commit door: staged files become a version of a table, durably, or nothing happens.

The order is what makes an acknowledged commit survive power loss: data files are synced before
the log names them, the log entry and its folder before the commit is acknowledged. An entry is
synced before it gets its name, and only one writer can give it: nobody sees half of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.core import clock, failpoints
from headgate.core.errors import ConflictError, LakeError
from headgate.lake import checkpoint, checksum, entry, lognames, offsets, shape
from headgate.lake.engines import ownership
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot
from headgate.lake.stage import StagedFile


def commit(
    lake: Lake,
    dataset: str,
    *,
    base: Snapshot | None,
    columns: Mapping[str, str],
    add: Sequence[StagedFile | DataFile],
    remove: Sequence[DataFile],
    meta: CommitMeta,
    key: Sequence[str] = (),
    quarantine: bool = False,
    whole: bool = False,
    spans: Mapping[str, offsets.Span] | None = None,
) -> Snapshot:
    """Publish ``add`` and unpublish ``remove`` as the version after ``base``, in one transaction.

    ``add`` may name data files of an earlier version (a restore). ``key`` columns are NOT NULL
    in a table that this commit creates. Columns that the table lacks are added to it; with
    ``whole``, every file of ``base`` goes and the table has exactly ``columns`` from now on.
    ``spans`` are the parts of a stream that the rows are of, by their places: they stand in the
    same log entry, and nothing is committed if the table has taken others since.

    Returns the new snapshot, as it would be read back from the log.

    Raises:
        ConflictError: the table moved on since ``base``; plan anew on a fresh snapshot.
        OvertakenError: somebody else took a part of the stream that the rows are of.
        LakeError: the account does not balance, or the log cannot be written.
        OtherEngineError: the table's rows are written by another engine.
        UnknownOutcomeError: the disk did not confirm what the log names by now.
    """
    if not meta.balanced:
        raise LakeError(
            f"the account of batch {meta.batch_id} of {dataset} does not balance: read {meta.read}"
            f" ≠ {meta.published} published + {meta.quarantined} quarantined"
            f" + {meta.deduplicated} deduplicated + {meta.refused} refused.",
            remedy="Nothing was published; this is a defect of Headgate, please report it.",
        )
    table_key = lake.key(dataset, quarantine=quarantine)
    whole = whole and base is not None
    ownership.demand(base, meta, whole=whole)
    meta = dataclasses.replace(meta, committed_at=clock.now())
    if base is not None and whole:
        kept = {entry.file_name(f) for f in add}
        remove = [f for f in base.files if f.path not in kept]
    version, folder = 0 if base is None else base.version + 1, f"{table_key}/_delta_log"
    newest = lognames.newest(lake.storage.names(folder))
    if newest and newest >= log_key("", version).rpartition("/")[2]:
        # Before the staged files move: whoever plans anew needs them where they are.
        raise ConflictError(f"{dataset} moved on before version {version} meanwhile.")
    if spans:
        offsets.demand(lake, dataset, base, spans)
    now = clock.epoch_millis()
    changed = _shape(lake, table_key, base, columns, key, now, whole, meta.engine)
    if base is None:
        lake.storage.make(folder)
    add = _adopt(lake, table_key, add)
    if base is not None:
        # Whoever wrote the version before may have died before it was synced.
        lake.storage.seal(folder, [newest])
    text = entry.written(dataset, base, changed, add, remove, meta, now, spans or {})
    written = lake.storage.put_if_absent(
        log_key(table_key, version), text, named=lambda: failpoints.reach("commit.log_written")
    )
    if written and base is not None and lake.storage.read(log_key(table_key, base.version)) is None:
        # Logs are cut short from their beginning, so if what was before is gone, this name was
        # somebody's who committed meanwhile: what was put in its place is part of no version.
        lake.storage.remove(folder, [log_key("", version).rpartition("/")[2]])
        written = False
    if not written:
        _give_back(lake, table_key, add)
        raise ConflictError(f"somebody else committed to {dataset} first.")
    failpoints.reach("commit.log_fsynced")
    uri = lake.storage.uri(table_key)
    made = entry.following(dataset, base, columns, add, remove, meta, uri, whole=whole)
    if version and version % checkpoint.EVERY == 0:
        checkpoint.tried(lake, table_key, version, meta.run_id)
    return made


def _shape(
    lake: Lake,
    table_key: str,
    base: Snapshot | None,
    columns: Mapping[str, str],
    key: Sequence[str],
    now: int,
    whole: bool,
    engine: str,
) -> dict[str, Any] | None:
    """The shape that the table gets by a commit after ``base``, or None if it keeps its own.

    Raises:
        LakeError: the table asks more of its writers than is done here.
    """
    if base is None:
        return shape.made(columns, key, now, engine)
    if base.partitions:
        raise LakeError(
            f"the table of {base.dataset} is partitioned by {', '.join(base.partitions)}; somebody"
            " else made it, and Headgate only reads such tables.",
            place=base.dataset,
            remedy="Move it away and take its rows in as a source.",
        )
    if not _writable(base.protocol):
        raise LakeError(
            f"the table of {base.dataset} has the Delta protocol {base.protocol}; Headgate writes"
            f" {entry.PROTOCOL}.",
            place=lake.storage.uri(table_key),
            remedy="Somebody else changed it: headgate fsck says what it has; a table that is moved"
            " aside is built anew.",
        )
    if not whole and columns.keys() <= base.columns.keys():
        return None
    table = lake.table(table_key, base.version)
    if table is None:
        raise LakeError(f"the table of {base.dataset} is gone.", place=lake.storage.uri(table_key))
    return shape.changed(table, base, columns, key, whole=whole, engine=engine)


def _writable(protocol: str) -> bool:
    """Whether a table of this protocol asks nothing of its writers that is not done here."""
    reader, _, writer = protocol.partition(".")
    return int(reader) <= entry.READER and int(writer) <= entry.WRITER


def _adopt(
    lake: Lake, table_key: str, add: Sequence[StagedFile | DataFile]
) -> list[StagedFile | DataFile]:
    """Move staged files into the table's folder, synced, before a log names them.

    Gives ``add`` with the checksums that the log is to keep of them.
    """
    summed: list[StagedFile | DataFile] = []
    for file in add:
        if isinstance(file, StagedFile):
            digest = checksum.begin(file.path)
            lake.storage.adopt(file.path, f"{table_key}/{file.path.name}")
            file = dataclasses.replace(file, checksum=digest())
        summed.append(file)
    failpoints.reach("commit.files_published")
    if any(isinstance(f, StagedFile) for f in add):
        lake.storage.seal(table_key, [])
    failpoints.reach("commit.files_fsynced")
    return summed


def _give_back(lake: Lake, table_key: str, add: Sequence[StagedFile | DataFile]) -> None:
    """Put files that no log names back where they were staged: whoever plans anew reads them there."""
    for file in add:
        if isinstance(file, StagedFile):
            lake.storage.give_back(f"{table_key}/{file.path.name}", file.path)
