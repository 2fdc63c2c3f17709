"""What was set aside, sent again: when a receiver was mended, or said no for a reason of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.forwards import Destination
from headgate.lineage.forwarding import senders, set_aside, standing
from headgate.lineage.forwarding.answers import NotTaken, Refusal
from headgate.lineage.forwarding.sending import Forwarded

_PAUSE = 0.5


def again(lake: Path, destination: Destination, *, patience: float) -> Forwarded:
    """Send each event again that was set aside; what is taken is set aside no longer.

    ``behind`` of what is given counts those that are left.

    Raises:
        SettingError: the destination's configuration is wrong.
        OSError: what is left cannot be kept.
    """
    name = destination.name
    with standing.alone(lake, name) as mine:
        kept = list(set_aside.read(lake, name))
        if not mine:
            return Forwarded(name, behind=len(kept), busy=True)
        sender, left, sent, why = senders.Bounded(lambda: senders.make(destination)), [], 0, ""
        try:
            for entry in kept:
                told = None if why else _once(sender, entry, patience)
                if isinstance(told, str):
                    why = told  # it takes none just now: the rest is left as it was
                if why or isinstance(told, Refusal):
                    left.append(entry)
                else:
                    sent += 1
        finally:
            sender.close()
        if sent:
            set_aside.replace(lake, name, left)
            _count(lake, name, sent)
        return Forwarded(name, sent=sent, behind=len(left), why=why)


def _once(sender: senders.Bounded, entry: dict[str, Any], patience: float) -> Refusal | str | None:
    """None if the event is taken, a refusal if it never is, a text if nothing is taken just now."""
    if "event" not in entry:
        return Refusal(0, str(entry.get("why", "")))
    data, until = hjson.dumps(entry["event"]).encode(), clock.monotonic() + patience
    while True:
        try:
            sender.most(max(1.0, patience))
            refused = sender.send([data], max(1.0, patience))
            return refused[0] if refused else None
        except NotTaken as error:
            pause = error.after or _PAUSE
            if error.lasting or clock.monotonic() + pause > until:
                return str(error)
            clock.sleep(pause)


def _count(lake: Path, name: str, taken: int) -> None:
    known = standing.load(lake, name)
    known.set_aside = max(0, known.set_aside - taken)
    known.sent += taken
    standing.save(lake, name, known)
