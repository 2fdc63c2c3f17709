"""Lineage of a lake sent on to the destinations of its project: by a run in passing, or until it is done.

Nothing here fails a run, and light enough for each: where nobody is to be told, a look at
``headgate.toml`` is all that it costs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core import clock, forwards
from headgate.core.errors import HeadgateError, SettingError, UsageError
from headgate.core.forwards import Destination
from headgate.core.settings import Settings

if TYPE_CHECKING:
    from headgate.lineage.forwarding.sending import Forwarded, Terms

#: The file of events that Airflow tells, beside ours.
AIRFLOW_FILE = "airflow.jsonl"
#: That of jobs of engineers on Spark.
SPARK_FILE = "spark.jsonl"
#: A run that ends waits for so long for a thread that should have ended.
_GRACE = 0.5
_BY_HAND = "headgate lineage forward"


@dataclass(frozen=True)
class DestinationStatus:
    """Where a destination stands: how many events it does not have (``behind``), how many it refused
    for good (``set_aside``), since when it takes none, and what it said last (``why``)."""

    destination: str
    kind: str
    behind: int
    sent: int
    set_aside: int
    sent_at: datetime | None = None
    down_since: datetime | None = None
    try_after: datetime | None = None
    why: str = ""


def event_files(settings: Settings) -> tuple[Path, ...]:
    """The files of the lake that events are told to: ours, and Airflow's and Spark's beside."""
    own = settings.lake_path / settings.lineage_file
    return own, own.with_name(AIRFLOW_FILE), spark_events_file(settings)


def spark_events_file(settings: Settings) -> Path:
    """The file that jobs of engineers on Spark are told to."""
    return (settings.lake_path / settings.lineage_file).with_name(SPARK_FILE)


def destinations(settings: Settings) -> Mapping[str, Destination]:
    """Who is to be sent this lake's lineage, by name; a private lake's only goes where that is said.

    Raises:
        SettingError: a table ``[lineage_forward.<name>]`` is wrong.
    """
    found = forwards.load(settings.root)
    private = settings.is_private
    return {name: d for name, d in found.items() if d.private_lakes or not private}


def in_passing(settings: Settings) -> tuple[str, ...]:
    """Send what is new, in the time that setting ``lineage_forward_seconds`` gives.

    Never raises, and takes no longer than a moment more. Gives a sentence for each destination that
    does not have it all now.
    """
    try:
        if settings.lineage_forward_seconds <= 0:
            return ()
        found = destinations(settings)
        return _in_passing(settings, found) if found else ()
    except Exception as error:  # whatever it is, what was being done must not fail of it
        return (f"Lineage was not forwarded: {_said(error)}",)


def forward(
    settings: Settings,
    names: Sequence[str],
    terms: Terms,
    *,
    told: Callable[[Forwarded], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Forwarded]:
    """Send to these destinations (all, if none is named), each by itself and all at once.

    Raises:
        UsageError: there is no such destination.
        SettingError: one is configured wrongly; the others were sent to.
    """
    chosen = _chosen(destinations(settings), names)
    if terms.watch:  # who watches would never come to say so
        for destination in chosen.values():
            _check(destination)
    results, errors = _at_once(settings, chosen, terms, told, stop, wait=None)
    for error in errors.values():
        raise error
    return [results[name] for name in chosen]


def again(settings: Settings, names: Sequence[str], *, patience: float) -> list[Forwarded]:
    """Send what was set aside again to these destinations, one by one; what is taken is forgotten.

    Raises:
        UsageError: there is no such destination.
        SettingError: one is configured wrongly.
    """
    from headgate.lineage.forwarding import retrying

    chosen = _chosen(destinations(settings), names)
    lake = settings.lake_path
    return [retrying.again(lake, d, patience=patience) for d in chosen.values()]


def standings(settings: Settings) -> list[DestinationStatus]:
    """Where each destination stands; nothing is sent.

    Raises:
        SettingError: a table ``[lineage_forward.<name>]`` is wrong.
    """
    found = destinations(settings)
    if not found:
        return []
    from headgate.lineage.forwarding import sending, set_aside, standing

    files, told = event_files(settings), []
    for name, destination in found.items():
        known = standing.load(settings.lake_path, name)
        behind = sending.behind(settings.lake_path, files, destination)
        told.append(
            DestinationStatus(
                name,
                destination.kind,
                behind,
                known.sent,
                set_aside.count(settings.lake_path, name),
                known.sent_at,
                known.down_since,
                known.try_after,
                known.why,
            )
        )
    return told


def _in_passing(settings: Settings, found: Mapping[str, Destination]) -> tuple[str, ...]:
    from headgate.lineage.forwarding import sending, standing

    files, lake = event_files(settings), settings.lake_path
    new = {n: d for n, d in found.items() if sending.waiting(lake, files, d)}
    due = {n: d for n, d in new.items() if not standing.load(lake, n).resting}
    seconds = settings.lineage_forward_seconds
    terms = sending.Terms(until=clock.monotonic() + seconds, patience=seconds, passing=True)
    results, errors = _at_once(
        settings, due, terms, lambda _: None, lambda: False, wait=seconds + _GRACE
    )
    told = [f"Lineage was not forwarded to {n}: {_said(e)}" for n, e in errors.items()]
    for name, destination in new.items():
        result = results.get(name)
        left = result.behind if result is not None else sending.behind(lake, files, destination)
        if name in errors or not left or (result is not None and result.busy):
            continue
        why = result.why if result is not None else standing.load(lake, name).why
        told.append(
            f"Lineage: {name} is {left:,} events behind{f' ({why})' if why else ''}; the next run "
            f"goes on, or: {_BY_HAND}"
        )
    return tuple(told)


def _at_once(
    settings: Settings,
    chosen: Mapping[str, Destination],
    terms: Terms,
    told: Callable[[Forwarded], None],
    stop: Callable[[], bool],
    *,
    wait: float | None,
) -> tuple[dict[str, Forwarded], dict[str, Exception]]:
    """Send to each in a thread of its own; results and errors by name. Who is not done after ``wait``
    seconds is in neither."""
    from headgate.lineage.forwarding import sending

    files = event_files(settings)
    results: dict[str, Forwarded] = {}
    errors: dict[str, Exception] = {}
    ended = threading.Event()

    def one(name: str, destination: Destination) -> None:
        try:
            results[name] = sending.forward(
                settings.lake_path, files, destination, terms, told=told,
                stop=lambda: ended.is_set() or stop(),
            )  # fmt: skip
        except Exception as error:
            errors[name] = error

    threads = [
        threading.Thread(target=one, args=pair, daemon=True, name="lineage-forward")
        for pair in chosen.items()
    ]
    for thread in threads:
        thread.start()
    until = None if wait is None else clock.monotonic() + wait
    try:
        for thread in threads:
            thread.join(None if until is None else max(0.0, until - clock.monotonic()))
    finally:
        ended.set()  # who is left ends with what it sends now
    return dict(results), dict(errors)


def _chosen(found: Mapping[str, Destination], names: Sequence[str]) -> dict[str, Destination]:
    for name in names:
        if name not in found:
            raise UsageError(
                f"there is no destination {name!r} of lineage.",
                remedy=f"Known: {', '.join(found) or 'none; docs/how-to/forward-lineage.md'}.",
            )
    return {n: d for n, d in found.items() if not names or n in names}


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, HeadgateError) else f"{type(error).__name__}."


def findings(settings: Settings) -> list[tuple[str, str]]:
    """What is wrong with the destinations as they are written, each with its place."""
    found, wrong = forwards.read(settings.root)
    told = [(w.place, f"{w.message} {w.remedy}") for w in wrong]
    for destination in found.values():
        try:
            _check(destination)
        except SettingError as error:
            # Where it is checked need not be where it is sent from.
            if "needs the variable" not in error.message:
                told.append((error.place, f"{error.message} {error.remedy}"))
    return [(str(settings.root / place), text) for place, text in told]


def _check(destination: Destination) -> None:
    """Demand that a destination can be sent to, as far as its configuration goes.

    Raises:
        SettingError: it cannot.
    """
    from headgate.lineage.forwarding import senders

    senders.make(destination).close()
