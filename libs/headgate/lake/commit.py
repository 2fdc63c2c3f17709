"""The one commit door: staged files become a version of a table, durably, or nothing happens.

The order is what makes an acknowledged commit survive power loss: data files are synced before
the log names them, the log entry and its folder before the commit is acknowledged. delta-rs
writes the log entry (and refuses a racing one) but syncs nothing itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.contracts import types
from headgate.core import clock, failpoints
from headgate.core import json as hjson
from headgate.core.errors import ConflictError, LakeError
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import KEY, CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot, app_id
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
    # Where the schema is replaced, the writer of the log takes out every live file by itself.
    actions = _publish_files(lake, table_key, add, () if whole else remove)
    failpoints.reach("commit.files_fsynced")
    if base is not None and not whole and not columns.keys() <= base.columns.keys():
        base = _add_columns(lake, table_key, base, columns)
    meta = dataclasses.replace(meta, committed_at=clock.now())
    _write_log(lake, table_key, dataset, base, columns, actions, meta, key, whole)
    failpoints.reach("commit.log_written")
    version = 0 if base is None else base.version + 1
    log_folder = f"{table_key}/_delta_log"
    earlier = log_key("", max(version - 1, 0)).rpartition("/")[2]
    written = [n for n in lake.storage.names(log_folder) if n >= earlier]
    lake.storage.seal(log_folder, written)
    lake.storage.seal(table_key, [])
    if base is None:
        lake.storage.seal(table_key.rpartition("/")[0], [])
    failpoints.reach("commit.log_fsynced")
    found = lake.snapshot(dataset, version, quarantine=quarantine)
    if found is None or found.meta is None or found.meta.batch_id != meta.batch_id:
        raise ConflictError(f"version {version} of {dataset} was written by somebody else.")
    return found


def _publish_files(
    lake: Lake, table_key: str, add: Sequence[StagedFile | DataFile], remove: Sequence[DataFile]
) -> list[Any]:
    """Move staged files into the table's folder, synced, and give the log's actions."""
    from deltalake.transaction import AddAction, RemoveAction

    now = clock.epoch_millis()
    actions: list[AddAction | RemoveAction] = []
    for file in add:
        if isinstance(file, StagedFile):
            lake.storage.adopt(file.path, f"{table_key}/{file.path.name}")
            name, stats = file.path.name, file.stats
        else:
            name, stats = file.path, _stats_again(file)
        actions.append(AddAction(name, file.size, {}, now, True, stats))
    failpoints.reach("commit.files_published")
    if any(isinstance(f, StagedFile) for f in add):
        lake.storage.seal(table_key, [])
    for file in remove:
        actions.append(
            RemoveAction(
                path=file.path,
                data_change=True,
                deletion_timestamp=now,
                partition_values={},
                size=file.size,
            )
        )
    return actions


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
    base: Snapshot | None,
    columns: Mapping[str, str],
    actions: list[Any],
    meta: CommitMeta,
    key: Sequence[str],
    whole: bool,
) -> None:
    from deltalake.exceptions import CommitFailedError, DeltaError
    from deltalake.transaction import (
        CommitProperties,
        PostCommitHookProperties,
        Transaction,
        create_table_with_add_actions,
    )

    uri = lake.storage.uri(table_key)
    number = 1 if base is None else base.app_version + 1
    properties = CommitProperties(
        custom_metadata={KEY: meta.to_json()},
        app_transactions=[Transaction(app_id(dataset), number)],
        max_commit_retries=0,
    )
    # The log is never cleaned up here: releases pin versions; maintenance knows which.
    hooks = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
    schema = _schema(columns, None if whole else base, key)
    try:
        if base is None:
            create_table_with_add_actions(
                uri, schema, actions, mode="error",
                commit_properties=properties, post_commithook_properties=hooks,
            )  # fmt: skip
        else:
            table = lake.table(table_key)
            if table.version() != base.version:
                raise ConflictError(
                    f"{dataset} moved from version {base.version} to {table.version()} meanwhile."
                )
            table.create_write_transaction(
                actions, mode="overwrite" if whole else "append", schema=schema,
                commit_properties=properties, post_commithook_properties=hooks,
            )  # fmt: skip
    except CommitFailedError as error:
        raise ConflictError(f"somebody else committed to {dataset} first: {error}") from None
    except DeltaError as error:
        if base is None and "already exists" in str(error):
            raise ConflictError(f"somebody else created {dataset} first.") from None
        raise LakeError(f"the log of {dataset} cannot be written: {error}") from None


def _schema(columns: Mapping[str, str], base: Snapshot | None, key: Sequence[str]) -> Any:
    """The Delta schema: the table's own columns, then those that are new.

    Only key columns are NOT NULL: what else is required may be loosened by a later contract,
    and the log could not follow.
    """
    from deltalake import Schema

    merged = dict(base.columns) if base else {}
    merged |= {c: t for c, t in columns.items() if c not in merged}
    fields = [
        {"name": c, "type": types.delta_type(t), "nullable": c not in key, "metadata": {}}
        for c, t in merged.items()
    ]
    return Schema.from_json(hjson.dumps({"type": "struct", "fields": fields}))


def _stats_again(file: DataFile) -> str:
    """The statistics of a file that is put back, as the log has them."""
    import datetime as dt

    def plain(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return value

    return hjson.dumps(
        {
            "numRecords": file.rows,
            "minValues": {k: plain(v) for k, v in file.minimum.items()},
            "maxValues": {k: plain(v) for k, v in file.maximum.items()},
            "nullCount": dict(file.nulls),
        }
    )
