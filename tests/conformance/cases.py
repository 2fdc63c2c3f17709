"""At least one rule of every kind, each with an independent judgement in plain Python."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from headgate.contracts.model import Rule
from tests.unit.quality.judging import rule

Row = dict[str, Any]
PERCENT, ROWS = {"unit": "percent"}, {"unit": "rows"}
#: What the parent of the foreign key has.
PARENTS = ("message", "system", "")


@dataclass(frozen=True)
class Case:
    """A rule, and what Python says: ``holds`` of a row, or ``number`` of all rows."""

    rule: Rule
    holds: Callable[[Row], bool] | None = None
    number: Callable[[Sequence[Row]], int | Fraction] | None = None

    @property
    def id(self) -> str:
        return self.rule.id


def of(
    kind: str, column: str, judge: Callable[[Any], bool], name: str = "", **arguments: Any
) -> Case:
    """A row rule of one column; ``judge`` is asked about values that are there."""
    given = rule(kind, column, **arguments)
    given = dataclasses.replace(given, id=f"{column}.{name or kind}")
    return Case(given, holds=lambda row: row[column] is None or judge(row[column]))


def over(
    kind: str,
    column: str | None,
    number: Callable[[Sequence[Row]], Any],
    name: str,
    **arguments: Any,
) -> Case:
    """A table rule."""
    given = rule(kind, column, "table", **arguments)
    return Case(dataclasses.replace(given, id=f"{column or 'table'}.{name}"), number=number)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def multiple(step: Fraction) -> Callable[[Any], bool]:
    def judge(value: Any) -> bool:
        if isinstance(value, float):
            if not math.isfinite(value):
                return False
            value = Decimal(repr(value))
            # Beyond what its exact decimals hold.
            if abs(value) >= 10**36:
                return False
        return (Fraction(value) / step).denominator == 1

    return judge


def parsed(judge: Callable[[Any], bool], form: type) -> Callable[[str], bool]:
    """JSON texts, judged where they are of the form and else broken."""
    return lambda text: isinstance(json.loads(text), form) and judge(json.loads(text))


def distinct(values: Sequence[Any]) -> bool:
    told = [json.dumps(v, sort_keys=True) for v in values]
    return len(set(told)) == len(told)


def clock(text: str) -> dt.time | None:
    found = re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", text, re.ASCII)
    return dt.time.fromisoformat(text) if found else None


def repeated(*columns: str) -> Callable[[Sequence[Row]], int]:
    def number(rows: Sequence[Row]) -> int:
        keys = [tuple(r[c] for c in columns) for r in rows]
        seen = Counter(k for k in keys if None not in k)
        return sum(n for n in seen.values() if n > 1)

    return number


def absent(column: str) -> Callable[[Sequence[Row]], int]:
    return lambda rows: sum(r[column] is None for r in rows)


def among(column: str, values: Sequence[Any]) -> Callable[[Sequence[Row]], int]:
    return lambda rows: sum(r[column] in values for r in rows)


_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_WHOLE = "2004-01-31T12:00:00Z"
_NOON = moment("2004-01-31T12:00:00+00:00")

CASES: tuple[Case, ...] = (
    Case(rule("required", "line"), holds=lambda row: row["line"] is not None),
    Case(rule("required", "real"), holds=lambda row: row["real"] is not None),
    of("max_length", "line", lambda v: len(v) <= 2, value=2),
    of("min_length", "line", lambda v: len(v) >= 1, value=1),
    of("max_length", "doc", lambda v: len(v) <= 7, value=7),
    of("pattern", "line", lambda v: re.search(r"^[a-z]+\Z", v) is not None, value="^[a-z]+$"),
    of("pattern", "line", lambda v: re.search(r"\w", v, re.A) is not None, "word", value=r"\w"),
    of("pattern", "line", lambda v: re.search(r"^\D*\Z", v, re.A) is not None, "digit",
       value=r"^\D*$"),
    of("pattern", "line", lambda v: re.search(r"^.{2}", v) is not None, "two", value="^.{2}"),
    of("pattern", "name", lambda v: re.search(r"\b\d", v, re.A) is not None, "edge", value=r"\b\d"),
    of("pattern", "line", lambda v: "a" in v.lower(), "folded", value="(?i)a"),
    of("format", "name", lambda v: _NAME.fullmatch(v) is not None, value="hostname"),
    of("format", "clock", lambda v: clock(v) is not None, value="time"),
    of("minimum", "whole", lambda v: v >= 2, value=2),
    of("minimum", "whole", lambda v: v > 2, "above", value=2, exclusive=True),
    of("minimum", "whole", lambda v: v >= 2**53 + 1, "huge", value=2**53 + 1),
    of("maximum", "small", lambda v: v <= 2.5, value=2.5),
    of("maximum", "real", lambda v: v <= 0.5, value=0.5),
    of("maximum", "real", lambda v: v < 0.5, "below", value=0.5, exclusive=True),
    of("minimum", "real", lambda v: v >= -1.0, value=-1),
    of("minimum", "real", lambda v: v >= 0.1, "tenth", value=0.1),
    of("maximum", "real", lambda v: v <= 0.3, "most", value=0.3),
    of("minimum", "real", lambda v: v > 2.0**53, "odd", value=2**53 + 1),
    of("minimum", "price", lambda v: v >= Decimal("0.1"), value=0.1),
    of("maximum", "exact", lambda v: v <= Decimal("1E-10"), value=1e-10),
    of("minimum", "day", lambda v: v >= day("1970-01-01"), value="1970-01-01"),
    of("maximum", "day", lambda v: v < day("2004-01-31"), value="2004-01-31", exclusive=True),
    of("minimum", "moment", lambda v: v >= _NOON, value=_WHOLE),
    of("maximum", "moment", lambda v: v < _NOON, value="2004-01-31T14:00:00+02:00", exclusive=True),
    of("minimum", "moment", lambda v: v >= moment("1970-01-01T00:00:00+00:00"), "naive",
       value="1970-01-01"),
    of("accepted_values", "kind", lambda v: v in ("message", "action"), values=["message", "action"]),
    of("accepted_values", "whole", lambda v: v in (1, 2, 2**53), values=[1, 2, 2**53]),
    of("accepted_values", "whole", lambda v: v in (1, 2**53 + 1), "odd", values=[1, 2**53 + 1]),
    of("accepted_values", "real", lambda v: v in (0.0, 0.5, 2.0**53), values=[0, 0.5, 2**53]),
    of("accepted_values", "flag", lambda v: v, values=[True]),
    of("accepted_values", "price", lambda v: v in (Decimal("0.01"), Decimal("1.5")),
       values=[0.01, 1.5]),
    of("accepted_values", "day", lambda v: v == day("1970-01-01"), values=["1970-01-01"]),
    of("accepted_values", "moment", lambda v: v == _NOON, values=[_WHOLE]),
    of("multiple_of", "whole", multiple(Fraction(5)), value=5),
    of("multiple_of", "price", multiple(Fraction(1, 4)), value=0.25),
    of("multiple_of", "real", multiple(Fraction(1, 2)), value=0.5),
    of("min_items", "items", lambda v: len(v) >= 1, value=1),
    of("max_items", "tags", lambda v: len(v) <= 2, value=2),
    of("unique_items", "items", distinct),
    of("unique_items", "tags", distinct),
    of("unique_items", "doc", parsed(distinct, list)),
    of("min_properties", "doc", parsed(lambda v: len(v) >= 1, dict), value=1),
    of("max_properties", "doc", parsed(lambda v: len(v) <= 1, dict), value=1),
    of("required_properties", "doc", parsed(lambda v: "a" in v, dict), values=["a"]),
    of("earliest", "clock", lambda v: clock(v) is None or clock(v) >= dt.time(9), value="09:00:00"),
    of("latest", "clock", lambda v: clock(v) is None or clock(v) < dt.time(17), value="17:00",
       exclusive=True),
    Case(rule("predicate", None, sql="whole > 5 OR kind = 'message'"),
         holds=lambda r: (r["whole"] is None or r["whole"] > 5 or r["kind"] in (None, "message"))),
    Case(rule("foreign_key", "kind", columns=["kind"], parent="silver.test.kinds",
              parent_columns=["name"], missing="quarantine"),
         holds=lambda r: r["kind"] is None or r["kind"] in PARENTS),
    over("unique", "name", repeated("name"), "unique", columns=["name"]),
    over("unique", "real", repeated("real"), "unique", columns=["real"]),
    over("unique", "moment", repeated("moment"), "unique", columns=["moment"]),
    over("unique", "flag", repeated("flag"), "unique", columns=["flag"]),
    over("duplicate_count", "day", repeated("day"), "none", columns=["day"], operator="mustBe",
         value=0, **ROWS),
    over("duplicate_count", None, repeated("whole", "kind"), "pairs", columns=["whole", "kind"],
         operator="mustBe", value=0, **ROWS),
    over("duplicate_count", None, repeated("kind", "flag"), "most", columns=["kind", "flag"],
         operator="mustBeLessThan", value=80, **PERCENT),
    over("row_count", None, len, "between", operator="mustBeBetween", value=[10, 500], **ROWS),
    over("row_count", None, len, "more", operator="mustBeGreaterThan", value=120, **ROWS),
    over("row_count", None, len, "not", operator="mustNotBe", value=120, **ROWS),
    over("null_share", "line", absent("line"), "few", operator="mustBeLessThan", value=12.5,
         **PERCENT),
    over("null_share", "real", absent("real"), "some", operator="mustBeBetween", value=[10, 15],
         **PERCENT),
    over("null_share", "day", absent("day"), "rows", operator="mustBeLessOrEqualTo", value=15,
         **ROWS),
    over("missing_share", "kind", among("kind", [None, "", "system"]), "missing",
         missingValues=[None, "", "system"], operator="mustBeLessThan", value=40, **PERCENT),
    over("invalid_share", "kind",
         lambda rows: sum(r["kind"] not in (None, "message", "action") for r in rows), "invalid",
         validValues=["message", "action"], operator="mustBeLessThan", value=50, **ROWS),
    over("invalid_share", "line",
         lambda rows: sum(r["line"] is not None and not re.search(r"^[a-z]", r["line"])
                          for r in rows), "form", pattern="^[a-z]", operator="mustBeGreaterThan",
         value=60, **PERCENT),
    over("sql", "whole", lambda rows: sum((r["whole"] or 0) > 5 for r in rows), "query",
         query="SELECT count(*) FROM {table} WHERE {property} > 5", operator="mustBeLessThan",
         value=40),
)  # fmt: skip
