"""The contracts as they are on disk now: those whose file changed are read anew, the others are not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts import relations
from headgate.contracts.files import FILE_NAME, stay_inside
from headgate.contracts.load import load, load_sound
from headgate.contracts.model import Contract, ContractSet, LeftOut
from headgate.core.cache import Cache
from headgate.core.errors import ContractError, HeadgateError
from headgate.core.settings import Settings

#: Told what is being read, and how many there are of it.
Progress = Callable[[str, int], None]
#: Inode, size and time of change.
_Times = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A contract that cannot be worked with: where, what is wrong, and what to do."""

    place: str
    message: str
    remedy: str


class Promised:
    """All contracts of a project; what is wrong with one stops no other."""

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._settings, self._cache = settings, cache
        self._files: dict[str, _Times] = {}
        self._folders: dict[str, int] = {}
        self._read: dict[str, Contract] = {}
        self._failed: dict[str, Wrong] = {}
        self.contracts = ContractSet({})
        self.wrong: tuple[Wrong, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether a contract came, went or changed: a look at each file and folder."""
        return (
            not self._folders
            or any(_time(f) != at for f, at in self._folders.items())
            or any(_times(f) != at for f, at in self._files.items())
        )

    def read(self, progress: Progress) -> set[str] | None:
        """Read what changed; gives the datasets concerned, None if that may be all.

        Raises:
            UsageError: there is no folder of contracts.
        """
        folders, files = _looked(str(self._settings.contracts_path))
        first = not self._folders
        before = dict(self.contracts)
        progress("contracts", len(files))
        if first:
            self._read_all(files)
        else:
            changed = [f for f in files if files[f] != self._files.get(f)]
            for gone in [f for f in self._files if f not in files]:
                self._read.pop(gone, None)
                self._failed.pop(gone, None)
            for path in changed:
                self._read_one(path)
        self._files, self._folders = files, folders
        self._resolve()
        if first:
            return None
        now = dict(self.contracts)
        return {d for d in {*before, *now} if before.get(d) is not now.get(d)}

    def _read_all(self, files: dict[str, _Times]) -> None:
        found = load_sound(self._settings.contracts_path, self._cache, LeftOut())
        self._cache.close()  # another thread may be the next to ask
        self._read = {str(c.path): c for c in found.values()}
        for path in files.keys() - self._read.keys():
            self._read_one(path)

    def _read_one(self, path: str) -> None:
        self._read.pop(path, None)
        self._failed.pop(path, None)
        try:
            stay_inside(Path(path), self._settings.contracts_path)
            self._read[path] = load(Path(path))
        except HeadgateError as error:
            self._failed[path] = Wrong(error.place or path, error.message, error.remedy)

    def _resolve(self) -> None:
        """Put together what was read: whom foreign keys refer to, and which of two is meant."""
        wrong = list(self._failed.values())
        found: dict[str, Contract] = {}
        for path, contract in sorted(self._read.items()):
            if contract.id in found:
                told = f"{contract.id} has a contract already, at {found[contract.id].path}."
                wrong.append(Wrong(path, told, "Remove one of the two."))
            else:
                found[contract.id] = contract
        sound: dict[str, Contract] = {}
        left_out: dict[str, str] = {}
        for dataset, contract in found.items():
            try:
                sound[dataset] = relations.resolved(contract, found, left_out)
            except ContractError as error:
                left_out[dataset] = str(error)
                wrong.append(Wrong(error.place or str(contract.path), error.message, error.remedy))
            else:
                self._read[str(contract.path)] = sound[dataset]
        self.contracts = ContractSet(sound, LeftOut(left_out))
        self.wrong = tuple(wrong)


def _looked(root: str) -> tuple[dict[str, int], dict[str, _Times]]:
    """Every folder with its time, and every contract with its times."""
    folders: dict[str, int] = {}
    files: dict[str, _Times] = {}
    for folder, names in _walked(root):
        folders[folder] = _time(folder)
        if FILE_NAME in names:
            path = os.path.join(folder, FILE_NAME)
            files[path] = _times(path)
    return folders, files


def _walked(root: str) -> Iterator[tuple[str, list[str]]]:
    for above, below, names in os.walk(root):
        below[:] = [b for b in below if b != "examples"]
        yield above, names


def _times(path: str) -> _Times:
    try:
        found = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _time(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
