"""Which data files are named by what is kept of a lake, and which lie there without a name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.contracts.names import LAYERS
from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import LakeError
from headgate.lake import catalog
from headgate.lake.foreign import uri_of
from headgate.lake.lake import Lake
from headgate.lake.lognames import ENTRY
from headgate.lake.release import ReleaseStore

_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\..*)?\.parquet")


@dataclass(frozen=True)
class Unnamed:
    """A data file that nothing names: ``path`` is below the lake."""

    path: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Names:
    """Data files by what names them, as paths below the table's folder (else absolute).

    ``needed`` are in a version that can be opened, in a release that is kept, or in the catalogue;
    ``gone`` are only said, by a log entry or checkpoint that is kept, to have been removed.
    """

    needed: frozenset[str]
    gone: frozenset[str]


def named(lake: Lake, key: str) -> set[str]:
    """Every data file that a kept log entry, checkpoint or release of the table at ``key`` names,
    or the catalogue; those that an entry says were removed, too.

    Raises:
        LakeError: something that may name files cannot be read, so that none is known to be free.
    """
    found = names(lake, key)
    return {*found.needed, *found.gone}


def names(
    lake: Lake,
    key: str,
    pinned: Mapping[str, set[str]] | None = None,
    *,
    without: Collection[str] = (),
) -> Names:
    """As :func:`named`, told apart by whether somebody can still read the file.

    ``pinned`` is what :func:`pins` gave, for those who ask of many tables; ``without`` are files of
    the log that are taken as gone.
    """
    added, removed = _logged(lake, key, without)
    needed = added | (pins(lake) if pinned is None else pinned).get(key, set())
    return Names(frozenset(needed), frozenset(removed - needed))


def pins(lake: Lake, *, without: Collection[int] = ()) -> dict[str, set[str]]:
    """By a table's key, its files that kept releases (but those ``without``) or the catalogue name.

    Raises:
        LakeError: the catalogue cannot be read.
    """
    found: dict[str, set[str]] = {}
    for release in ReleaseStore(lake).list():
        for dataset, table in release.tables.items() if release.id not in without else ():
            key = lake.key(dataset)
            found.setdefault(key, set()).update(_below(lake, key, p) for p in table.files)
    for path in catalog.files(lake):
        folder, _, name = path.rpartition("/")
        key = folder.removeprefix(lake.storage.uri("").rstrip("/") + "/")
        found.setdefault(key, set()).add(name)
    return found


def unnamed(lake: Lake, key: str, *, older_than: timedelta) -> list[Unnamed]:
    """The data files in the table's folder that nothing names and that are older than that.

    A writer gives a file its place before its name: a young one may be about to be named.

    Raises:
        LakeError: as :func:`named`.
    """
    # What lies there is looked at first: what is named meanwhile is then seen to be.
    files = data_files(lake, key)
    known, before = named(lake, key), clock.now() - older_than
    return [f for f in files if Path(f.path).name not in known and f.modified <= before]


def data_files(lake: Lake, key: str) -> list[Unnamed]:
    """The data files in the table's folder, named or not."""
    return [
        Unnamed(f"{key}/{f.name}", f.size, f.modified)
        for f in lake.storage.objects(key)
        if f.name.endswith(".parquet") and not f.name.startswith((".", "_"))
    ]


def tables(lake: Lake) -> list[str]:
    """The keys of all tables that lie in the lake, quarantines and ledgers too, whoever knows them."""
    return [
        f"{layer}/{domain}/{name}"
        for layer in LAYERS
        for domain in lake.storage.names(layer)
        for name in lake.storage.names(f"{layer}/{domain}")
        if lake.storage.names(f"{layer}/{domain}/{name}/_delta_log")
    ]


def actions(data: bytes) -> Iterator[Mapping[str, Any]]:
    """The actions of a log entry.

    Raises:
        ValueError: it is not whole.
    """
    if not data.endswith(b"\n") and not data.rstrip().endswith(b"}"):
        raise ValueError("the entry is cut or empty")
    for line in data.splitlines():
        if line.strip():
            found = hjson.loads(line)
            if not isinstance(found, dict):
                raise ValueError("an action is no object")
            yield found


def _logged(lake: Lake, key: str, without: Collection[str]) -> tuple[set[str], set[str]]:
    """Files that the log says were added, and those that it says were removed."""
    log = f"{key}/_delta_log"
    added, removed = set[str](), set[str]()
    for name in lake.storage.names(log):
        if name in without:
            continue
        try:
            if ENTRY.fullmatch(name):
                data = lake.storage.read(f"{log}/{name}")
                for action in actions(data) if data is not None else ():
                    for what, found in (("add", added), ("remove", removed)):
                        if what in action:
                            found.add(_below(lake, key, str(action[what]["path"])))
            elif _CHECKPOINT.fullmatch(name):
                live, gone = summed_up(lake.storage.uri(f"{log}/{name}"))
                added |= {_below(lake, key, p) for p in live}
                removed |= {_below(lake, key, p) for p in gone}
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise LakeError(
                f"it cannot be read, so that nobody knows which files it names: {error}",
                place=lake.storage.uri(f"{log}/{name}"),
                remedy="headgate fsck says what to do.",
            ) from None
    return added, removed


def summed_up(path: str) -> tuple[set[str], set[str]]:
    """The files that a checkpoint at a local path says are live, and those it says were removed."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["add", "remove"])
    found = []
    for what in ("add", "remove"):
        paths = pc.struct_field(table.column(what), "path").to_pylist()
        found.append({str(p) for p in paths if p is not None})
    return found[0], found[1]


def _below(lake: Lake, key: str, path: str) -> str:
    """A file as the log calls it, as it is called in the table's folder."""
    folder = lake.storage.uri(key)
    return uri_of(path, folder).removeprefix(f"{folder}/")
