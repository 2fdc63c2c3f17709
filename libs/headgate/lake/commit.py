"""The one commit door: staged files become a version of a table, durably, or nothing happens.

The order is what makes an acknowledged commit survive power loss: data files are synced before
the log names them, the log entry and its folder before the commit is acknowledged. An entry of
ours is synced before it gets its name, and only one writer can give it: nobody sees half of one.
delta-rs writes the entries that change a table's shape; it syncs nothing itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.core import clock, failpoints
from headgate.core.errors import ConflictError, LakeError
from headgate.lake import entry
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import KEY, CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot, app_id
from headgate.lake.stage import StagedFile

_ENTRY = re.compile(r"\d{20}\.json")
#: Every so many versions the log is summed up, so that it is not read from its beginning.
_CHECKPOINT = 100


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
) -> Snapshot:
    """Publish ``add`` and unpublish ``remove`` as the version after ``base``, in one transaction.

    ``add`` may name data files of an earlier version (a restore). ``key`` columns are NOT NULL
    in a table that this commit creates. Columns that the table lacks are added to it; with
    ``whole``, every file of ``base`` goes and the table has exactly ``columns`` from now on.

    Returns the new snapshot, read back from the log.

    Raises:
        ConflictError: the table moved on since ``base``; plan anew on a fresh snapshot.
        LakeError: the account does not balance, or the log cannot be written.
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
    meta = dataclasses.replace(meta, committed_at=clock.now())
    if base is None or (not whole and _is_plain(base, columns)):
        return _append(lake, table_key, dataset, base, columns, add, remove, meta, key)
    # Where the schema is replaced, the writer of the log takes out every live file by itself.
    _adopt(lake, table_key, add)
    if not whole and not columns.keys() <= base.columns.keys():
        base = _add_columns(lake, table_key, base, columns)
    actions = _actions(add, () if whole else remove)
    _write_log(lake, table_key, dataset, base, columns, actions, meta, key, whole)
    failpoints.reach("commit.log_written")
    _seal_log(lake, table_key, base.version + 1)
    failpoints.reach("commit.log_fsynced")
    found = lake.snapshot(dataset, base.version + 1, quarantine=quarantine)
    if found is None or found.meta is None or found.meta.batch_id != meta.batch_id:
        raise ConflictError(
            f"version {base.version + 1} of {dataset} was written by somebody else."
        )
    return found


def _is_plain(base: Snapshot, columns: Mapping[str, str]) -> bool:
    """Whether the entry after ``base`` is one that we write ourselves."""
    ours = base.protocol == entry.PROTOCOL and base.meta is not None
    return ours and columns.keys() <= base.columns.keys()


def _append(
    lake: Lake,
    table_key: str,
    dataset: str,
    base: Snapshot | None,
    columns: Mapping[str, str],
    add: Sequence[StagedFile | DataFile],
    remove: Sequence[DataFile],
    meta: CommitMeta,
    key: Sequence[str],
) -> Snapshot:
    """Write the log entry ourselves: it gets its name, whole and synced, if nobody has it yet."""
    version, folder = 0 if base is None else base.version + 1, f"{table_key}/_delta_log"
    newest = max((n for n in lake.storage.names(folder) if _ENTRY.fullmatch(n)), default="")
    if newest and newest >= log_key("", version).rpartition("/")[2]:
        # Before the staged files move: whoever plans anew needs them where they are.
        raise ConflictError(f"{dataset} moved on before version {version} meanwhile.")
    lake.storage.make(folder)
    _adopt(lake, table_key, add)
    if base is not None:
        # Whoever wrote the version before may have died before it was synced.
        lake.storage.seal(folder, [newest])
    text = entry.written(dataset, base, columns, add, remove, meta, key, clock.epoch_millis())
    written = lake.storage.put_if_absent(
        log_key(table_key, version), text, named=lambda: failpoints.reach("commit.log_written")
    )
    if not written:
        _give_back(lake, table_key, add)
        raise ConflictError(f"somebody else committed to {dataset} first.")
    failpoints.reach("commit.log_fsynced")
    if version and version % _CHECKPOINT == 0:
        lake.table(table_key).create_checkpoint()
        _seal_log(lake, table_key, version)
    return entry.following(dataset, base, columns, add, remove, meta, lake.storage.uri(table_key))


