"""Texts in a query that are cast there: those that say the same to both engines need no more."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal

from headgate.lake.engines.spark.carrying.kinds import decimal_of

_WHOLE = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}(:[0-9]{2})?)?"
)


def read(told: str, kind: str) -> str | None:
    """The text as Spark is to cast it to ``kind``, surely to the same value; None: it is not sure."""
    places = decimal_of(kind)
    if kind in _WHOLE and _DIGITS.fullmatch(told) and "." not in told:
        return told if -(2 ** (_WHOLE[kind] - 1)) <= int(told) < 2 ** (_WHOLE[kind] - 1) else None
    if places and _DIGITS.fullmatch(told):
        fits = len(told.partition(".")[2]) <= places[1]
        return (
            told if fits and abs(Decimal(told)) < Decimal(10) ** (places[0] - places[1]) else None
        )
    if kind == "DOUBLE":
        return _double(told)
    try:
        if kind == "DATE" and _DAY.fullmatch(told):
            dt.date.fromisoformat(told)
            return told
        if kind in ("TIMESTAMPTZ", "TIMESTAMP") and (
            _INSTANT.fullmatch(told) or _DAY.fullmatch(told)
        ):
            found = dt.datetime.fromisoformat(told)
            if kind == "TIMESTAMP":
                return told if found.tzinfo is None else None
            return (
                found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC).isoformat(sep=" ")
            )
    except (ValueError, OverflowError):
        pass
    return None


def _double(told: str) -> str | None:
    if told.strip() != told or "_" in told:
        return None
    try:
        value = float(told)
    except ValueError:
        return None
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
