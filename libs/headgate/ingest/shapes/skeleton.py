"""What is left of JSON records without the contents of their texts and numbers: by vector sums.

The skeleton of a record is its bytes without the contents of the strings that are values, and
with a single 0 for every run of digits outside strings. Keys, signs, points, exponents, literals,
brackets and white space stay where they are. A skeleton is itself JSON text. Two records with
the same skeleton therefore have the same fields in the same places, of the same kinds.

What it leaves open is judged here as well, for every record: whether the strings hold only what
JSON allows in strings, and whether a number begins with a nought that it must not begin with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]

_QUOTE, _COLON, _ZERO, _BACKSLASH, _U = b'":0\\u'
_SIMPLE = np.zeros(256, dtype=bool)
_SIMPLE[list(b'"\\/bfnrtu')] = True
_HEX = np.full(256, -1, dtype=np.int64)
for _digit in b"0123456789abcdefABCDEF":
    _HEX[_digit] = int(chr(_digit), 16)
#: Signs before which a nought may begin a run of digits: it is a fraction's or an exponent's.
_INSIDE = np.zeros(256, dtype=bool)
_INSIDE[list(b".eE+")] = True
_EXPONENT = np.zeros(256, dtype=bool)
_EXPONENT[list(b"eE")] = True


@dataclass(frozen=True)
class Skeletons:
    """The skeletons of the records of a chunk.

    Record ``i`` has the skeleton ``text[starts[i]:ends[i]]``; ``quotes`` are where the strings of
    all records open and close in the chunk, in turn, those of record ``i`` from ``quotes[first[i]]``
    on. ``sound[i]`` says that nothing but the skeleton is left to judge.
    """

    text: bytes
    starts: list[int]
    ends: list[int]
    quotes: Places
    first: Places
    sound: Flags


def skeletons(data: bytes, starts: Places, ends: Places) -> Skeletons:
    """The skeletons of the records ``data[starts[i]:ends[i]]``, ascending and apart.

    ``data`` may be any bytes: a record that is no UTF-8 is not sound, and neither is one with an
    odd number of quotes.
    """
    raw = np.frombuffer(data, np.uint8)
    sound = _decodable(data, starts, ends)
    is_quote = raw == _QUOTE
    if b"\\" in data:
        _escapes(raw, is_quote, starts, ends, sound)
    quotes, first = _paired(np.flatnonzero(is_quote), starts, ends, sound)
    opens, closes = quotes[0::2], quotes[1::2]
    after = np.append(raw, np.uint8(0))
    keys = after[closes + 1] == _COLON
    inside = _inside(len(raw), opens, closes, keys)
    outside = inside == 0
    digits = (raw - np.uint8(_ZERO)) < 10
    digits &= outside
    later = digits.copy()
    later[1:] &= digits[:-1]
    later[:1] = False
    _noughts(raw, digits, later, starts, sound)
    values = inside == 1
    control = raw < 32
    control &= values
    if control.any():
        _blame(np.flatnonzero(control), starts, ends, sound)
    dropped = values
    dropped |= later
    # 0x30 to 0x39 without their lower half are 0x30: every digit that is left becomes 0.
    mask = digits.view(np.uint8) * np.uint8(15)
    np.invert(mask, out=mask)
    mask &= raw
    text = mask[~dropped].tobytes()
    before = _counter(dropped)
    return Skeletons(
        text,
        (starts - before(starts)).tolist(),
        (ends - before(ends)).tolist(),
        quotes,
        first,
        sound,
    )


def _decodable(data: bytes, starts: Places, ends: Places) -> Flags:
    sound = np.ones(len(starts), dtype=bool)
    if data.isascii():
        return sound
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # A record could still begin or end inside a character; that of an object cannot.
        return sound
    for index, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        try:
            data[start:end].decode("utf-8")
        except UnicodeDecodeError:
            sound[index] = False
    return sound


def _blame(places: Places, starts: Places, ends: Places, sound: Flags) -> None:
    """Mark the records in which ``places`` lie as not sound."""
    if len(places) and len(starts):
        index = np.searchsorted(starts, places, side="right") - 1
        held = (index >= 0) & (places < ends[index])
        sound[index[held]] = False


def _escapes(raw: _Bytes, is_quote: Flags, starts: Places, ends: Places, sound: Flags) -> None:
    """Unmark escaped quotes; a record with an escape that JSON does not know is not sound.

    Half of a surrogate pair is none that it knows, and U+0000 is left to the exact look.
    """
    slashes = np.flatnonzero(raw == _BACKSLASH)
    begins = np.ones(len(slashes), dtype=bool)
    begins[1:] = np.diff(slashes) != 1
    order = np.arange(len(slashes))
    run = np.maximum.accumulate(np.where(begins, order, 0))
    escapes = slashes[(order - run) % 2 == 0]
    padded = np.concatenate((raw, np.zeros(6, np.uint8)))
    escaped = padded[escapes + 1]
    is_quote[escapes[escaped == _QUOTE] + 1] = False
    _blame(escapes[~_SIMPLE[escaped]], starts, ends, sound)
    coded = escapes[escaped == _U]
    if not len(coded):
        return
    nibbles = _HEX[padded[coded[:, None] + np.arange(2, 6)]]
    value = nibbles @ np.array([4096, 256, 16, 1])
    bad = (nibbles < 0).any(axis=1) | (value == 0)
    high, low = (value & 0xFC00) == 0xD800, (value & 0xFC00) == 0xDC00
    joined = np.zeros(len(coded) + 1, dtype=bool)  # each one follows the one before at once
    joined[1:-1] = np.diff(coded) == 6
    bad |= high & ~(joined[1:] & np.append(low[1:], False))
    bad |= low & ~(joined[:-1] & np.append(False, high[:-1]))
    _blame(coded[bad], starts, ends, sound)


def _paired(quotes: Places, starts: Places, ends: Places, sound: Flags) -> tuple[Places, Places]:
    """The quotes of the records that have an even number of them, and where each record's begin."""
    low, high = np.searchsorted(quotes, starts), np.searchsorted(quotes, ends)
    count = high - low
    sound &= count % 2 == 0
    if count.sum() == len(quotes) and sound.all():
        return quotes, low
    count[~sound] = 0
    edges = np.zeros(len(quotes) + 1, dtype=np.int64)
    np.add.at(edges, low[sound], 1)
    np.add.at(edges, high[sound], -1)
    kept = quotes[np.cumsum(edges)[:-1] > 0]
    return kept, np.cumsum(count) - count


