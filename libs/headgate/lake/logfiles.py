"""A table's log as files: which entry nobody can read, and which summary of it is broken.

A program that does not sync what it writes leaves such files when the power goes: empty, cut short,
or with zeros where text should be. Entries of ours are synced before they have a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headgate.core import json as hjson
from headgate.lake import entry, lognames
from headgate.lake.checkpoint import POINTER, pointed
from headgate.lake.storage import Storage

#: Any kind of checkpoint, also those in several parts.
_SUMMARY_OF = re.compile(r"(\d{20})\.checkpoint\.")
_MAGIC = b"PAR1"
#: Actions of which an entry has one at least.
_ACTIONS = ("add", "remove", "metaData", "protocol", "txn", "cdc", "domainMetadata", "commitInfo")
#: What is wrong with an entry whose own digest it does not match, though it can be read.
CHANGED = "is not what was written"
#: So many entries before the newest are looked at, if somebody has reason to look.
_LOOKED_AT = 5


@dataclass(frozen=True)
class Torn:
    """A file of a log that cannot be used: ``name``, the ``version`` whose entry it is (None for what
    sums the log up), ``why`` (words after its name), whether there are entries ``beyond`` it, and
    whether it was ``changed``: written whole, and not what it was any more."""

    name: str
    version: int | None
    why: str
    beyond: bool = False
    changed: bool = False


def torn(storage: Storage, key: str, *, thorough: bool) -> Torn | None:
    """What is torn in the log of the table at ``key``, the newest first; None if nothing is.

    Without ``thorough``, only the ends of the newest entry are looked at.
    """
    folder = f"{key}/_delta_log"
    names = storage.names(folder)
    entries = lognames.entries(names)
    if entries:
        last = entries[-1]
        why = wrong(storage.read(f"{folder}/{last:020d}.json") or b"", last, thorough=thorough)
        if not why and not _follows(entries, names):
            why = "follows on nothing: the entry before it is gone"
        if why:
            return Torn(f"{last:020d}.json", last, why, changed=why == CHANGED)
    if not thorough:
        return None
    return _summary(storage, folder, names, entries) or _within(storage, folder, entries)


def wrong(data: bytes, version: int, *, thorough: bool = True) -> str:
    """What is wrong with a log entry's bytes, in words after its name; empty if it is whole."""
    if not data:
        return "is empty"
    if not data.strip(b"\0"):
        return "holds nothing but zeros"
    if not (data.startswith(b"{") and data.rstrip(b"\r\n").endswith(b"}")):
        return "is cut short"
    if not thorough:
        return ""
    try:
        actions = [hjson.loads(line) for line in data.splitlines() if line.strip()]
        if entry.is_whole(data) is False:
            return CHANGED
    except ValueError:
        return "is no JSON"
    found = {name for a in actions if isinstance(a, dict) for name in a}
    if not found & set(_ACTIONS):
        return "says nothing that a log says"
    if version == 0 and not {"protocol", "metaData"} <= found:
        return "does not say what table it begins"
    return ""


def _follows(entries: Sequence[int], names: Sequence[str]) -> bool:
    """Whether the newest entry can be read with what is before it, back to a summary or the first."""
    newest = entries[-1]
    if newest == 0 or newest - 1 in entries:
        return True
    return any(m and int(m[1]) in (newest, newest - 1) for m in map(_SUMMARY_OF.match, names))


def _summary(
    storage: Storage, folder: str, names: Sequence[str], entries: Sequence[int]
) -> Torn | None:
    """The broken checkpoint, or the ``_last_checkpoint`` that names none, if the entries suffice."""
    summaries = [n for n in names if lognames.CHECKPOINT.fullmatch(n)]
    for name in reversed(summaries):
        why = _unreadable(storage, f"{folder}/{name}")
        if why:
            first = min(entries, default=-1)
            others = [int(n[:20]) for n in summaries if n != name]
            enough = first == 0 or any(first <= o + 1 for o in others)
            return Torn(name, None if enough else int(name[:20]), why, beyond=not enough)
    if POINTER not in names:
        return None
    version = pointed(storage.read(f"{folder}/{POINTER}"))
    if version < 0:
        return Torn(POINTER, None, "cannot be read")
    if not any(n.startswith(f"{version:020d}.checkpoint.") for n in names):
        return Torn(POINTER, None, "names a checkpoint that is not there")
    return None


def _unreadable(storage: Storage, key: str) -> str:
    data = storage.read(key) or b""
    if not data:
        return "is empty"
    if len(data) < 12 or not (data.startswith(_MAGIC) and data.endswith(_MAGIC)):
        return "is cut short"
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.ParquetFile(pa.BufferReader(data)).read(columns=["protocol", "metaData", "add"])
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read ({(str(error).splitlines() or [''])[0]})"
    return ""


def _within(storage: Storage, folder: str, entries: Sequence[int]) -> Torn | None:
    """An entry shortly before the newest that cannot be read, or is gone."""
    for version in reversed(entries[-_LOOKED_AT:-1]):
        why = wrong(storage.read(f"{folder}/{version:020d}.json") or b"", version)
        if why:
            return Torn(f"{version:020d}.json", version, why, beyond=True)
    return None
