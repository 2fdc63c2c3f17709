"""One day of one channel as arrays: when which message is written, by whom, how long, in answer to what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headgate.simulation import tables
from headgate.simulation.draws import Draws
from headgate.simulation.plan import DAY, DELETED, EDITED, LATE

_ANSWERS = 350_000  # of a million messages
_WAVES = 4  # an answer may answer an answer, so many deep
MINUTE = 60_000


@dataclass(frozen=True)
class Day:
    """Messages in the order of their ids.

    ``times``: milliseconds since 1970 on the local clock, ascending. ``answers``: the place of the
    message answered, or -1. ``lengths``: code points. ``start``, ``end``: milliseconds.
    """

    times: np.ndarray
    answers: np.ndarray
    lengths: np.ndarray
    draws: Draws

    def __len__(self) -> int:
        return len(self.times)

    def ids(self, offset: int, number: int) -> np.ndarray:
        """Their snowflakes, for a clock ``offset`` ms ahead of UTC and the channel's number."""
        low = (number & 1023) << 12 | (np.arange(len(self)) & 4095)
        return (self.times - offset - 1_420_070_400_000) << 22 | low


def of(count: int, start: int, draws: Draws, *, span: int = 0) -> Day:
    """``count`` messages of the day that starts at ``start``, by the corpus's hours.

    With ``span``, a thread's messages instead: evenly over that many milliseconds.
    """
    end = start + (span or DAY)
    times = start + _openings(count, draws, span)
    answers = np.full(count, -1)
    fresh = count - (count * _ANSWERS // 1_000_000 if count > 1 else 0)
    edges = fresh + np.arange(_WAVES + 1) * (count - fresh) // _WAVES
    delays = tables.known()["reply_delay"].at(draws.raw(count)) * MINUTE
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        parents = draws.below(last - first, first)
        asked = times[parents]
        second = _second(asked, delays[first:last], draws)
        at = asked - asked % MINUTE + delays[first:last] + second
        inside = at < end
        times[first:last] = np.where(inside, at, times[first:last])
        answers[first:last] = np.where(inside, parents, -1)
    order = np.argsort(times, kind="stable")
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    answers = answers[order]
    answers = np.where(answers >= 0, rank[answers], -1)
    lengths = tables.known()["message_length"].at(draws.raw(count))
    return Day(times[order], answers, lengths, draws)


def _openings(count: int, draws: Draws, span: int) -> np.ndarray:
    """Milliseconds after the start at which messages are written that answer nothing."""
    if span:
        return (draws.raw(count) >> np.uint64(16)).astype(np.int64) % span
    minutes = tables.known()["minute_of_day"].at(draws.raw(count))
    return minutes * MINUTE + draws.below(count, MINUTE)


def _second(asked: np.ndarray, delays: np.ndarray, draws: Draws) -> np.ndarray:
    """The millisecond of the minute in which answers come; within the same minute, after it."""
    within = asked % MINUTE
    earliest = np.where(delays == 0, within + 1, 0)
    return earliest + draws.below(len(asked), np.maximum(MINUTE - earliest, 1))


@dataclass(frozen=True)
class Fate:
    """What becomes of a day's messages between two exports; an array of answers each."""

    late: np.ndarray  # not in the first export
    deleted: np.ndarray  # not in the later one
    edited: np.ndarray  # with another text in the later one


def fate(day: Day) -> Fate:
    """Which messages come late, are deleted, and are edited; never two of these at once."""
    count = len(day)
    order = day.draws.order(count)
    found = np.zeros((3, count), np.bool_)
    before = 0
    for row, one_in in enumerate((LATE, DELETED, EDITED)):
        found[row, order[before : before + count // one_in]] = True
        before += count // one_in
    return Fate(*found)
