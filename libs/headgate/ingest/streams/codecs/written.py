"""Decoded values as JSON text: what JSON cannot say is told, and never written otherwise.

Bytes are written in base64, instants as ISO 8601 with a ``Z``, decimals as numbers with all their
digits. NaN and infinities are no JSON: a message that holds one is undecodable.
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import orjson  # noqa: TID251 (a decimal's digits go into the text as they are, which no other writer does)

from headgate.ingest.streams.codecs.wire import Undecodable

_EPOCH = dt.datetime(1970, 1, 1)
_LARGEST_SCALE = 1_000
_DAY = dt.date(1970, 1, 1)


def text(value: Any) -> bytes:
    """The JSON text of plain values, and of what the other functions here give.

    Raises:
        Undecodable: it cannot be written.
    """
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Undecodable(f"it cannot be written as JSON: {error}") from None


def finite(value: float) -> float:
    """The number itself, unless JSON has none for it."""
    if value - value != 0.0:
        raise Undecodable(f"a number is {value}, which JSON cannot say")
    return value


def packed(value: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(value).decode("ascii")


def decimal(unscaled: int, scale: int) -> Any:
    """A decimal number, with all its digits.

    Raises:
        Undecodable: its scale is none that anybody means; as many digits would be written.
    """
    if abs(scale) > _LARGEST_SCALE:
        raise Undecodable(f"a decimal has the scale {scale}")
    if scale <= 0:
        return orjson.Fragment(str(unscaled * 10**-scale))
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    sign = "-" if unscaled < 0 else ""
    return orjson.Fragment(f"{sign}{digits[:-scale]}.{digits[-scale:]}")


def instant(ticks: int, per_second: int, zone: str = "Z") -> str:
    """An instant so many ticks after the beginning of 1970, to its last digit.

    Raises:
        Undecodable: it is before the year 1 or after 9999.
    """
    seconds, rest = divmod(ticks, per_second)
    try:
        moment = _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        raise Undecodable(
            f"an instant is {seconds} seconds from 1970: in no year to 9999"
        ) from None
    if per_second == 1_000_000:
        return f"{moment.isoformat()}.{rest:06}{zone}"
    if per_second == 1_000:
        return f"{moment.isoformat()}.{rest:03}{zone}"
    digits = f".{rest:09}" if rest % 1000 else f".{rest // 1000:06}"
    return f"{moment.isoformat()}{digits}{zone}"


def day(days: int) -> str:
    """A day so many days after the first of 1970.

    Raises:
        Undecodable: it is before the year 1 or after 9999.
    """
    try:
        return (_DAY + dt.timedelta(days=days)).isoformat()
    except OverflowError:
        raise Undecodable(f"a day is {days} days from 1970: in no year to 9999") from None


def time_of_day(ticks: int, per_second: int) -> str:
    """A time of day.

    Raises:
        Undecodable: it is none.
    """
    seconds, rest = divmod(ticks, per_second)
    if not 0 <= seconds < 86_400:
        raise Undecodable(f"a time of day is {ticks} of {per_second} to the second")
    minutes, second = divmod(seconds, 60)
    digits = len(str(per_second)) - 1
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}.{rest:0{digits}}"
