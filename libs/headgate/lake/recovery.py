"""What a power cut or another writer left half-written is set aside before anything is read.

Set aside is: renamed into ``_set_aside/``, durably, and told of. Nothing is deleted, and nothing that
was acknowledged is set aside: what a release or a ledger names stays, and the run refuses.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headgate.contracts.names import QUARANTINE_SUFFIX, DatasetName
from headgate.core import ids
from headgate.core.boot import boot_id
from headgate.core.errors import HeadgateError, LakeError
from headgate.lake import ledger, logfiles, lognames, unnamed
from headgate.lake.checkpoint import POINTER
from headgate.lake.engines.duckdb import Connection, literal
from headgate.lake.lake import LOCKS, STAGING, Lake, log_key
from headgate.lake.logfiles import Torn
from headgate.lake.meta import CommitMeta
from headgate.lake.release import ReleaseStore
from headgate.lake.storage import sync_file, sync_folder

SET_ASIDE = "_set_aside"
#: Names the start of the machine at which the lake was last looked at.
BOOT = "_state/boot"
#: Folders of a lake whose content nobody needs after a power cut.
_PASSING = (STAGING, LOCKS, SET_ASIDE, "_cache")


def torn(lake: Lake, key: str, *, thorough: bool = True) -> Torn | None:
    """The newest entry of the log of the table at ``key``, or what sums its log up, if nobody can
    read it; None if all is well or nothing is there.

    Without ``thorough``, only the two ends of the newest entry are looked at.
    """
    return logfiles.torn(lake.storage, key, thorough=thorough)


def before_a_run(
    lake: Lake, con: Connection, contracts: Mapping[str, Any], *, died: bool
) -> list[str]:
    """Put right what an earlier run, another writer or a power cut left; tells what was torn.

    ``died`` says that the run before did not end well. Only the holder of the run lock may.

    Raises:
        LakeError: what is torn was acknowledged, or others went on behind it.
    """
    path, boot = lake.root / BOOT, boot_id()
    started = not boot or lake.storage.read(BOOT) != boot.encode()
    if died:
        seal(lake)
    told = recover(lake, con, contracts, thorough=died or started)
    if started and boot:
        path.parent.mkdir(exist_ok=True)
        # Not synced: if it is lost, the lake is looked at once more.
        path.write_bytes(boot.encode())
    return told


def recover(
    lake: Lake, con: Connection, contracts: Mapping[str, Any], *, thorough: bool
) -> list[str]:
    """Set aside what is torn, in every table; tells what that was, a sentence each.

    Only the holder of the run lock may. Tables of ``contracts`` are put right or refused; others
    that lie in the lake are put right where that is sure.

    Raises:
        LakeError: what is torn was acknowledged, or others went on behind it.
    """
    told: list[str] = []
    for key in tables(lake):
        try:
            told += _put_right(lake, con, key, thorough)
        except LakeError:
            if _owned(key, contracts):
                raise
    return told


def seal(lake: Lake) -> None:
    """Make durable what the lake holds by now, whoever wrote it and died before it was synced.

    What this run goes on from must not be lost by a power cut that what it adds survives.
    """
    for folder, folders, names in os.walk(lake.root):
        path = Path(folder)
        if path == lake.root:
            folders[:] = [f for f in folders if f not in _PASSING]
        # Files were synced before they got their names, but for entries that others wrote.
        if path.name == "_delta_log":
            newest = lognames.newest(names)
            for name in {newest, POINTER}.intersection(names):
                sync_file(path / name)
        sync_folder(path)
    sync_folder(lake.root.parent)


def tables(lake: Lake) -> list[str]:
    """The keys of all tables that have a log, the ledgers first."""
    found = [key for key in unnamed.tables(lake) if not key.rpartition("/")[2].startswith(".")]
    return sorted(found, key=lambda key: not key.startswith("system/"))


def set_aside(lake: Lake) -> list[str]:
    """What lies set aside, as keys below the lake."""
    root = lake.root / SET_ASIDE
    return sorted(str(p.relative_to(lake.root)) for p in root.rglob("*") if p.is_file())


def _put_right(lake: Lake, con: Connection, key: str, thorough: bool) -> Iterable[str]:
    told = []
    while (found := torn(lake, key, thorough=thorough)) is not None:
        place = f"{lake.storage.uri(key)}/_delta_log/{found.name}"
        if found.beyond:
            raise LakeError(
                f"the log of {key} cannot be read: {found.name} {found.why}, and what was committed"
                " since needs it.",
                place=place,
                remedy="headgate fsck says what is left; nothing was changed.",
            )
        named_by = _acknowledged(lake, con, key, found)
        if found.changed or named_by:
            raise LakeError(
                f"version {found.version} of {key} {found.why}"
                + (
                    f", and {named_by} names it." if named_by else "; a power cut does not do that."
                ),
                place=place,
                remedy="It was written whole, so the disk damaged or lost it: take the file from a"
                " backup, or see headgate fsck. Nothing was changed.",
            )
        target = f"{SET_ASIDE}/{key}/_delta_log/{found.name}.{ids.new_id()}"
        _move(lake, f"{key}/_delta_log/{found.name}", target)
        what = f"version {found.version}" if found.version is not None else "a summary of the log"
        told.append(
            f"{key}: {what} {found.why}; nobody was told of it. It was set aside as"
            f" {target}, and what was before it is kept."
        )
        thorough = True  # where one is, there may be more
    return told


def _move(lake: Lake, key: str, target: str) -> None:
    source, to = lake.root / key, lake.root / target
    lake.storage.make(str(Path(target).parent))
    os.rename(source, to)
    sync_folder(to.parent)
    sync_folder(source.parent)


def _owned(key: str, contracts: Mapping[str, Any]) -> bool:
    return any(
        key in (name.path, name.quarantine_path) for name in map(DatasetName.parse, contracts)
    )


def _acknowledged(lake: Lake, con: Connection, key: str, found: Torn) -> str:
    """Who relies on this version of the table; empty if nobody does."""
    if found.version is None:
        return ""
    if key.endswith(QUARANTINE_SUFFIX):
        return _missed(lake, con, key, found.version)
    dataset = key.replace("/", ".")
    for release in ReleaseStore(lake).list():
        if release.versions.get(dataset, -1) >= found.version:
            return f"release {release.id}"
    where = f"dataset = {literal(dataset)} AND version >= {found.version}"
    rows = _batches(lake, con, key, where)
    return f"the ledger (batch {rows[0]['batch_id']})" if rows else ""


def _missed(lake: Lake, con: Connection, key: str, version: int) -> str:
    """The batch whose refused rows no earlier version of the quarantine at ``key`` holds.

    Refused rows are committed before their batch: while there is no such batch, nobody was told.
    """
    dataset = key.removesuffix(QUARANTINE_SUFFIX).replace("/", ".")
    held = {m.batch_id for v in range(version) if (m := CommitMeta.from_log(_entry(lake, key, v)))}
    table = key.removesuffix(QUARANTINE_SUFFIX)
    told = {
        m.batch_id
        for v in lognames.entries(lake.storage.names(f"{table}/_delta_log"))
        if (m := CommitMeta.from_log(_entry(lake, table, v))) and m.quarantined
    }
    where = f"dataset = {literal(dataset)} AND quarantined > 0"
    told |= {row["batch_id"] for row in _batches(lake, con, key, where)}
    missed = min(told - held, default="")
    return f"batch {missed}" if missed else ""


def _entry(lake: Lake, key: str, version: int) -> bytes:
    return lake.storage.read(log_key(key, version)) or b""


def _batches(lake: Lake, con: Connection, key: str, where: str) -> list[dict[str, Any]]:
    """What the ledger of batches says, unless it is that which is looked at, or cannot be read."""
    if key == DatasetName.parse(ledger.BATCHES).path:
        return []
    try:
        return ledger.rows(lake, con, ledger.BATCHES, where, limit=1_000_000)
    except HeadgateError:
        return []  # it says so itself