def _inside(size: int, opens: Places, closes: Places, keys: Flags) -> npt.NDArray[np.uint8]:
    """For every byte 1 inside a string that is a value, 2 inside a key, else 0."""
    edges = np.empty(2 * len(opens) + 2, dtype=np.int64)
    edges[0], edges[-1] = 0, size
    edges[1:-1:2], edges[2:-1:2] = opens + 1, closes
    kinds = np.zeros(len(edges) - 1, dtype=np.uint8)
    kinds[1::2] = 1
    kinds[1::2] += keys
    return np.repeat(kinds, np.diff(edges))


def _noughts(raw: _Bytes, digits: Flags, later: Flags, starts: Places, sound: Flags) -> None:
    """A record with a number such as 01 is not sound."""
    leading = raw == _ZERO
    leading &= digits
    leading &= ~later
    leading[:-1] &= later[1:]
    leading[-1:] = False
    places = np.flatnonzero(leading)
    if len(places):
        one, two = raw[np.maximum(places - 1, 0)], raw[np.maximum(places - 2, 0)]
        allowed = _INSIDE[one] | ((one == ord("-")) & _EXPONENT[two])
        wrong = places[~allowed]
        if len(wrong) and len(starts):
            index = np.searchsorted(starts, wrong, side="right") - 1
            sound[index[index >= 0]] = False


def _counter(flags: Flags) -> Any:
    """How many of ``flags`` hold before each of some places."""
    words = np.zeros(len(flags) // 64 + 1, dtype="<u8")
    bits = np.packbits(flags, bitorder="little")
    words.view(np.uint8)[: len(bits)] = bits
    sums = np.concatenate(([0], np.cumsum(np.bitwise_count(words), dtype=np.int64)))

    def before(places: Places) -> Places:
        word, rest = places >> 6, (places & 63).astype(np.uint64)
        part = np.bitwise_count(words[word] & ((np.uint64(1) << rest) - np.uint64(1)))
        found: Places = sums[word] + part
        return found

    return before
