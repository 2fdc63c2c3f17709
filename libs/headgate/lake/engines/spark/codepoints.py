"""Sets of code points: what a class of a pattern holds, and how Java writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from headgate.lake.engines import duckdb

#: Code points as stretches, first and last of each, in order.
Ranges = Sequence[tuple[int, int]]
_LAST = 0x10FFFF
ALL: Ranges = [(0, _LAST)]


def union(parts: Iterable[Ranges]) -> Ranges:
    """All that is in any of them."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in parts for pair in part):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def inverted(points: Ranges) -> Ranges:
    """All that is not among them."""
    found, after = [], 0
    for low, high in union([points]):
        if low > after:
            found.append((after, low - 1))
        after = high + 1
    if after <= _LAST:
        found.append((after, _LAST))
    return found


_DIGIT: Ranges = [(48, 57)]
_SPACE: Ranges = [(9, 10), (12, 13), (32, 32)]
_WORD: Ranges = [(48, 57), (65, 90), (95, 95), (97, 122)]
#: What RE2 means by the classes of Perl: ASCII alone, and no vertical tab among the blanks.
PERL = {
    "d": _DIGIT, "D": inverted(_DIGIT), "s": _SPACE, "S": inverted(_SPACE),
    "w": _WORD, "W": inverted(_WORD),
}  # fmt: skip
_DOWN, _UP = (97, 122), (65, 90)
_POSIX: dict[str, Ranges] = {
    "alnum": [*_DIGIT, _UP, _DOWN], "alpha": [_UP, _DOWN], "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)], "cntrl": [(0, 31), (127, 127)], "digit": _DIGIT,
    "graph": [(33, 126)], "lower": [_DOWN], "print": [(32, 126)],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)], "space": [(9, 13), (32, 32)],
    "upper": [_UP], "word": _WORD, "xdigit": [*_DIGIT, (65, 70), (97, 102)],
}  # fmt: skip


def character(point: int) -> str:
    """A code point as Java writes it, wherever it stands."""
    char = chr(point)
    return char if char.isascii() and char.isalnum() else f"\\x{{{point:x}}}"


def written(points: Ranges) -> str:
    """A class of these code points in Java's syntax; no text matches an empty one."""
    points = union([points])
    if not points:
        return "(?!)"
    if len(points) == 1 and points[0][0] == points[0][1]:
        return character(points[0][0])
    told = (
        character(low) if low == high else f"{character(low)}-{character(high)}"
        for low, high in points
    )
    return f"[{''.join(told)}]"


def posix(name: str) -> Ranges:
    """What a class such as ``[:alpha:]`` or ``[:^alpha:]`` holds.

    Raises:
        KeyError: there is no such class.
    """
    return inverted(_POSIX[name[1:]]) if name.startswith("^") else _POSIX[name]


@lru_cache(maxsize=64)
def asked(token: str, fold: bool) -> Ranges:
    """The code points that RE2 itself matches by a class; each of all there are is tried."""
    return _those(f"{'(?i)' if fold else ''}{token}", "range(1114112) t(p)")


@lru_cache(maxsize=256)
def with_case(token: str, plain: tuple[tuple[int, int], ...]) -> Ranges:
    """What a class holds when case does not count; ``plain`` is what it holds when it does.

    Only characters that have a case can differ, and of those RE2 is asked.
    """
    cased = union([[(p, p)] for p in _cased()])
    listed = ", ".join(map(str, _cased()))
    yes = _those(f"(?i){token}", f"(SELECT unnest([{listed}]) AS p)")
    return union([inverted(union([inverted(plain), cased])), yes])


@lru_cache(maxsize=256)
def folded(point: int) -> Ranges:
    """The code points that are one with this when case does not count."""
    return with_case(f"\\x{{{point:x}}}", ((point, point),))


@lru_cache(maxsize=1)
def _cased() -> tuple[int, ...]:
    """Code points that have an upper or a lower case; beyond these there are none."""
    everything = (p for p in range(1, 0x1F000) if not 0xD800 <= p <= 0xDFFF)
    return tuple(
        p
        for p in everything
        if len({chr(p), chr(p).lower(), chr(p).upper(), chr(p).casefold()}) > 1
    )


def _those(pattern: str, source: str) -> Ranges:
    """The code points ``p`` of a relation that match a pattern."""
    # Halves of pairs are no characters: no text holds them, so they may count as what is beside.
    found = duckdb.empty().execute(
        f"SELECT p FROM {source} WHERE p NOT BETWEEN 55296 AND 57343"
        " AND regexp_matches(chr(CAST(p AS INTEGER)), ?) ORDER BY p",
        [pattern],
    )
    ranges: list[tuple[int, int]] = []
    for (point,) in found.fetchall():
        if ranges and point in (ranges[-1][1] + 1, 57344 if ranges[-1][1] == 55295 else -1):
            ranges[-1] = (ranges[-1][0], point)
        else:
            ranges.append((point, point))
    return ranges
