"""Checkpoints: every so often a table's log is summed up, so that it is not read from its beginning.

delta-rs writes them, in a scratch folder with a copy of the log's end, since it syncs nothing and
readers would meet half of a file. Whole and synced, they get their names: the checkpoint first,
then ``_last_checkpoint``, which names it. Nothing depends on either: the log says it all.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake.lake import Lake
from headgate.lake.lognames import CHECKPOINT, ENTRY

#: Every so many versions there is one.
EVERY = 100
POINTER = "_last_checkpoint"


def tried(lake: Lake, table_key: str, version: int, run_id: str) -> None:
    """Sum the log up to ``version``, unless that fails: the commit is done, whatever becomes of this."""
    with contextlib.suppress(Exception):
        write(lake, table_key, version, run_id)


def write(lake: Lake, table_key: str, version: int, run_id: str) -> bool:
    """Sum a table's log up to ``version``, durably; False if that was done before.

    Raises:
        OSError: the disk cannot be written; the table is what it was.
        deltalake.exceptions.DeltaError: the log cannot be read.
    """
    from deltalake import DeltaTable

    folder = f"{table_key}/_delta_log"
    name = f"{version:020d}.checkpoint.parquet"
    names = lake.storage.names(folder)
    if name not in names:
        scratch = lake.staging(run_id) / f"checkpoint-{ids.new_id()}"
        try:
            _copy_end(lake, folder, names, version, scratch / "_delta_log")
            DeltaTable(str(scratch), version=version).create_checkpoint()
            lake.storage.adopt(scratch / "_delta_log" / name, f"{folder}/{name}")
            pointer = (scratch / "_delta_log" / POINTER).read_bytes()
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        lake.storage.seal(folder, [])
        if pointed(lake.storage.read(f"{folder}/{POINTER}")) < version:
            lake.storage.put(f"{folder}/{POINTER}", pointer)
        return True
    return False


def pointed(text: bytes | None) -> int:
    """The version that a ``_last_checkpoint`` names; -1 if it names none."""
    try:
        return int(hjson.loads(text or b"")["version"])
    except (ValueError, KeyError, TypeError):
        return -1


def _copy_end(lake: Lake, folder: str, names: list[str], version: int, scratch: Path) -> None:
    """Copy what says how the table is at ``version``: the checkpoint before it, and entries since."""
    scratch.mkdir(parents=True)
    summed = [n for n in names if (m := CHECKPOINT.fullmatch(n)) and int(m[1]) <= version]
    first = int(summed[-1][:20]) if summed else -1
    entries = [n for n in names if (m := ENTRY.fullmatch(n)) and first <= int(m[1]) <= version]
    for name in [*summed[-1:], *entries]:
        data = lake.storage.read(f"{folder}/{name}")
        if data is not None:
            (scratch / name).write_bytes(data)
