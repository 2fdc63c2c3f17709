"""Days and instants: moved, told apart, cut and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.kinds import WHOLE
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

_OF_TIME = ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL")


def of_time(kind: str | None) -> bool:
    """Whether it is a day, an instant or an interval."""
    return kind in _OF_TIME


def moved(carrier: Expressions, sign: str, left: Value, right: Value) -> Value:
    """A day and a number of days, or the days between two."""
    if carrier.trying:
        raise refused("days added within TRY")
    if left.kind == right.kind == "DATE" and sign == "-":
        return Value(f"CAST(datediff({left.sql}, {right.sql}) AS BIGINT)", "BIGINT")
    if sign == "+" and left.kind in WHOLE:
        left, right = right, left
    if left.kind == "DATE" and right.kind in WHOLE and sign in "+-":
        word = "date_add" if sign == "+" else "date_sub"
        return Value(f"{word}({left.sql}, CAST({right.sql} AS INT))", "DATE")
    raise refused(f"{left.kind or 'a value'} {sign} {right.kind or 'a value'}")
