"""How values are written on pages: times, ages, numbers, sizes, and links to what is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup, escape

from headgate.core import clock
from headgate.portal import addresses

#: Between groups of three digits: narrow, and no line ends there.
_THIN = "\u202f"
_NOTHING = Markup('<span class="quiet">none</span>')
_NEVER = Markup('<span class="quiet">never</span>')
_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_AGES = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"))


def number(value: float | None) -> str | Markup:
    """A number in groups of three digits; of a fraction at most two digits."""
    if value is None:
        return _NOTHING
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.2f}".replace(",", _THIN)
    return f"{int(value):,}".replace(",", _THIN)


def share(value: float | None) -> str | Markup:
    """A share of 1 in per cent. What is not quite all is never written as all."""
    if value is None:
        return _NOTHING
    if 0.999 < value < 1:
        return "> 99.9 %"
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{value * 100:.1f}".removesuffix(".0") + "\u00a0%"


def size(value: float | None) -> str | Markup:
    """Bytes in the unit that suits them."""
    if value is None:
        return _NOTHING
    rank, left = 0, float(value)
    while left >= 999.5 and rank < len(_SIZES) - 1:
        rank, left = rank + 1, left / 1000
    text = f"{left:.0f}" if rank == 0 or left >= 99.5 else f"{left:.1f}"
    return f"{text}\u00a0{_SIZES[rank]}"


def hours(value: float | None) -> str | Markup:
    """A span of hours in words: the two largest units of it."""
    return _NOTHING if value is None else _span(value * 3_600)


def time(value: datetime | date | None) -> Markup:
    """A moment in UTC, to the minute; a day as a day."""
    if value is None:
        return _NEVER
    if not isinstance(value, datetime):
        return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())
    at = _utc(value)
    return Markup('<time datetime="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d\u00a0%H:%M UTC")
    )


def ago(value: datetime | None) -> Markup:
    """How long ago a moment was, in words; hovering tells when."""
    if value is None:
        return _NEVER
    at = _utc(value)
    seconds = clock.hours_since(at) * 3_600
    if abs(seconds) < 60:
        text = "just now"
    else:
        text = f"{_span(seconds, 1)} ago" if seconds > 0 else f"in {_span(-seconds, 1)}"
    exact = at.strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), exact, text
    )


def dataset(name: str) -> Markup:
    """A dataset as a link to its page. It may be broken into lines behind its dots."""
    text = Markup(".<wbr>").join(escape(part) for part in name.split("."))
    return Markup('<a class="dataset" href="{}">{}</a>').format(addresses.dataset(name), text)


def run(name: str) -> Markup:
    """A run as a link to its page, by the end of its id, which is what differs."""
    short = name if len(name) <= 12 else f"…{name[-8:]}"
    return Markup('<a class="run" href="{}" title="{}">{}</a>').format(
        addresses.run(name), name, short
    )


def release(value: Any) -> Markup:
    """A release as a link to its page."""
    if value is None:
        return _NOTHING
    return Markup('<a class="release" href="{}">release&nbsp;{}</a>').format(
        addresses.release(int(value)), int(value)
    )


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _span(seconds: float, most: int = 2) -> str:
    """The largest units of a span; behind days no minutes."""
    if seconds < 60:
        return "less than a minute"
    told: list[str] = []
    left = seconds
    for length, name in _AGES:
        count = int(left // length)
        left -= count * length
        if count and len(told) < most:
            told.append(f"{number(count)}\u00a0{name}{'' if count == 1 else 's'}")
        if seconds >= 86_400 and name == "hour":
            break
    return " ".join(told)
