"""A stream of OpenLineage events of the measured platform: days of runs of all producers, equal by seed."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from headgate.contracts.names import DatasetName
from tests.bench import lineage_foreign as foreign
from tests.bench.lineage_ours import ROOT, Lake
from tests.bench.lineage_platform import Platform

Event = dict[str, Any]
#: What begins at an instant and tells events in the order of time.
Work = Callable[[datetime], Iterator[Event]]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
#: So many runs go on at the same time.
_AT_ONCE = 8
#: Of a thousand events so many come late (by so many events), and so many come twice.
_LATE, _TWICE, _LATE_BY = 2, 1, 400
#: Runs of others are as much shorter, and come as much more often.
_OFTEN = 3


def stream(
    platform: Platform, seed: int = 8, *, begin: datetime = BEGIN, before: int = 0
) -> Iterator[Event]:
    """Events without an end, nearly in the order of their times.

    First every dataset is built once, so that all edges are told; then domains of the lake, dbt
    projects and Spark applications run at random.

    Args:
        platform: what is built.
        seed: of what happens by chance; another one gives other runs.
        begin: when the first run begins.
        before: a number of versions and releases that were there before.
    """
    chance = random.Random(f"stream {seed}")
    held: deque[tuple[int, Event]] = deque()
    for number, event in enumerate(_ordered(platform, Lake(platform, seed, before), seed, begin)):
        while held and held[0][0] <= number:
            yield held.popleft()[1]
        lot = chance.randrange(1000)
        if lot >= _LATE:
            yield event
        if lot < _LATE + _TWICE:
            held.append((number + _LATE_BY, event))


def _ordered(platform: Platform, lake: Lake, seed: int, at: datetime) -> Iterator[Event]:
    """Events of works that go on at the same time."""
    chance = random.Random(f"order {seed}")
    first = _works(platform, lake, chance, share=1.0)
    chance.shuffle(first)
    again = _works(platform, lake, chance, share=0.6)
    going: list[tuple[str, int, Event, Iterator[Event]]] = []
    number = itertools.count()
    while True:
        while len(going) < _AT_ONCE:
            at += timedelta(seconds=chance.randint(5, 60))
            work = first.pop() if first else chance.choice(again)
            _go_on(going, next(number), work(at))
        _, which, event, rest = heapq.heappop(going)
        yield event
        at = max(at, datetime.fromisoformat(event["eventTime"]))
        _go_on(going, which, rest)


def _go_on(
    going: list[tuple[str, int, Event, Iterator[Event]]], which: int, work: Iterator[Event]
) -> None:
    event = next(work, None)
    if event is not None:
        heapq.heappush(going, (event["eventTime"], which, event, work))


def _works(platform: Platform, lake: Lake, chance: random.Random, *, share: float) -> list[Work]:
    """What may run: with a share of 1 everything once."""
    often = 1 if share == 1.0 else _OFTEN
    works: list[Work] = [
        partial(lake.run, domain, datasets, share=share)  # type: ignore[call-arg]
        for domain, datasets in platform.domains("ours").items()
    ]
    for tables in platform.domains("dbt").values():
        models = [t for t in tables if t.level]
        works += [lambda at, m=models: foreign.dbt_run(platform, m, at, chance)] * often
    gold = [d.id for d in platform.datasets.values() if d.kind == "ours" and d.level >= 6]
    for number, tables in enumerate(platform.domains("spark").values()):
        served = [t for t in tables if t.level]
        # Spark reads a table of the lake by its path, which is another name of it.
        path = f"{ROOT}/{DatasetName.parse(gold[number]).path}"
        works += [
            lambda at, s=served, p=path: foreign.spark_run(platform, s, at, chance, (p,))
        ] * often
    return works