def _seal_log(lake: Lake, table_key: str, version: int) -> None:
    """Make durable what somebody else wrote to the log, from the version before on."""
    folder = f"{table_key}/_delta_log"
    earlier = log_key("", max(version - 1, 0)).rpartition("/")[2]
    lake.storage.seal(folder, [n for n in lake.storage.names(folder) if n >= earlier])
    lake.storage.seal(table_key, [])


def _adopt(lake: Lake, table_key: str, add: Sequence[StagedFile | DataFile]) -> None:
    """Move staged files into the table's folder, synced, before a log names them."""
    staged = [f for f in add if isinstance(f, StagedFile)]
    for file in staged:
        lake.storage.adopt(file.path, f"{table_key}/{file.path.name}")
    failpoints.reach("commit.files_published")
    if staged:
        lake.storage.seal(table_key, [])
    failpoints.reach("commit.files_fsynced")


def _give_back(lake: Lake, table_key: str, add: Sequence[StagedFile | DataFile]) -> None:
    """Put files that no log names back where they were staged: whoever plans anew reads them there."""
    for file in add:
        if isinstance(file, StagedFile):
            lake.storage.give_back(f"{table_key}/{file.path.name}", file.path)


def _actions(add: Sequence[StagedFile | DataFile], remove: Sequence[DataFile]) -> list[Any]:
    """The log's actions, as delta-rs takes them."""
    from deltalake.transaction import AddAction, RemoveAction

    now = clock.epoch_millis()
    return [
        *(AddAction(entry.file_name(f), f.size, {}, now, True, entry.statistics(f)) for f in add),
        *(
            RemoveAction(path=f.path, data_change=True, deletion_timestamp=now,
                         partition_values={}, size=f.size)
            for f in remove
        ),
    ]  # fmt: skip


def _add_columns(
    lake: Lake, table_key: str, base: Snapshot, columns: Mapping[str, str]
) -> Snapshot:
    """Add the columns that the table lacks, in a version of their own: no row changes by that."""
    from deltalake.exceptions import CommitFailedError

    new = {c: t for c, t in columns.items() if c not in base.columns}
    table = lake.table(table_key)
    if table.version() != base.version:
        raise ConflictError(f"{base.dataset} moved on from version {base.version} meanwhile.")
    try:
        table.alter.add_columns(list(_schema(new, None, ()).fields))
    except CommitFailedError as error:
        raise ConflictError(f"somebody else committed to {base.dataset} first: {error}") from None
    return Snapshot(
        base.dataset, base.version + 1, {**base.columns, **new}, base.files, base.meta,
        base.app_version, base.protocol,
    )  # fmt: skip


def _write_log(
    lake: Lake,
    table_key: str,
    dataset: str,
    base: Snapshot,
    columns: Mapping[str, str],
    actions: list[Any],
    meta: CommitMeta,
    key: Sequence[str],
    whole: bool,
) -> None:
    """Have delta-rs write an entry that changes more than files: the table's shape, say."""
    from deltalake.exceptions import CommitFailedError, DeltaError
    from deltalake.transaction import CommitProperties, PostCommitHookProperties, Transaction

    properties = CommitProperties(
        custom_metadata={KEY: meta.to_json()},
        app_transactions=[Transaction(app_id(dataset), base.app_version + 1)],
        max_commit_retries=0,
    )
    # The log is never cleaned up here: releases pin versions; maintenance knows which.
    hooks = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
    table = lake.table(table_key)
    if table.version() != base.version:
        raise ConflictError(
            f"{dataset} moved from version {base.version} to {table.version()} meanwhile."
        )
    try:
        table.create_write_transaction(
            actions, mode="overwrite" if whole else "append",
            schema=_schema(columns, None if whole else base, key),
            commit_properties=properties, post_commithook_properties=hooks,
        )  # fmt: skip
    except CommitFailedError as error:
        raise ConflictError(f"somebody else committed to {dataset} first: {error}") from None
    except DeltaError as error:
        raise LakeError(f"the log of {dataset} cannot be written: {error}") from None


def _schema(columns: Mapping[str, str], base: Snapshot | None, key: Sequence[str]) -> Any:
    """The Delta schema: the table's own columns, then those that are new."""
    from deltalake import Schema

    merged = dict(base.columns) if base else {}
    merged |= {c: t for c, t in columns.items() if c not in merged}
    return Schema.from_json(entry.schema_of(merged, key))
