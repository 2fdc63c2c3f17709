"""What the query of an address asks for, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from headgate.core import clock
from headgate.core.errors import UsageError
from headgate.portal.reports import periods

MOST = 200


def limit(query: Mapping[str, str], default: int = 50) -> int:
    """How many rows one page shows.

    Raises:
        UsageError: it is no number from 1 to 200.
    """
    text = query.get("limit") or ""
    if not text:
        return default
    found = number(text, "limit")
    if not 1 <= found <= MOST:
        raise UsageError(f"a page cannot show {text} rows.", remedy=f"Give 1 to {MOST}.")
    return found


def number(text: str, name: str) -> int:
    """A number that was given, of at most nine digits.

    Raises:
        UsageError: it is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UsageError(f"{text[:40]!r} is no number.", remedy=f"Give {name!r} as digits.")
    return int(text)


def day(query: Mapping[str, str], name: str) -> date | None:
    """A day that was asked for.

    Raises:
        UsageError: it is none.
    """
    return periods.day_of(query.get(name), name)


def moment(query: Mapping[str, str], name: str) -> datetime | None:
    """A moment that was asked for: a day means its end, so that what happened on it is seen.

    Raises:
        UsageError: it is none.
    """
    text = (query.get(name) or "").strip()
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return datetime.fromisoformat(f"{text}T23:59:59.999999+00:00")
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text[:40]!r} is no time.",
            remedy=f"Give {name!r} as {clock.now():%Y-%m-%dT%H:%MZ} or as a day.",
        ) from None
