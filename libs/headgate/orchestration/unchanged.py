"""Whether anything that a run decides by is other than when a run last found nothing to do.

A run over everything that found nothing to do notes what it looked at: settings, our own code,
contracts, the dbt project, the files at the sources, and the newest log entry of every table, each
by its inode, size and times. While all of that is as it was, the next run has nothing to do either,
and need not read any of it. What changed within the second before is not trusted to show it, as its
times may not tell; and the note is of no use to a run over some datasets, which reads for itself.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.boot import boot_id
from headgate.core.settings import Settings
from headgate.lake import lognames

if TYPE_CHECKING:
    from headgate.contracts.model import ContractSet

NOTE = "_state/nothing_to_do.json"
_EDITION = "1"
#: Folders of the dbt project that runs write to.
_WRITTEN = frozenset({"target", "logs", "_contracts", "__pycache__"})
#: Seconds within which a file may change twice without its times showing it.
_TICK = 1.0
#: What in a dbt project answers from outside of it.
_FROM_OUTSIDE = (b"env_var",)
#: A source: where its files are looked for, and what their names end in.
Place = tuple[str, Sequence[str]]


@dataclass(frozen=True)
class Look:
    """What a run would decide by, as one hash, and when the newest of it changed, by the disk."""

    digest: str
    newest: float


def nothing_to_do(settings: Settings) -> bool:
    """Whether a run over everything would find nothing to do, as one did before."""
    try:
        noted = hjson.loads((settings.lake_path / NOTE).read_bytes())
        places = [(str(where), tuple(ends)) for where, ends in noted["places"]]
        return _idle(settings) and bool(noted["digest"] == look(settings, places).digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def note(settings: Settings, contracts: ContractSet, seconds: float) -> None:
    """Note what a run looked at that took ``seconds`` until now and found nothing to do.

    Where that cannot be told from files alone, or changed meanwhile, nothing is noted.
    """
    from headgate.ingest.discover import endings, looked_at

    path = settings.lake_path / NOTE
    if any(name in text for text in _texts(settings.dbt_path) for name in _FROM_OUTSIDE):
        return
    places = [
        (where, endings(c.source.format))
        for c in contracts.sources
        if c.source and c.source.path
        for where in looked_at(str(settings.root / c.source.path))
    ]
    try:
        seen = look(settings, places)
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f".{path.name}.{ids.new_id()}")
        draft.write_text(hjson.dumps({"digest": seen.digest, "places": places}))
        # Both times are the disk's: its clock may not be ours.
        if seen.newest < draft.stat().st_mtime - seconds - _TICK:
            os.replace(draft, path)
        else:
            draft.unlink()
    except (OSError, ValueError):
        return


def look(settings: Settings, places: Iterable[Place]) -> Look:
    """All that a run over everything decides by, as it is now.

    Raises:
        OSError: something cannot be looked at, or goes while it is.
    """
    found: list[tuple[str, os.stat_result | None]] = [
        *_trees(settings), *_tables(settings.lake_path), *_files(places)
    ]  # fmt: skip
    for name in ("_releases", "_state/pending_models.json", "catalog.duckdb"):
        path = settings.lake_path / name
        found.append((name, path.stat() if path.exists() else None))
    # Over a power cut files may keep their names and times and lose what is in them.
    parts = [_EDITION, boot_id(), hjson.dumps([str(v) for v in dataclasses.astuple(settings)])]
    parts += [f"{name}|{_times(stat)}" for name, stat in found]
    newest = max((s.st_ctime for _, s in found if s is not None), default=0.0)
    return Look(ids.digest(*parts), newest)


def _times(stat: os.stat_result | None) -> str:
    if stat is None:
        return "none"
    return f"{stat.st_ino}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}"


def _idle(settings: Settings) -> bool:
    """Whether no run holds the lake, and none died holding it."""
    return (settings.lake_path / "_locks" / "run.lock").stat().st_size == 0


def _trees(settings: Settings) -> Iterator[tuple[str, os.stat_result]]:
    """Our own code, the contracts and the dbt project: every folder and file."""
    import headgate

    for root in (Path(headgate.__file__).parent, settings.contracts_path, settings.dbt_path):
        waiting = [str(root)]
        while waiting:
            folder = waiting.pop()
            if os.path.isdir(folder):
                yield folder, os.stat(folder)
                with os.scandir(folder) as entries:
                    for entry in sorted(entries, key=lambda e: e.name):
                        folder_too = entry.is_dir()
                        if folder_too and entry.is_symlink():
                            raise OSError(f"{entry.path} leads out of its folder")
                        if folder_too and entry.name not in _WRITTEN:
                            waiting.append(entry.path)
                        elif not folder_too and not entry.name.startswith("."):
                            yield entry.path, entry.stat()


def _tables(lake: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Of every table and its quarantine, the newest entry of its log."""
    for layer in ("bronze", "silver", "gold", "system"):
        for domain in _folders(lake / layer):
            for table in _folders(domain):
                log = f"{table}/_delta_log"
                names = os.listdir(log) if os.path.isdir(log) else []
                newest = lognames.newest(names)
                path = f"{log}/{newest}" if newest else str(table)
                yield path, os.stat(path)


def _folders(folder: Path | str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.path for e in entries if e.is_dir())
    except FileNotFoundError:
        return []


def _files(places: Iterable[Place]) -> Iterator[tuple[str, os.stat_result]]:
    from headgate.ingest.discover import matches

    for where, ends in places:
        yield from ((str(path), path.stat()) for path, _ in matches(where, tuple(ends)))


def _texts(folder: Path) -> Iterator[bytes]:
    """What the dbt project's files say."""
    for above, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f not in _WRITTEN]
        yield from (Path(above, n).read_bytes() for n in names if n.endswith((".sql", ".yml")))
