"""Which word somebody may have meant who wrote one that occurs nowhere."""

from __future__ import annotations

from collections.abc import Iterable

#: Words shorter than this are not guessed: too many are near.
_SHORTEST = 3


class Spelling:
    """Known words, and how many datasets have each."""

    def __init__(self, counts: Iterable[tuple[str, int]]) -> None:
        self._by_length: dict[int, list[tuple[str, int]]] = {}
        for word, count in counts:
            if len(word) >= _SHORTEST:
                self._by_length.setdefault(len(word), []).append((word, count))

    def nearest(self, word: str) -> str | None:
        """The known word that is nearest; of several, the one that occurs most. None if none is near."""
        if len(word) < _SHORTEST:
            return None
        most = 1 if len(word) < 6 else 2
        best: tuple[int, int, str] | None = None
        for length in range(len(word) - most, len(word) + most + 1):
            for known, count in self._by_length.get(length, ()):
                apart = distance(word, known, most)
                if apart <= most and (best is None or (apart, -count, known) < best):
                    best = (apart, -count, known)
        return best[2] if best else None


def distance(one: str, other: str, most: int) -> int:
    """How many letters have to be put in, left out, changed or swapped with the next to make one
    word the other; ``most + 1`` if more than ``most``."""
    if len(set(one) ^ set(other)) > 2 * most:  # each change concerns two letters at the most
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            step = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                step = min(step, before[j - 2] + 1)
            row.append(step)
        if min(row) > most:
            return most + 1
        before = above
    return min(row[-1], most + 1)
