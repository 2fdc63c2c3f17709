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
    itself, if anything. ``reactions`` and ``attachments`` are inside units that can still be
    read; those of ``…_again`` stand in an earlier unit or file too, as they are. ``late``,
    ``edited`` and ``new`` are units of a later export that the first one did not have, or not so;
    ``deleted`` ones it had alone. ``faults``: kind to places; the first message is 1, the file
    itself 0.
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
        self._marks: dict[tuple[int, bool, str], np.ndarray] = {}

    def mark(self, delivery: str, guild: int, members: np.ndarray, *, renamed: bool) -> None:
        """The members of these numbers wrote, under their later nickname if ``renamed``."""
        marks = self._marks.get((guild, renamed, delivery), np.zeros(0, np.bool_))
        if len(members) and (most := int(members.max())) >= len(marks):
            marks = np.concatenate((marks, np.zeros(most + 1 - len(marks), np.bool_)))
        marks[members] = True
        self._marks[guild, renamed, delivery] = marks

    def members(self, *deliveries: str) -> int:
        """Members of a guild that these deliveries show, counted in each guild anew."""
        guilds = {guild for guild, _, _ in self._marks}
        return sum(self._count(deliveries, guild, (False, True)) for guild in guilds)

    def names(self, *deliveries: str) -> int:
        """Members, counted once more if they were seen under both of their nicknames."""
        kinds = {(guild, renamed) for guild, renamed, _ in self._marks}
        return sum(self._count(deliveries, guild, (renamed,)) for guild, renamed in kinds)

    def _count(self, deliveries: tuple[str, ...], guild: int, renamed: tuple[bool, ...]) -> int:
        found = [
            np.flatnonzero(marks)
            for (at, name, delivery), marks in self._marks.items()
            if at == guild and name in renamed and delivery in deliveries
        ]
        return len(np.unique(np.concatenate(found))) if found else 0


_SUMS = (
    *("messages", "reactions", "attachments", "reactions_again", "attachments_again"),
    *("late", "edited", "deleted", "new"),
)


@dataclass
class Manifest:
    """Everything that a simulation wrote."""

    wanted: Wanted
    files: list[Written]
    seen: Seen

    def totals(self, *deliveries: str) -> dict[str, int]:
        """What these deliveries hold together.

        ``members`` counts (guild, author) pairs of messages that can be read, ``names`` (guild,
        author, nickname): a later export shows some under another one.
        """
        files = [f for f in self.files if f.delivery in deliveries]
        return {
            "files": len(files),
            "guilds": len({f.guild_id for f in files}),
            "channels": len({f.channel_id for f in files}),
            "members": self.seen.members(*deliveries),
            "names": self.seen.names(*deliveries),
            **{name: sum(getattr(f, name) for f in files) for name in _SUMS},
        }

    def faults(self, *deliveries: str) -> dict[str, int]:
        """How often these deliveries have each kind of fault."""
        found: Counter[str] = Counter()
        for file in self.files:
            if file.delivery in deliveries:
                found.update({kind: len(places) for kind, places in file.faults.items()})
        return dict(sorted(found.items()))

    def plain(self) -> dict[str, Any]:
        """As it is written to :data:`NAME`; files damaged as a whole are not in its totals."""
        meanings = {kind.name: kind.meaning for kind in faults.KINDS} | faults.OF_FILES
        put_in = self.faults("first", "later", *faults.OF_FILES)
        return {
            "wanted": asdict(self.wanted),
            "totals": self.totals("first", "later"),
            "first": self.totals("first"),
            "faults": {
                kind: {"meaning": meanings[kind], "put_in": count} for kind, count in put_in.items()
            },
            "files": [asdict(file) for file in self.files],
        }

    def write(self, folder: Path) -> None:
        """Write it into the folder of the exports."""
        text = hjson.dumps(self.plain(), indent=1)
        (folder / NAME).write_bytes(text.encode() + b"\n")
