"""`headgate lineage forward`: lineage events sent to the destinations that the project names."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core import clock
from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.core.settings import Settings
    from headgate.lineage.forwarding.sending import Forwarded
    from headgate.orchestration.forwarding_lineage import DestinationStatus

EXAMPLE = "Example: headgate lineage forward --watch"
#: A person is told how far it is so often.
_TELL_EVERY = 2.0


def forward(
    names: list[str] = typer.Argument(
        None, metavar="DESTINATION", help="Only these; all that headgate.toml names otherwise."
    ),
    watch: bool = typer.Option(
        False,
        "--watch",
        help="Go on with events as they come, and wait for who is down; Ctrl-C ends.",
    ),
    seconds: float = typer.Option(
        30.0,
        "--seconds",
        min=0.0,
        metavar="S",
        help="Give a destination up that has taken nothing for so long.",
    ),
    rejected: bool = typer.Option(
        False, "--rejected", help="Send again what was refused and set aside, and nothing else."
    ),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Send nothing; say how far behind each destination is."
    ),
    as_json: bool = typer.Option(
        False, "--json", help="Print it as JSON (a line a turn, if watched)."
    ),
) -> int:
    """Send lineage events that the destinations `[lineage_forward.<name>]` do not have yet.

    In order, each destination by itself, from where it was last; what a destination refuses for good is
    set aside with its answer. Exits 1 if anything is left.
    """
    from headgate.orchestration import forwarding_lineage

    opened = core_settings.load()
    if not forwarding_lineage.destinations(opened):
        raise UsageError(
            "this lake's lineage is to be forwarded to nobody.",
            remedy="docs/how-to/forward-lineage.md says how to name a destination.",
        )
    if dry_run:
        return _standings(forwarding_lineage.standings(opened), as_json=as_json)
    if rejected:
        return _tell(forwarding_lineage.again(opened, names or (), patience=seconds), as_json)
    return _tell(_sent(opened, names, watch, seconds, as_json), as_json and not watch)


def _sent(
    opened: Settings, names: list[str], watch: bool, seconds: float, as_json: bool
) -> list[Forwarded]:
    from headgate.lineage.forwarding.sending import Terms
    from headgate.orchestration import forwarding_lineage

    terms = Terms(patience=math.inf if watch else seconds, watch=watch)
    told = _teller(watch=watch, as_json=as_json)
    return forwarding_lineage.forward(opened, names or (), terms, told=told)


def _teller(*, watch: bool, as_json: bool) -> Callable[[Forwarded], None]:
    """Who tells how far it is: to a person now and then, to a program each turn that was not idle."""
    last: dict[str, Forwarded] = {}
    at: dict[str, float] = {}

    def tell(now: Forwarded) -> None:
        known = last.get(now.destination)
        if known is not None and _told(known) == _told(now):
            return
        if not (watch and as_json):
            often = clock.monotonic() - at.get(now.destination, -math.inf) < _TELL_EVERY
            if often or not (watch or sys.stderr.isatty()):
                return
        last[now.destination], at[now.destination] = now, clock.monotonic()
        if as_json:
            if watch:
                output.out(hjson.dumps(output.plain(now)))
        else:
            output.say(_line(now))

    return tell


def _told(one: Forwarded) -> tuple[int, int, str]:
    return one.sent, one.set_aside, one.why


def _tell(found: list[Forwarded], as_json: bool) -> int:
    if as_json:
        output.json(found)
    else:
        for one in found:
            output.out(_line(one))
    return 1 if any(one.behind for one in found) else 0


def _line(one: Forwarded) -> str:
    text = f"{one.destination}: {one.sent:,} sent"
    text += f", {one.set_aside:,} refused and set aside" if one.set_aside else ""
    text += f", {one.behind:,} left" if one.behind else ""
    if one.busy:
        text += ": somebody else is sending to it now"
    return f"{text} ({one.why})" if one.why else text


def _standings(found: list[DestinationStatus], *, as_json: bool) -> int:
    if as_json:
        output.json(found)
    else:
        output.table(
            ("destination", "type", "behind", "sent", "set aside", "last sent", "down since", "why"),
            [
                (s.destination, s.kind, s.behind, s.sent, s.set_aside, s.sent_at, s.down_since,
                 s.why or None)
                for s in found
            ],
        )  # fmt: skip
    return 1 if any(s.behind for s in found) else 0
