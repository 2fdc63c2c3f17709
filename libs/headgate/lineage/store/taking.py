"""Taking events into the store: each once, in whatever order they come, in one transaction a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import (
    aliases,
    driver,
    facts,
    instants,
    outcomes,
    run_rows,
    tables,
    tellings,
)
from headgate.lineage.store.keys import Keys, Memory
from headgate.lineage.store.matching import matching
from headgate.lineage.store.opening import Store
from headgate.lineage.store.rows import insert_rows
from headgate.lineage.store.saying import Saying
from headgate.lineage.store.spoken_names import SpokenNames
from headgate.lineage.store.told import Told, read
from headgate.lineage.store.valid import NotAnEvent, check

#: The columns of an event's row.
_EVENT = (
    "id", "digest", "at", "received_at", "kind", "state", "run_id", "job_id", "dataset_id",
    "telling_id", "producer", "body",
)  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """What was no event: its place among those given, a JSON pointer into it, and why."""

    index: int
    place: str
    why: str


@dataclass(frozen=True)
class Taken:
    """What became of events: how many are new, which had been taken before, and what was refused."""

    accepted: int = 0
    repeats: tuple[int, ...] = ()
    refused: tuple[Refused, ...] = ()

    @property
    def repeated(self) -> int:
        """How many had been taken before."""
        return len(self.repeats)


def take(
    store: Store,
    events: Iterable[Any],
    *,
    received_at: datetime | None = None,
    lake: str | None = None,
) -> Taken:
    """Take events: all that are valid and not taken yet, durably, or none if this raises.

    Args:
        store: where to.
        events: JSON values, of which any may be no event.
        received_at: when they came; now, if not given.
        lake: the name of the lake that is served, whose tables in memory may be spoken of.

    Raises:
        LakeError: the store is broken, busy or out of reach; nothing was taken.
    """
    told, refused = told_by(events, lake)
    if not told:
        return Taken(0, (), tuple(refused))
    at = instants.micros(received_at) if received_at else instants.now()
    repeats = write(store, told, received_at=at, lake=lake)
    return Taken(len(told) - len(repeats), tuple(repeats), tuple(refused))


def told_by(events: Iterable[Any], lake: str | None) -> tuple[list[Told], list[Refused]]:
    """What each event says; this needs no store, and may be done by many threads at once."""
    told: list[Told] = []
    refused: list[Refused] = []
    for index, event in enumerate(events):
        try:
            check(event)
            told.append(read(event, index, lake))
        except NotAnEvent as error:
            refused.append(Refused(index, error.place, error.message))
        except (ValueError, RecursionError) as error:
            refused.append(Refused(index, "", f"{error}."))
    return told, refused


def write(
    store: Store,
    told: Sequence[Told],
    *,
    received_at: int,
    lake: str | None,
    also: Callable[[sa.Connection], None] | None = None,
) -> list[int]:
    """Write what events say in one transaction; gives the indexes of those that were there.

    ``also`` writes something else in the same transaction.
    """
    try:
        with store.writing() as connection:
            ((revision,),) = driver.ask(connection, "SELECT revision FROM state")
            memory = (store.memory or Memory()).at(revision)
            store.memory = None
            new, repeats = _new(connection, told)
            if new:
                keys = Keys(connection, memory)
                memory.revision = revision + 1
                _take(keys, new, revision + 1, received_at, lake)
                driver.tell(connection, "UPDATE state SET revision = ?", [(revision + 1,)])
            if also:
                also(connection)
        store.memory = memory
    except BaseException:
        store.memory = None  # it may have numbers that were never written
        raise
    return repeats


def _new(connection: sa.Connection, told: Sequence[Told]) -> tuple[list[Told], list[int]]:
    """Events that are not taken yet, by time, and the indexes of the others."""
    digests = [(one.digest,) for one in told]
    found = matching(connection, tables.event, ("digest",), digests, wanted=("digest",))
    seen = {bytes(digest) for (digest,) in found}
    new, repeats = [], []
    for one in told:
        if one.digest in seen:
            repeats.append(one.order)
        else:
            seen.add(one.digest)
            new.append(one)
    return sorted(new, key=lambda one: (one.at, one.digest)), repeats


def _take(keys: Keys, told: list[Told], revision: int, received_at: int, lake: str | None) -> None:
    spoken = SpokenNames(keys, told)
    spoken.datasets()
    keys.jobs([one.job for one in told if one.job])
    keys.datasets([s.named for one in told for s in one.spoken])
    runs = run_rows.load(keys, {one.run for one in told if one.run})
    saying = Saying(keys, revision, runs)
    saying.read(told)
    since = _write_events(keys, told, saying, received_at)
    saying.write()
    facts.write(keys, told, revision, since=since, lake=lake)
    outcomes.write(keys, told, saying.runs)
    run_rows.remember(keys, saying.runs)
    spoken.columns()
    if keys.fresh or keys.pairs:
        aliases.record(keys.connection, keys.pairs, keys.fresh, revision)


def _write_events(keys: Keys, told: Sequence[Told], saying: Saying, received_at: int) -> int:
    """Write the events themselves; gives the first one's number."""
    numbers = keys.take_ids(tables.event, len(told))
    rows = list(_rows(keys, told, numbers, saying, received_at))
    insert_rows(keys.connection, tables.event, _EVENT, rows)
    saying.declare(dict(zip((one.digest for one in told), numbers, strict=True)))
    return numbers[0]


def _rows(
    keys: Keys, told: Sequence[Told], numbers: Iterable[int], saying: Saying, received_at: int
) -> Iterator[tuple[Any, ...]]:
    jobs, datasets = keys.of(tables.job), keys.of(tables.dataset)
    telling = tellings.numbers(keys, told)
    for number, telling_id, one in zip(numbers, telling, told, strict=True):
        own = one.spoken[0].named[:2] if one.kind == "dataset" else None
        yield (
            number, one.digest, one.at, received_at, one.kind, one.state,
            saying.runs[one.run].id if one.run else None,
            jobs[one.job] if one.job else None,
            datasets[own] if own else None,
            telling_id, one.producer, one.body,
        )  # fmt: skip


__all__ = ["Refused", "Taken", "take", "told_by", "write"]
