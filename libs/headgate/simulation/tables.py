"""Distributions measured on a real corpus, kept as compact tables of counts; drawn from by integers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from headgate.core import json as hjson

#: Written by headgate.simulation.measure; facts about a corpus, none of its text.
FILE = Path(__file__).with_name("statistics.json")
#: A step of a table holds at most this share of the sample, unless it is one value, and reaches
#: at most a quarter beyond the step before, so that long tails keep their mean.
_STEP, _REACH = 0.006, 1.25


@dataclass(frozen=True)
class Table:
    """A distribution of whole numbers.

    ``cumulative[i]`` of the ``cumulative[-1]`` measured values are at most ``values[i]``; between
    two steps values count as equally frequent.
    """

    values: np.ndarray
    cumulative: np.ndarray

    def at(self, raw: np.ndarray) -> np.ndarray:
        """The values at random numbers of 64 bits: evenly spread numbers give the distribution."""
        total = np.uint64(self.cumulative[-1])
        rank = ((raw >> np.uint64(33)) * total) >> np.uint64(31)
        step = np.searchsorted(self.cumulative, rank.astype(np.int64), side="right")
        high = self.values[step]
        low = np.where(step > 0, self.values[np.maximum(step - 1, 0)] + 1, high)
        width = (high - low + 1).astype(np.uint64)
        within = ((raw & np.uint64(0xFFFFFFFF)) * width) >> np.uint64(32)
        return low + within.astype(np.int64)


def condensed(sample: np.ndarray) -> Table:
    """The table of a sample of whole numbers, in short steps."""
    values, counts = np.unique(sample, return_counts=True)
    cumulative = np.cumsum(counts)
    kept, before = [0], 0
    for i in range(1, len(values)):
        last = i == len(values) - 1
        if (
            last
            or cumulative[i + 1] - before > _STEP * cumulative[-1]
            or values[i + 1] > _REACH * values[kept[-1]]
        ):
            kept.append(i)
            before = int(cumulative[i])
    return Table(values[kept].astype(np.int64), cumulative[kept].astype(np.int64))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """The Kolmogorov-Smirnov distance of two samples: the largest gap of their distributions."""
    at = np.union1d(one, other)
    first = np.searchsorted(np.sort(one), at, side="right") / len(one)
    second = np.searchsorted(np.sort(other), at, side="right") / len(other)
    return float(np.max(np.abs(first - second)))


@cache
def known() -> dict[str, Table]:
    """Every table of :data:`FILE` by its name."""
    content: dict[str, Any] = hjson.loads(FILE.read_bytes())
    return {
        name: Table(np.asarray(t["values"], np.int64), np.asarray(t["cumulative"], np.int64))
        for name, t in content["tables"].items()
    }
