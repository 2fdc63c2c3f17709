"""How fast stores take events: in one process, in batches and singly, in turn between databases."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from headgate.core import collecting
from headgate.core import json as hjson
from headgate.lineage.store.taking import take
from tests.bench.lineage_databases import Place

Event = Mapping[str, Any]
#: So many events a transaction while a store is filled, as a file is caught up from.
_FILLING = 500
_STEPS = 20


def fill(places: Sequence[Place], events: Iterator[Event], count: int) -> list[dict[str, Any]]:
    """Take the next ``count`` events into all stores; how fast each was, early and late.

    Figures are events a second of the time within ``take`` alone, a twentieth of the way each.
    """
    seconds = {p.kind: [0.0] for p in places}
    step, done = max(1, count // _STEPS), 0
    while chunk := list(islice(events, min(_FILLING, count - done))):
        for place in places:
            seconds[place.kind][-1] += _timed(place, chunk)
        done += len(chunk)
        if done // step > (done - len(chunk)) // step and done < count:
            told = ", ".join(f"{kind} {step / s[-1]:,.0f} events/s" for kind, s in seconds.items())
            print(f"{done:,} events: {told}", file=sys.stderr, flush=True)
            for spent in seconds.values():
                spent.append(0.0)
    return [
        {"database": kind, "events": done, "seconds": round(sum(spent), 1),
         "rates": [round(step / s) for s in spent if s]}
        for kind, spent in seconds.items()
    ]  # fmt: skip


def rates(
    places: Sequence[Place], events: Iterator[Event], size: int, count: int, what: str
) -> list[dict[str, Any]]:
    """Take ``count`` batches of ``size`` events, each batch into every store in turn."""
    spent: dict[str, list[float]] = {p.kind: [] for p in places}
    for number in range(count):
        # As they come from outside: nothing of one event is the same object in the next.
        text = hjson.dumps(list(islice(events, size)))
        for place in places if number % 2 else reversed(places):
            spent[place.kind].append(_timed(place, hjson.loads(text)))
    return [
        {"what": what, "database": kind, "batch": size, **figures(seconds, size)}
        for kind, seconds in spent.items()
    ]


def figures(seconds: Sequence[float], each: int = 1) -> dict[str, Any]:
    """Rate over all, and how long one took: median, ninety-ninth of a hundred, in ms."""
    ordered = sorted(seconds)
    return {
        "count": len(ordered),
        "per_second": round(each * len(ordered) / sum(ordered), 1),
        "p50_ms": round(1000 * ordered[len(ordered) // 2], 3),
        "p99_ms": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 3),
    }


def _timed(place: Place, events: Sequence[Event]) -> float:
    with collecting.seldom():  # as who takes files or serves does
        began = time.perf_counter()
        taken = take(place.store, events)
        spent = time.perf_counter() - began
    if taken.refused:
        raise AssertionError(f"{place.kind} refused {taken.refused[0]}")
    return spent
