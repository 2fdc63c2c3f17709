"""simulated.json: what was written, file by file, and where each fault is; counted while writing."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from headgate.core import json as hjson
from headgate.simulation import faults
from headgate.simulation.plan import Wanted

NAME = "simulated.json"


@dataclass
class Written:
    """One file.

    ``messages`` counts its units, faulty ones and a cut one too; ``message_count`` is what it says
    itself, if anything. ``reactions`` and ``attachments`` are inside units that are still JSON;
    those of ``…_again`` stand in an earlier unit or file too, as they are. ``late``, ``edited`` and ``new`` are units of a later export that the first one did not have,
    or not so; ``deleted`` ones it had alone. ``faults``: kind to places; the first
    message is 1, the file itself 0.
    """

    path: str
    delivery: str
    guild_id: str
    channel_id: str
    channel_type: str | int
    messages: int = 0
    message_count: int | None = 0
    reactions: int = 0
    attachments: int = 0
    reactions_again: int = 0
    attachments_again: int = 0
    late: int = 0
    edited: int = 0
    deleted: int = 0
    new: int = 0
    faults: dict[str, list[int]] = field(default_factory=dict)

    def fault(self, kind: str, position: int) -> None:
        """Note a fault of the message at a place."""
        self.faults.setdefault(kind, []).append(position)


class Seen:
    """Which members of each guild wrote something that can be read, and by which nicknames."""

    def __init__(self) -> None:
        self._marks: dict[tuple[int, bool], np.ndarray] = {}

    def mark(self, guild: int, members: np.ndarray, *, renamed: bool) -> None:
        """The members of these numbers wrote, under their later nickname if ``renamed``."""
        marks = self._marks.get((guild, renamed), _NOBODY)
        if len(members) and (most := int(members.max())) >= len(marks):
            marks = np.concatenate((marks, np.zeros(most + 1 - len(marks), np.bool_)))
        marks[members] = True
        self._marks[guild, renamed] = marks

    def members(self) -> int:
        """Members of a guild, counted in each guild anew."""
        total = 0
        for guild in {guild for guild, _ in self._marks}:
            first, second = (self._marks.get((guild, r), _NOBODY) for r in (False, True))
            both = np.zeros(max(len(first), len(second)), np.bool_)
            both[: len(first)] |= first
            both[: len(second)] |= second
            total += int(both.sum())
        return total

    def names(self) -> int:
        """Members, counted once more if they were seen under both of their nicknames."""
        return sum(int(marks.sum()) for marks in self._marks.values())


_NOBODY = np.zeros(0, np.bool_)


@dataclass
class Manifest:
    """Everything that a simulation wrote.

    ``members`` counts (guild, author) pairs of readable messages, ``names`` (guild, author,
    nickname): a later export shows some under another one.
    """

    wanted: Wanted
    files: list[Written]
    guilds: int
    channels: int
    members: int
    names: int

    def plain(self) -> dict[str, Any]:
        """As it is written to :data:`NAME`. Files of the delivery ``damaged`` are not in totals."""
        counted = [f for f in self.files if f.delivery != "damaged"]
        put_in: Counter[str] = Counter()
        for file in self.files:
            put_in.update({kind: len(places) for kind, places in file.faults.items()})
        meanings = {kind.name: kind.meaning for kind in faults.KINDS} | faults.OF_FILES
        sums = (
            *("messages", "reactions", "attachments", "reactions_again", "attachments_again"),
            *("late", "edited", "deleted", "new"),
        )
        return {
            "wanted": asdict(self.wanted),
            "totals": {
                "files": len(counted),
                "guilds": self.guilds,
                "channels": self.channels,
                "members": self.members,
                "names": self.names,
                **{name: sum(getattr(f, name) for f in counted) for name in sums},
            },
            "faults": {
                kind: {"meaning": meanings[kind], "put_in": put_in[kind]} for kind in sorted(put_in)
            },
            "files": [asdict(file) for file in self.files],
        }

    def write(self, folder: Path) -> None:
        """Write it into the folder of the exports."""
        text = hjson.dumps(self.plain(), indent=1)
        (folder / NAME).write_bytes(text.encode() + b"\n")
