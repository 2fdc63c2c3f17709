"""How long questions take: traces by size of the answer, now and as of earlier times; loading what they walk."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from headgate.core.errors import NotFoundError
from headgate.lineage.questions.impact import impact
from headgate.lineage.questions.personal import personal
from headgate.lineage.questions.trace import trace
from headgate.lineage.questions.why import why
from headgate.lineage.store import loading
from headgate.lineage.store.opening import open_store
from headgate.lineage.store.taking import take
from tests.bench.lineage_databases import Place
from tests.bench.lineage_starts import DEPTH
from tests.bench.lineage_taking import figures

#: Columns to ask of, by direction and about how many nodes the answer has.
Asked = Mapping[tuple[Literal["up", "down"], int], Sequence[str]]


def trace_times(places: Sequence[Place], asked: Asked, rounds: int) -> list[dict[str, Any]]:
    """Traces to depth 10, in turn between stores: the answer as a value, and as JSON besides."""
    for place in places:
        loading.settle(place.store, ahead=True)  # as servers do
        loading.graph(place.store)
    found = []
    for when in (None, "mid"):
        for (direction, size), columns in asked.items():
            times = [_Times() for _ in places]
            for number in range(rounds):
                column = columns[number % len(columns)]
                for place, spent in zip(places, times, strict=True):
                    as_of = middle(place) if when else None
                    if as_of and not number:  # the first of a time makes its graph; see load_times
                        trace(place.store, column, direction, depth=DEPTH, as_of=as_of)
                    spent.add(lambda p=place, c=column, d=direction, a=as_of: _trace(p, c, d, a))  # type: ignore[misc]
            told = f"trace {direction} {size:,}{' as of the middle' if when else ''}"
            found += [
                {"what": told, "database": place.kind, **spent.told()}
                for place, spent in zip(places, times, strict=True)
            ]
    return found


def load_times(places: Sequence[Place], events: Iterator[Any], rounds: int) -> list[dict[str, Any]]:
    """Loading the graph into a fresh process's memory, and bringing it up to 100 more events."""
    found = []
    for place in places:
        cold, again, past = _Times(), _Times(), _Times()
        for _ in range(rounds):
            store = open_store(place.where)
            cold.add(lambda s=store: len(loading.graph(s).names.field_ids))
            past.add(lambda s=store, p=place: len(_as_of(s, middle(p)).names.field_ids))
            take(place.store, list(islice(events, 100)))
            again.add(lambda s=store: len(loading.graph(s).names.field_ids))
            store.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        for what, times in (
            ("cold", cold),
            ("100 events later", again),
            ("as of the middle", past),
        ):
            found.append({"what": what, "database": place.kind, **times.told(), "peak_mib": peak})
    return found


def question_times(places: Sequence[Place], asked: Asked, rounds: int) -> list[dict[str, Any]]:
    """Impact of a column, why a dataset changed, and where personal data flows."""
    found = []
    for place in places:
        loading.graph(place.store)
        # Each question with so many different columns or datasets, one after the other.
        for size in sorted({size for _, size in asked}):
            times = _Times()
            for column in asked["down", size][:rounds]:
                times.add(lambda c=column, p=place: len(impact(p.store, c, change="goes").affected))
            found.append({"what": f"impact {size:,}", "database": place.kind, **times.told()})
        times, ends = _Times(), releases(place)
        for dataset in [c.rpartition(".")[0] for c in asked["up", 1_000][:rounds]]:
            times.add(lambda d=dataset, p=place, e=ends: _why(p, d, e))
        found.append({"what": "why, all releases", "database": place.kind, **times.told()})
        times, every = _Times(), _Times()
        for column in asked["down", 100][:rounds]:
            times.add(lambda c=column, p=place: len(personal(p.store, c).flows))
        every.add(lambda p=place: len(personal(p.store).flows))
        found.append({"what": "personal data of a column", "database": place.kind, **times.told()})
        found.append({"what": "personal data of all", "database": place.kind, **every.told()})
    return found


def middle(place: Place) -> str:
    """An instant in the middle of what the store has, as text."""
    with place.store.reading() as connection:
        told = connection.exec_driver_sql("SELECT min(told_at), max(told_at) FROM run").one()
    return datetime.fromtimestamp(sum(told) // 2_000_000, UTC).isoformat()


def releases(place: Place) -> tuple[int, int]:
    """The first and the last release."""
    with place.store.reading() as connection:
        told = connection.exec_driver_sql("SELECT min(number), max(number) FROM release").one()
    return int(told[0]), int(told[1])


def _as_of(store: Any, when: str) -> Any:
    from headgate.lineage.store import as_of

    return loading.graph(store, as_of.at(store, when))


def _trace(place: Place, column: str, direction: Literal["up", "down"], as_of: str | None) -> int:
    answer = trace(place.store, column, direction, depth=DEPTH, as_of=as_of)
    answer.json()
    return len(answer.walk.nodes()[0])


def _why(place: Place, dataset: str, ends: tuple[int, int]) -> int:
    try:
        return len(why(place.store, dataset, *ends).moved)
    except NotFoundError:  # it was not released yet when the first was
        return 0


class _Times:
    """Seconds of each call, by the clock on the wall and by the processor, and how large answers were."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []
        self.sizes: list[int] = []

    def add(self, ask: Callable[[], int]) -> None:
        """Ask, and note what it took."""
        wall, processor = time.perf_counter(), time.process_time()
        size = ask()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)
        self.sizes.append(size)

    def told(self) -> dict[str, Any]:
        """Median and ninety-ninth of a hundred of both, and the largest answer."""
        by_processor = figures(self.processor)
        return {
            **figures(self.wall), "cpu_p50_ms": by_processor["p50_ms"],
            "cpu_p99_ms": by_processor["p99_ms"], "answer": max(self.sizes),
        }  # fmt: skip
