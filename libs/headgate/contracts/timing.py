"""When a dataset is made and how often it is tried again, as its custom properties say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from headgate.contracts import cron
from headgate.contracts.model import Contract, SourceSpec, Timing
from headgate.core.errors import ContractError

#: What is written for a dataset that is taken only when somebody asks for it.
MANUAL = "manual"
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_MOST_RETRIES, _MOST_MINUTES = 100.0, 1440.0
#: Minutes between two looks at a source, and the line that says so.
_EVERY = (
    *((m, f"*/{m} * * * *") for m in (15, 20, 30)),
    (60, "@hourly"),
    *((h * 60, f"0 */{h} * * *") for h in (2, 3, 4, 6, 8, 12)),
    (1440, "@daily"),
)
_REMEDY_SCHEDULE = (
    f"Write minute, hour, day, month and weekday as '30 6 * * *', or {', '.join(cron.WORDS)}, "
    f"or {MANUAL}."
)


def timing_of(props: Mapping[str, Any], source: SourceSpec | None, place: str) -> Timing:
    """When the dataset is made, as far as its contract says it.

    Raises:
        ContractError: it says what means nothing, or says it of a dataset that has no time of its
            own.
    """
    told = {n: f"{place}#/customProperties/headgate.{n}" for n in ("schedule", "timezone")}
    for name, where in told.items():
        if name in props and source is None:
            raise ContractError(
                f"headgate.{name} is for datasets that are ingested.",
                remedy="Leave it out: what is made from others is made when they change.",
                place=where,
            )
    schedule = _schedule(props.get("schedule"), source, told["schedule"])
    zone = _zone(props.get("timezone", Timing.timezone), told["timezone"])
    retries = _number(
        props.get("retries", Timing.retries), "retries", _MOST_RETRIES, place, whole=True
    )
    minutes = _number(
        props.get("retryMinutes", Timing.retry_minutes), "retryMinutes", _MOST_MINUTES, place
    )
    return Timing(schedule, zone, int(retries), minutes)


def schedule_of(contract: Contract) -> str | None:
    """The cron line by which a source is looked at; None if only by hand.

    Where the contract does not say, it follows from the promised freshness: a quarter of it, from
    15 minutes to a day. Nothing looks at a source whose contract names no path.
    """
    given = contract.timing.schedule
    if given == MANUAL or contract.source is None or contract.source.path is None:
        return None
    return given or _derived(contract.freshness_hours)


def _derived(freshness_hours: float | None) -> str:
    if freshness_hours is None:
        return "@daily"
    fitting = [line for minutes, line in _EVERY if minutes <= freshness_hours * 60 / 4]
    return fitting[-1] if fitting else _EVERY[0][1]


def _schedule(given: object, source: SourceSpec | None, place: str) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise ContractError(
            f"headgate.schedule {given!r} is no text.", remedy=_REMEDY_SCHEDULE, place=place
        )
    if given != MANUAL:
        try:
            cron.demand(given)
        except ValueError as why:
            raise ContractError(
                f"headgate.schedule {given!r} is no schedule: {why}.",
                remedy=_REMEDY_SCHEDULE,
                place=place,
            ) from None
        if source is not None and source.path is None:
            raise ContractError(
                "headgate.schedule says when, and headgate.source does not say where.",
                remedy=f"Name a path in headgate.source, or write {MANUAL}.",
                place=place,
            )
    return given


def _zone(given: object, place: str) -> str:
    try:
        if not isinstance(given, str) or not _ZONE.fullmatch(given):
            raise ValueError(given)
        return ZoneInfo(given).key
    except (ValueError, OSError, KeyError):  # a zone that is not found is a KeyError
        raise ContractError(
            f"headgate.timezone {given!r} is no time zone.",
            remedy="Write one of the IANA database, such as Europe/Berlin, or leave it out for UTC.",
            place=place,
        ) from None


def _number(given: object, name: str, most: float, place: str, *, whole: bool = False) -> float:
    numeric = isinstance(given, int | float) and not isinstance(given, bool)
    value = float(given) if isinstance(given, int | float) and numeric else math.nan
    if not 0 <= value <= most or (whole and value != int(value)):
        raise ContractError(
            f"headgate.{name} {given!r} is no number from 0 to {most:g}.",
            remedy="Write a whole number." if whole else "Write minutes.",
            place=f"{place}#/customProperties/headgate.{name}",
        )
    return value
