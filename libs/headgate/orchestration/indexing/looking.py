"""The files that the index follows from, as a look at their folders shows them, without reading any."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from headgate.contracts.files import FILE_NAME
from headgate.core import ids
from headgate.core.settings import Settings

#: Nanoseconds within which a file may change twice without its times showing it.
_TICK = 1_000_000_000
#: Inode, size, and the times at which it and its entry changed: see :func:`times`.
Times = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seen:
    """The contracts and the models of a project by path relative to its root, with their times."""

    contracts: dict[str, Times]
    models: dict[str, Times]


def look(settings: Settings) -> Seen:
    """The files as they are now; what cannot be looked at has no times, and is told of when read."""
    root = settings.root
    contracts = {
        os.path.relpath(path, root): times(path)
        for path in _named(settings.contracts_path, FILE_NAME)
    }
    models = {
        os.path.relpath(path, root): times(path)
        for path in _named(settings.dbt_path / "models", ".sql")
    }
    return Seen(dict(sorted(contracts.items())), dict(sorted(models.items())))


def _named(folder: Path, ending: str) -> Iterator[str]:
    for above, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f != "examples"] if ending == FILE_NAME else folders
        yield from (os.path.join(above, n) for n in names if n.endswith(ending))


def times(path: str | Path) -> Times:
    """By what a file is known to be as it was; none of it if it cannot be looked at."""
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0, 0)
    if not stat.S_ISREG(found.st_mode):
        return (0, 0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def plain(seen: Seen) -> list[dict[str, list[int]]]:
    """The look as JSON gives it back."""
    return [{p: list(t) for p, t in part.items()} for part in (seen.contracts, seen.models)]


def same(path: Path, known: list[int], content: str, now: Times | None = None) -> bool:
    """Whether a file is as it was, by its times or, if they do not show it, by its content.

    ``now`` is how it looks, if that is known already.
    """
    found = times(path) if now is None else now
    return list(found) == known or (bool(content) and digest(path) == content)


def digest(path: Path) -> str:
    """What names a file's content; nothing, if it cannot be read."""
    try:
        return ids.digest(path.read_bytes())
    except OSError:
        return ""


def settled(found: Times, disk_time: int) -> bool:
    """Whether the times will show the next change: the file did not change just before the moment
    ``disk_time``, by the disk's clock."""
    return found[0] != 0 and max(found[2], found[3]) < disk_time - _TICK


def head(settings: Settings) -> list[str]:
    """What all that is kept follows from besides files: the code that made it, and where it looked."""
    return [_code(), str(settings.contracts), str(settings.dbt_project)]


@lru_cache(maxsize=1)
def _code() -> str:
    """A name for the code that reads contracts and makes the index of them."""
    here = Path(__file__).parent
    folders = [here, here.parent / "dbt", here.parents[1] / "contracts"]
    spec = find_spec("open_data_contract_standard")
    folders += [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []
    told = []
    for folder in folders:
        for entry in os.scandir(folder):
            if entry.name.endswith((".py", ".json")):
                found = entry.stat()
                told.append(f"{entry.path}|{found.st_size}|{found.st_mtime_ns}")
    return ids.digest(*sorted(told))
