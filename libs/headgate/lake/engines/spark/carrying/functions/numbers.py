"""Arithmetic as DuckDB has it: the width of each result, what overflows, and division by zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import casts, kinds
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions import days
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import WHOLE, decimal_of, numeric, places
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

_TRY = {"+": "try_add", "-": "try_subtract", "*": "try_multiply", "%": "try_mod"}
_INFINITY = "CAST('Infinity' AS DOUBLE)"


@carries("+", "-", "*", "%", "add", "subtract", "multiply", "mod")
def _arithmetic(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    name = str(node["function_name"]).lower()
    sign = {"add": "+", "subtract": "-", "multiply": "*", "mod": "%"}.get(name, name)
    if len(given) == 1:
        return given[0] if sign == "+" else _negated(carrier, given[0])
    left, right = given
    if days.of_time(left.kind) or days.of_time(right.kind):
        return days.moved(carrier, sign, left, right)
    if not (_number(left) and _number(right)):
        raise refused(f"{left.kind or 'a value'} {sign} {right.kind or 'a value'}")
    if "DOUBLE" in (left.kind, right.kind):
        a, b = (casts.cast(carrier, v, "DOUBLE", implicit=True).sql for v in given)
        if sign == "%":
            nothing = f"({a} * CAST('NaN' AS DOUBLE))"
            return Value(f"(CASE WHEN {b} = 0 THEN {nothing} ELSE try_mod({a}, {b}) END)", "DOUBLE")
        return Value(f"({a} {sign} {b})", "DOUBLE")
    if decimal_of(left.kind) or decimal_of(right.kind):
        return _decimals(carrier, sign, left, right)
    return _whole(carrier, sign, left, right)


def _number(value: Value) -> bool:
    return numeric(value.kind) or value.kind == "NULL"


def _whole(carrier: Expressions, sign: str, left: Value, right: Value) -> Value:
    kind = kinds.widest([str(left.kind), str(right.kind)]) or "BIGINT"
    kind = _narrowed(left, right) or kind
    a, b = (casts.cast(carrier, v, kind, implicit=True).sql for v in (left, right))
    if sign == "%" and kind != "HUGEINT" and (right.literal is None or int(right.literal) == -1):
        # The least number by -1 overflows in DuckDB, and leaves 0 on Spark.
        bits = {"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 63}[kind]
        least = f"CAST('{-(2**bits)}' AS {kinds.spark_type(kind)})"
        found = f"(CASE WHEN NOT ({b} = -1 AND {a} = {least}) THEN try_mod({a}, {b}) END)"
        return _checked(carrier, found, [a, b], kind)
    return _raising(carrier, sign, a, b, kind)


def _narrowed(left: Value, right: Value) -> str | None:
    """A literal takes the type of a narrow column beside it, if it fits."""
    for column, literal in ((left, right), (right, left)):
        narrow = column.kind in ("TINYINT", "SMALLINT") and column.literal is None
        if narrow and literal.literal is not None and literal.kind in WHOLE:
            bits = 7 if column.kind == "TINYINT" else 15
            if -(2**bits) <= int(literal.literal) < 2**bits:
                return column.kind
    return None


def _decimals(carrier: Expressions, sign: str, left: Value, right: Value) -> Value:
    if "NULL" in (left.kind, right.kind):
        kind = left.kind if right.kind == "NULL" else right.kind
        return Value(f"CAST(NULL AS {kind})", kind)
    (p, s), (q, t) = places(str(left.kind)), places(str(right.kind))
    whole, scale = max(p - s, q - t), max(s, t)
    if sign == "*":
        scale = s + t
        if scale > 38:
            raise refused(f"{left.kind} * {right.kind}", "DuckDB holds 38 digits")
        most = 18 if p <= 18 and q <= 18 else 38
        kind = f"DECIMAL({min(p + q, most)},{scale})"
        a, b = (_exact(v) for v in (left, right))
        product = f"try_multiply({a}, {b})"
        found = f"TRY_CAST({product} AS {kind})"
        return _checked(carrier, found, [left.sql, right.sql], kind)
    kind = f"DECIMAL({min(whole + scale + (sign != '%'), 38)},{scale})"
    a, b = (casts.cast(carrier, v, kind, implicit=True).sql for v in (left, right))
    if sign == "%":
        return _raising(carrier, sign, a, b, kind)
    found = f"TRY_CAST({_TRY[sign]}({a}, {b}) AS {kind})"
    return _checked(carrier, found, [a, b], kind)


def _exact(value: Value) -> str:
    return (
        value.sql
        if decimal_of(value.kind)
        else f"CAST({value.sql} AS DECIMAL({WHOLE[str(value.kind)]},0))"
    )


def _raising(carrier: Expressions, sign: str, a: str, b: str, kind: str) -> Value:
    """An operation that Spark raises for where DuckDB does."""
    if not carrier.trying:
        return Value(f"({a} {sign} {b})", kind)
    found = f"{_TRY[sign]}({a}, {b})"
    carrier.fails(f"({a} IS NOT NULL AND {b} IS NOT NULL AND {found} IS NULL)")
    return Value(found, kind)


def _checked(carrier: Expressions, found: str, given: list[str], kind: str) -> Value:
    """``found`` is NULL where it fails; outside TRY that raises."""
    failed = " AND ".join([*(f"{g} IS NOT NULL" for g in given), f"{found} IS NULL"])
    if carrier.trying:
        carrier.fails(f"({failed})")
        return Value(found, kind)
    raised = "raise_error('Out of Range Error: more digits than the result has')"
    return Value(f"(CASE WHEN {failed} THEN {raised} ELSE {found} END)", kind)


def _negated(carrier: Expressions, value: Value) -> Value:
    if value.literal is not None and value.kind in WHOLE:
        from headgate.lake.engines.spark.carrying.literals import whole

        return whole(str(-int(value.literal)))
    if not numeric(value.kind):
        raise refused(f"- {value.kind or 'a value'}")
    if carrier.trying and value.kind in WHOLE:
        return _raising(
            carrier, "-", f"CAST(0 AS {kinds.spark_type(value.kind)})", value.sql, str(value.kind)
        )
    return Value(f"(- {value.sql})", value.kind)


@carries("/", "//", "divide")
def _divided(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 2)
    left, right = given
    if not (_number(left) and _number(right)):
        raise refused(f"{left.kind or 'a value'} / {right.kind or 'a value'}")
    if node["function_name"] == "//" and left.kind in WHOLE and right.kind in WHOLE:
        return _divided_whole(carrier, left, right)
    a, b = (casts.cast(carrier, v, "DOUBLE", implicit=True).sql for v in given)
    if node["function_name"] == "//":
        zero = f"(CASE WHEN {b} <> 0 THEN try_divide({a}, {b}) END)"
        return _checked(carrier, zero, [a, b], "DOUBLE")
    if right.literal is not None and float(right.literal) != 0:
        return Value(f"({a} / {b})", "DOUBLE")
    # By zero it is infinite, and the sign of the zero counts.
    infinite = _INFINITY
    if right.kind == "DOUBLE":
        infinite = (
            f"(CASE WHEN CAST({b} AS STRING) = '-0.0' THEN - {_INFINITY} ELSE {_INFINITY} END)"
        )
    return Value(
        f"(CASE WHEN {b} = 0 THEN {a} * {infinite} ELSE try_divide({a}, {b}) END)", "DOUBLE"
    )


def _divided_whole(carrier: Expressions, left: Value, right: Value) -> Value:
    kind = kinds.widest([str(left.kind), str(right.kind)]) or "BIGINT"
    if kind == "HUGEINT":
        raise refused("HUGEINT // HUGEINT")
    a, b = (casts.cast(carrier, v, "BIGINT", implicit=True).sql for v in (left, right))
    # The least number divided by -1 is no BIGINT; Spark says so outside of TRY.
    odd = f"({b} = 0 OR ({b} = -1 AND {a} = -9223372036854775808L))"
    found = f"(CASE WHEN NOT {odd} THEN TRY_CAST({a} div {b} AS {kinds.spark_type(kind)}) END)"
    return _checked(carrier, found, [a, b], kind)


@carries(">>", "<<", "&", "|", "xor", "~")
def _bits(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    name = node["function_name"]
    if not all(v.kind in WHOLE and v.kind != "HUGEINT" for v in given):
        raise refused(f"the operator {name} of {', '.join(str(v.kind) for v in given)}")
    kind = kinds.widest([str(v.kind) for v in given]) or "BIGINT"
    args = [casts.cast(carrier, v, kind, implicit=True).sql for v in given]
    if name == "~":
        return Value(f"(~ {args[0]})", kind)
    a, b = args
    if name in ("&", "|", "xor"):
        return Value(f"({a} {'^' if name == 'xor' else name} {b})", kind)
    bits = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}[kind]
    zero = f"CAST(0 AS {kinds.spark_type(kind)})"
    if name == ">>":
        inside = f"{b} >= 0 AND {b} < {bits}"
        wide = f"CAST(shiftright({a}, CAST(CASE WHEN {inside} THEN {b} END AS INT)) AS {kinds.spark_type(kind)})"
        return Value(
            f"(CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL WHEN {inside} THEN {wide} ELSE {zero} END)",
            kind,
        )
    raise refused("the operator <<")


@carries("abs", "@")
def _abs(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    (value,) = given
    if not numeric(value.kind):
        raise refused(f"abs of {value.kind or 'a value'}")
    if carrier.trying and value.kind in WHOLE and value.kind != "HUGEINT":
        spark = kinds.spark_type(value.kind)
        negated = f"try_subtract(CAST(0 AS {spark}), {value.sql})"
        carrier.fails(f"({value.sql} < 0 AND {negated} IS NULL)")
        return Value(f"(CASE WHEN {value.sql} < 0 THEN {negated} ELSE {value.sql} END)", value.kind)
    return Value(f"abs({value.sql})", value.kind)


@carries("least", "greatest")
def _ends(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    from headgate.lake.engines.spark.carrying.comparing import alike

    if len(given) == 1:
        return given[0]
    found = alike(carrier, given)
    return Value(
        f"{node['function_name'].lower()}({', '.join(v.sql for v in found)})", found[0].kind
    )


@carries("trunc", "floor", "ceil", "ceiling")
def _cut(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """Doubles from 2**52 on, infinite ones and NaN are whole already."""
    (value,) = given
    if value.kind != "DOUBLE":
        raise refused(f"{node['function_name']} of {value.kind or 'a value of no known type'}")
    name, x = node["function_name"].lower(), value.sql
    down, up = f"CAST(floor({x}) AS DOUBLE)", f"CAST(ceil({x}) AS DOUBLE)"
    found = {"trunc": f"CASE WHEN {x} < 0 THEN {up} ELSE {down} END", "floor": down}.get(name, up)
    return Value(
        f"(CASE WHEN abs({x}) < CAST(4503599627370496 AS DOUBLE) THEN {found} ELSE {x} END)",
        "DOUBLE",
    )
