"""A log entry of ours as the Delta protocol has it, and the snapshot that it makes of the one before.

Entries are written here alone, for tables of our own protocol: files that come and go, and columns
that the table has from then on. That takes a tenth of the time of a whole Delta library, and no
library syncs what it writes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from headgate.contracts import types
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake.meta import COMPACTION, KEY, CommitMeta
from headgate.lake.offsets import Span
from headgate.lake.snapshot import DataFile, Snapshot, app_id, type_of
from headgate.lake.stage import StagedFile

#: The protocol of tables that are made here, and of those that are written to here.
READER, WRITER = 1, 2
PROTOCOL = f"{READER}.{WRITER}"
_ENGINE = "headgate"
#: Names the SHA-256 of an entry in its commitInfo, and of a data file in the tags that it is added with.
CHECKSUM = "headgate.sha256"


def written(
    dataset: str,
    base: Snapshot | None,
    shape: Mapping[str, Any] | None,
    add: Sequence[StagedFile | DataFile],
    remove: Sequence[DataFile],
    meta: CommitMeta,
    now: int,
    spans: Mapping[str, Span] | None = None,
) -> bytes:
    """The entry's lines; ``shape`` is a metaData action, if the table gets another one.

    Without a ``base`` the entry makes the table. ``now`` is in milliseconds; ``spans`` are the
    parts of a stream that come in, of each of which a transaction of its own keeps what is next.
    """
    info: dict[str, Any] = {
        "timestamp": now, "operation": "WRITE", "operationParameters": {"mode": "Append"},
        "engineInfo": _ENGINE, KEY: meta.to_json(),
    }  # fmt: skip
    actions: list[dict[str, Any]] = [{"commitInfo": info}]
    if base is None:
        info |= {"operation": "CREATE TABLE", "operationParameters": {}}
        actions.append({"protocol": {"minReaderVersion": READER, "minWriterVersion": WRITER}})
    if shape is not None:
        actions.append({"metaData": shape})
    actions += [{"add": _added(file, now)} for file in add]
    actions += [{"remove": _removed(file, now)} for file in remove]
    if meta.kind == COMPACTION:
        # Readers of changes pass over it: the rows are what they were.
        info |= {"operation": "OPTIMIZE", "operationParameters": {}}
        for file_action in (a[what] for a in actions for what in ("add", "remove") if what in a):
            file_action["dataChange"] = False
    number = 1 if base is None else base.app_version + 1
    actions.append({"txn": {"appId": app_id(dataset), "version": number}})
    for place, span in (spans or {}).items():
        # Without a time: it must not be forgotten, however long nothing comes.
        actions.append({"txn": {"appId": app_id(dataset, place), "version": span.next}})
    return _sealed(info, actions[1:])


def _sealed(info: dict[str, Any], actions: Sequence[Mapping[str, Any]]) -> bytes:
    """The entry's lines, with a digest of all that they say: an entry that was changed is told."""
    rest = "".join(hjson.dumps(a) + "\n" for a in actions).encode()
    info[CHECKSUM] = ids.digest(hjson.dumps({"commitInfo": info}), rest)
    return (hjson.dumps({"commitInfo": info}) + "\n").encode() + rest


def is_whole(data: bytes) -> bool | None:
    """Whether an entry's bytes are what was written; None if it carries no digest.

    Raises:
        ValueError: its first line is not JSON.
    """
    first, _, rest = data.partition(b"\n")
    document = hjson.loads(first)
    info = document.get("commitInfo") if isinstance(document, dict) else None
    if not isinstance(info, dict) or CHECKSUM not in info:
        # One that was written elsewhere, or before entries were sealed, or whose name was damaged.
        return False if CHECKSUM.encode() in first else None
    told = info.pop(CHECKSUM)
    digest = ids.digest(hjson.dumps({"commitInfo": info}), rest)
    again = hjson.dumps({"commitInfo": {**info, CHECKSUM: told}}).encode()
    return bool(told == digest and again == first)


def _added(file: StagedFile | DataFile, now: int) -> dict[str, Any]:
    name, stats = file_name(file), statistics(file)
    checksum = file.checksum if isinstance(file, StagedFile) else ""
    return {"path": name, "partitionValues": {}, "size": file.size, "modificationTime": now,
            "dataChange": True, "stats": stats} | (
            {"tags": {CHECKSUM: checksum}} if checksum else {})  # fmt: skip


def _removed(file: DataFile, now: int) -> dict[str, Any]:
    return {"path": file.path, "deletionTimestamp": now, "dataChange": True,
            "extendedFileMetadata": True, "partitionValues": {}, "size": file.size}  # fmt: skip


def file_name(file: StagedFile | DataFile) -> str:
    """What the log calls the file."""
    return file.path.name if isinstance(file, StagedFile) else file.path


def statistics(file: StagedFile | DataFile) -> str:
    """The file's statistics as the log has them; of one that is put back, as the log had them."""
    if isinstance(file, StagedFile):
        return file.stats
    return hjson.dumps(
        {
            "numRecords": file.rows,
            "minValues": {k: _plain(v) for k, v in file.minimum.items()},
            "maxValues": {k: _plain(v) for k, v in file.maximum.items()},
            "nullCount": dict(file.nulls),
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return (
            value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        )
    return value


def following(
    dataset: str,
    base: Snapshot | None,
    columns: Mapping[str, str],
    add: Sequence[StagedFile | DataFile],
    remove: Sequence[DataFile],
    meta: CommitMeta,
    uri: str,
    *,
    whole: bool = False,
) -> Snapshot:
    """The table's snapshot once the entry of :func:`written` stands; with ``whole``, it has
    ``columns`` and no others."""
    known = {} if base is None or whole else dict(base.columns)
    columns = known | {
        c: type_of(types.delta_type(t)) for c, t in columns.items() if c not in known
    }
    gone = {f.path for f in remove}
    kept = [f for f in base.files if f.path not in gone] if base else []
    new = [f if isinstance(f, DataFile) else _published(f, columns, uri) for f in add]
    files = {f.path: f for f in [*kept, *new]}
    return Snapshot(
        dataset=dataset,
        version=0 if base is None else base.version + 1,
        columns=columns,
        files=tuple(files[path] for path in sorted(files)),
        meta=meta.content,
        app_version=1 if base is None else base.app_version + 1,
        protocol=base.protocol if base else PROTOCOL,
    )


def _published(file: StagedFile, columns: Mapping[str, str], uri: str) -> DataFile:
    told, name = hjson.loads(file.stats), file_name(file)
    low, high = (
        {c: _value(v, columns[c]) for c, v in told[bounds].items()}
        for bounds in ("minValues", "maxValues")
    )
    return DataFile(name, f"{uri}/{name}", file.size, file.rows, low, high, told["nullCount"])


def _value(value: Any, kind: str) -> Any:
    """A bound as an engine compares it."""
    if kind == "date":
        return dt.date.fromisoformat(value)
    if kind == "timestamp":
        return dt.datetime.fromisoformat(value)
    if decimal := types.decimal_of(kind):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimal[1]))
    return value
