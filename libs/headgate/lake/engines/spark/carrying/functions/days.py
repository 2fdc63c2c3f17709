"""Days, instants and intervals: moved, told apart, cut and taken to pieces; the time zone is UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import casts
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import WHOLE
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

#: Kinds of instants; an interval is one of days and less, or one of months.
_INSTANTS = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")
_INTERVALS = ("INTERVAL", "INTERVAL_MONTHS")
_MICROS = {
    "microsecond": 1, "millisecond": 1_000, "second": 1_000_000, "minute": 60_000_000,
    "hour": 3_600_000_000, "day": 86_400_000_000, "week": 604_800_000_000,
}  # fmt: skip
#: Days that can be added to any day without an end in sight.
_FAR = 4_000_000
_CUT = ("year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond")
#: The pieces of an instant, {0}, as whole numbers.
_PIECES = {
    "year": "year({0})", "month": "month({0})", "day": "day({0})", "hour": "hour({0})",
    "minute": "minute({0})", "second": "second({0})", "quarter": "quarter({0})",
    "doy": "dayofyear({0})", "week": "weekofyear({0})", "isodow": "(weekday({0}) + 1)",
    "dow": "(dayofweek({0}) - 1)", "isoyear": "extract(YEAROFWEEK FROM {0})",
    "dayofyear": "dayofyear({0})", "dayofmonth": "day({0})", "weekofyear": "weekofyear({0})",
    "dayofweek": "(dayofweek({0}) - 1)",
}  # fmt: skip


def of_time(kind: str | None) -> bool:
    """Whether it is a day, an instant or an interval."""
    return kind in _INSTANTS or kind in _INTERVALS


def moved(carrier: Expressions, sign: str, left: Value, right: Value) -> Value:
    """What + and - are of days, instants and intervals.

    Raises:
        CannotCarryError: they are not known to give the same.
    """
    if sign == "+" and (left.kind in WHOLE or left.kind in _INTERVALS):
        left, right = right, left
    if left.kind == right.kind == "DATE" and sign == "-":
        return Value(f"CAST(datediff({left.sql}, {right.sql}) AS BIGINT)", "BIGINT")
    if left.kind == "DATE" and right.kind in WHOLE:
        word = "date_add" if sign == "+" else "date_sub"
        days = casts.cast(carrier, right, "INTEGER", implicit=True).sql
        if right.literal is None or abs(int(right.literal)) > _FAR:
            # Spark begins anew at the other end of time, without a word.
            told = "raise_error('a day too far away')"
            days = f"(CASE WHEN abs(CAST({days} AS BIGINT)) > {_FAR} THEN {told} ELSE {days} END)"
        return Value(f"{word}({left.sql}, {days})", "DATE")
    if left.kind in _INTERVALS and left.kind == right.kind:
        return Value(f"({left.sql} {sign} {right.sql})", left.kind)
    if left.kind in _INSTANTS and right.kind in _INTERVALS:
        kind = "TIMESTAMP" if left.kind == "DATE" else left.kind
        start = casts.cast(carrier, left, kind).sql
        return Value(f"({start} {sign} {right.sql})", kind)
    if left.kind in _INSTANTS[1:] and left.kind == right.kind and sign == "-":
        return Value(f"({left.sql} - {right.sql})", "INTERVAL")
    raise refused(f"{left.kind or 'a value'} {sign} {right.kind or 'a value'}")


def _part(node: Node, given: Value) -> str:
    if given.literal is None:
        raise refused(f"{node['function_name']} of a part that is computed")
    part = given.literal.lower()
    for ending in ("s", ""):
        if ending and part.endswith(ending) and part[:-1] in {*_MICROS, "month", "year", "quarter"}:
            part = part[:-1]
    return part


def _instant(carrier: Expressions, node: Node, given: Value) -> str:
    """A day or an instant as an instant of Spark."""
    if given.kind not in _INSTANTS:
        raise refused(f"{node['function_name']} of {given.kind or 'a value of no known type'}")
    return f"CAST({given.sql} AS TIMESTAMP)" if given.kind != "TIMESTAMPTZ" else given.sql


@carries("date_trunc", "datetrunc")
def _cut(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    part = _part(node, given[0])
    if part not in _CUT:
        raise refused(f"date_trunc to {part}")
    kind = "TIMESTAMPTZ" if given[1].kind == "TIMESTAMPTZ" else "TIMESTAMP"
    found = f"date_trunc('{part}', {_instant(carrier, node, given[1])})"
    return Value(found if kind == "TIMESTAMPTZ" else f"CAST({found} AS TIMESTAMP_NTZ)", kind)


@carries("date_part", "datepart")
def _piece(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    return _taken(carrier, node, _part(node, given[0]), given[1])


@carries(*(p for p in _PIECES))
def _named_piece(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    return _taken(carrier, node, node["function_name"].lower(), given[0])


def _taken(carrier: Expressions, node: Node, part: str, given: Value) -> Value:
    if part == "epoch":
        return _epoch(carrier, {"function_name": "epoch"}, [given])
    if part not in _PIECES:
        raise refused(f"the part {part} of an instant")
    return Value(
        f"CAST({_PIECES[part].format(_instant(carrier, node, given))} AS BIGINT)", "BIGINT"
    )


@carries("epoch", "epoch_ms", "epoch_us")
def _epoch(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    micros = f"unix_micros({_instant(carrier, node, given[0])})"
    name = node["function_name"].lower()
    if name == "epoch_us":
        return Value(micros, "BIGINT")
    if name == "epoch_ms":
        # To the nearest, halves away from zero.
        half = f"CASE WHEN {micros} < 0 THEN -500 ELSE 500 END"
        return Value(f"(({micros} + {half}) div 1000)", "BIGINT")
    if given[0].kind != "TIMESTAMPTZ":
        return Value(f"(CAST({micros} AS DOUBLE) / CAST(1000000 AS DOUBLE))", "DOUBLE")
    # Summed as DuckDB does it, for a double shows by how much that is wrong.
    millis = f"CAST({_down(micros, 1000)} AS DOUBLE) / CAST(1000 AS DOUBLE)"
    rest = f"CAST(pmod({micros}, 1000) AS DOUBLE) / CAST(1000000 AS DOUBLE)"
    return Value(f"({millis} + {rest})", "DOUBLE")


def _down(number: str, unit: int) -> str:
    """Whole units of a number, downwards: pmod is never negative."""
    return f"(({number} - pmod({number}, {unit})) div {unit})"


@carries("date_diff", "datediff")
def _borders(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """How many borders of a part lie between two instants."""
    part = _part(node, given[0])
    a, b = (_instant(carrier, node, v) for v in given[1:])
    if part in ("year", "quarter", "month"):
        each = {"year": "year({0})", "quarter": "(year({0}) * 4 + quarter({0}))",
                "month": "(year({0}) * 12 + month({0}))"}[part]  # fmt: skip
        return Value(f"CAST({each.format(b)} - {each.format(a)} AS BIGINT)", "BIGINT")
    if part not in _MICROS:
        raise refused(f"date_diff in {part}")
    days = f"CAST(datediff(CAST({b} AS DATE), CAST({a} AS DATE)) AS BIGINT)"
    if part in ("day", "week"):
        # Weeks of DuckDB are seven borders of days, wherever the week begins.
        return Value(days if part == "day" else f"({days} div 7)", "BIGINT")
    unit = _MICROS[part]
    first, last = (_down(f"unix_micros({x})", unit) for x in (a, b))
    return Value(f"CAST({last} - {first} AS BIGINT)", "BIGINT")


@carries("date_sub", "datesub")
def _whole_units(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """How many whole units lie between two instants."""
    part = _part(node, given[0])
    if part not in _MICROS:
        raise refused(f"date_sub in {part}")
    a, b = (_instant(carrier, node, v) for v in given[1:])
    if part in ("hour", "day", "week") and "TIMESTAMPTZ" in (given[1].kind, given[2].kind):
        raise refused(f"date_sub in {part} of TIMESTAMPTZ", "DuckDB counts microseconds by halves")
    return Value(f"((unix_micros({b}) - unix_micros({a})) div {_MICROS[part]})", "BIGINT")


@carries("to_days", "to_hours", "to_minutes", "to_seconds", "to_weeks", "to_months", "to_years")
def _interval(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    part = node["function_name"].lower().removeprefix("to_").removesuffix("s")
    n = given[0]
    if n.kind not in WHOLE:
        raise refused(f"{node['function_name']} of {n.kind or 'a value of no known type'}")
    whole = f"CAST({n.sql} AS INT)"
    if part in ("month", "year"):
        told = f"{whole}, 0" if part == "year" else f"0, {whole}"
        return Value(f"make_ym_interval({told})", "INTERVAL_MONTHS")
    place = {"week": f"{whole} * 7", "day": whole, "hour": f"0, {whole}", "minute": f"0, 0, {whole}",
             "second": f"0, 0, 0, CAST({n.sql} AS DECIMAL(18,6))"}[part]  # fmt: skip
    return Value(f"make_dt_interval({place})", "INTERVAL")


@carries("strftime")
def _written(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """An instant as a text; what {0} is, is written piece by piece."""
    if given[0].literal is not None and given[1].literal is None:
        given = given[::-1]
    if given[1].literal is None:
        raise refused("strftime by a form that is computed")
    x = _instant(carrier, node, given[0])
    pieces = {
        "Y": _year(x), "m": _padded(f"month({x})"), "d": _padded(f"day({x})"),
        "H": _padded(f"hour({x})"), "M": _padded(f"minute({x})"), "S": _padded(f"second({x})"),
        "j": _padded(f"dayofyear({x})", 3), "%": "'%'",
        "f": _padded(f"pmod(unix_micros({x}), 1000000)", 6),
    }  # fmt: skip
    found, plain, form = [], "", given[1].literal
    at = 0
    while at < len(form):
        if form[at] == "%":
            if form[at + 1 : at + 2] not in pieces:
                raise refused(f"strftime with {form[at : at + 2]}")
            found += [_literal(plain), pieces[form[at + 1]]] if plain else [pieces[form[at + 1]]]
            plain, at = "", at + 2
        else:
            plain, at = plain + form[at], at + 1
    found += [_literal(plain)] if plain else []
    return Value(f"concat({', '.join(found)})", "VARCHAR")


def _year(x: str) -> str:
    before = "raise_error('a year before Christ is not written on Spark')"
    return (
        f"(CASE WHEN year({x}) < 0 THEN {before} WHEN year({x}) <= 9999"
        f" THEN {_padded(f'year({x})', 4)} ELSE CAST(year({x}) AS STRING) END)"
    )


def _padded(number: str, digits: int = 2) -> str:
    return f"lpad(CAST({number} AS STRING), {digits}, '0')"


def _literal(told: str) -> str:
    from headgate.lake.engines.spark.carrying.values import text

    return text(told)


@carries("timezone")
def _zone(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 2)
    zone, value = given
    if value.kind == "TIMESTAMPTZ":
        return Value(
            f"CAST(from_utc_timestamp({value.sql}, {zone.sql}) AS TIMESTAMP_NTZ)", "TIMESTAMP"
        )
    if value.kind not in _INSTANTS:
        raise refused(f"timezone of {value.kind or 'a value of no known type'}")
    local = casts.cast(carrier, value, "TIMESTAMP")
    return Value(f"to_utc_timestamp(CAST({local.sql} AS TIMESTAMP), {zone.sql})", "TIMESTAMPTZ")
