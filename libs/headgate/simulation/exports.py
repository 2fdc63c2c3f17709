"""Writes a simulation: every channel's export, a later one of some channels, and the manifest.

Channels are written one after another, day by day, so that memory does not grow with the messages.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headgate.core.errors import UsageError
from headgate.simulation import plan as planning
from headgate.simulation.channel import ChannelWriter
from headgate.simulation.faults import OF_FILES
from headgate.simulation.guild import Guild
from headgate.simulation.manifest import NAME, Manifest, Seen, Written
from headgate.simulation.plan import Wanted
from headgate.simulation.words import Babble

#: Deliveries in the order in which they are handed in. A run that takes the first two gets every
#: message; the others have a file each that is damaged as a whole.
DELIVERIES = ("first", "later", *OF_FILES)


def simulate(
    wanted: Wanted, folder: Path, progress: Callable[[int], None] | None = None
) -> Manifest:
    """Write the exports below ``folder``: ``first/``, ``later/`` and so on, and simulated.json.

    Args:
        wanted: what to write; the same gives the same bytes.
        folder: is made, and may hold nothing but an older simulation's files, which go.
        progress: told after each channel how many messages are written.

    Raises:
        UsageError: the folder holds other files, or ``wanted`` cannot be written.
    """
    plan = planning.made(wanted)
    _emptied(folder)
    babble, seen = Babble(wanted.seed), Seen()
    files: list[Written] = []
    done = 0
    for number in range(wanted.guilds):
        channels = plan.of(number)
        guild = Guild.made(wanted, number)
        left = sum(c.messages for c in channels)
        for channel in channels:
            writer = ChannelWriter(plan, guild, channel, babble, seen)
            files += writer.write(folder, left)
            left -= channel.messages
            done += channel.messages
            if progress is not None:
                progress(done)
    files.sort(key=lambda file: (DELIVERIES.index(file.delivery), file.path))
    manifest = Manifest(wanted, files, seen)
    manifest.write(folder)
    return manifest


def _emptied(folder: Path) -> None:
    """Make the folder, or take an older simulation out of it."""
    folder.mkdir(parents=True, exist_ok=True)
    present = list(folder.iterdir())
    if present and not (folder / NAME).is_file():
        raise UsageError(
            f"{folder} holds files, and no {NAME} among them.", remedy="Name an empty folder."
        )
    # Written at once, so that a simulation that was interrupted can be written over.
    (folder / NAME).write_bytes(b"{}\n")
    for delivery in DELIVERIES:
        for path in (folder / delivery).glob("*.json"):
            path.unlink()
        if (folder / delivery).is_dir() and not any((folder / delivery).iterdir()):
            (folder / delivery).rmdir()
