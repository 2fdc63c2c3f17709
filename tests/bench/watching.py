"""What a process and all that it started use: memory at once, and processor time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def stat(pid: int) -> list[str]:
    """What Linux tells of a process, from its state on; FileNotFoundError when there is none."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def used(told: list[str]) -> float:
    """Processor seconds in what :func:`stat` told."""
    return (int(told[11]) + int(told[12])) / _TICKS


class Watched:
    """A process and all that descend from it: memory that they hold at once, and processor time."""

    def __init__(self, root: int) -> None:
        self.peak = 0
        self._root = root
        self._used: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    @property
    def processor(self) -> float:
        """Seconds of all processors, of what lived for longer than a look."""
        return sum(self._used.values())

    def _watch(self) -> None:
        while not self._ended.wait(0.3):
            self._look()

    def _look(self) -> None:
        parents: dict[int, int] = {}
        sizes: dict[int, int] = {}
        spent: dict[int, float] = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            pid = int(entry)
            try:
                told = stat(pid)
                sizes[pid] = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
            except (OSError, IndexError):
                continue
            parents[pid] = int(told[1])
            spent[pid] = used(told)
        total, found = 0, {self._root}
        while found:
            total += sum(sizes.get(p, 0) for p in found)
            self._used |= {p: spent[p] for p in found if p in spent}
            found = {p for p, parent in parents.items() if parent in found}
        self.peak = max(self.peak, total)
