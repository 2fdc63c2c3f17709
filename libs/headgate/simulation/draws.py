"""Random numbers that are the same bytes everywhere: SplitMix64 on whole numbers, keyed by purpose.

No floating point takes part, and no library's generator, so neither platform nor version matters.
"""

from __future__ import annotations

import numpy as np

from headgate.core import ids

_GAMMA = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def mixed(value: int) -> int:
    """One number of 64 bits, scrambled; the same number always gives the same."""
    value = ((value ^ (value >> 30)) * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


def key(*parts: int | str) -> int:
    """A number of 64 bits for what the parts name."""
    state = 0
    for part in parts:
        number = int(ids.digest(part)[:16], 16) if isinstance(part, str) else part & _MASK
        state = mixed((state + _GAMMA + number) & _MASK)
    return state


class Draws:
    """A stream of random numbers for one purpose, named by the parts of its key."""

    def __init__(self, *parts: int | str) -> None:
        self._at = key(*parts)

    def raw(self, count: int) -> np.ndarray:
        """``count`` numbers of 64 bits."""
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA) + np.uint64(self._at)
        self._at = (self._at + count * _GAMMA) & _MASK
        found = (steps ^ (steps >> np.uint64(30))) * np.uint64(_FIRST)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(_SECOND)
        return found ^ (found >> np.uint64(31))

    def below(self, count: int, bound: int | np.ndarray) -> np.ndarray:
        """``count`` numbers from 0 up to, not including, ``bound`` (each below 2**31)."""
        wide = (self.raw(count) >> np.uint64(32)) * np.asarray(bound).astype(np.uint64)
        return (wide >> np.uint64(32)).astype(np.int64)

    def chance(self, count: int, millionths: int) -> np.ndarray:
        """``count`` answers, each true with that many chances in a million."""
        return self.below(count, 1_000_000) < millionths

    def order(self, count: int) -> np.ndarray:
        """The numbers below ``count`` in random order."""
        return np.argsort(self.raw(count), kind="stable")

    def one(self, bound: int) -> int:
        """One number below ``bound``."""
        return int(self.below(1, bound)[0])


class Spread:
    """Numbers of 64 bits that fill their range evenly, however few are taken.

    Multiples of the golden ratio: a sample of a few hundred follows its distribution as closely
    as thousands of independent draws would.
    """

    def __init__(self, *parts: int | str) -> None:
        self._at = key(*parts)

    def raw(self, count: int) -> np.ndarray:
        """The next ``count`` numbers."""
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA) + np.uint64(self._at)
        self._at = (self._at + count * _GAMMA) & _MASK
        return steps
