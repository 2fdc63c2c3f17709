"""Casts between types; what each gives is DuckDB's, also where Spark's own cast gives another."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from headgate.lake.engines.spark.carrying import constants, readings
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.kinds import TEXTS, WHOLE, decimal_of, spark_type
from headgate.lake.engines.spark.carrying.values import Value, text

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

_WHOLE = tuple(WHOLE)
#: Casts that are the same on both engines: every value has one, and it is equal.
_SAME = {
    ("BOOLEAN", "VARCHAR"), ("DATE", "TIMESTAMPTZ"), ("TIMESTAMPTZ", "DATE"),
    ("DATE", "TIMESTAMP"), ("TIMESTAMP", "DATE"), ("TIMESTAMP", "TIMESTAMPTZ"),
    ("TIMESTAMPTZ", "TIMESTAMP"), ("DOUBLE", "BOOLEAN"),
}  # fmt: skip


def cast(
    carrier: Expressions,
    given: Value,
    kind: str,
    *,
    trying: bool = False,
    implicit: bool = False,
) -> Value:
    """``given`` as another type.

    ``trying``: NULL where there is none, and no failure. ``implicit``: DuckDB casts by itself here.

    Raises:
        CannotCarryError: the cast is not known to give the same on Spark.
    """
    if given.kind == kind or (implicit and given.kind is None):
        return given
    target = spark_type(kind)
    if given.kind == "NULL":
        return Value(f"CAST(NULL AS {target})", kind, name=given.name)
    if given.kind in TEXTS and kind in TEXTS:
        return Value(given.sql, kind, given.literal, given.name)
    if given.kind in ("STRING_LITERAL", *WHOLE) and given.literal is not None:
        told = constants.read(given.literal, kind)
        if told is not None:
            return Value(f"CAST({text(told)} AS {target})", kind, name=given.name)
    if given.kind == "DOUBLE" and given.literal is not None and decimal_of(kind):
        number = Decimal(given.literal)
        if number == int(number) and abs(number) <= 10**22:
            return Value(f"CAST('{int(number)}' AS {target})", kind, name=given.name)
    sql, sure = _found(given, kind, target)
    if sure:
        return Value(sql, kind, name=given.name)
    if not trying:
        failed = f"({given.sql} IS NOT NULL AND {sql} IS NULL)"
        if carrier.trying:
            carrier.fails(failed)
        else:
            why = f"raise_error('a value of type {given.kind} is none of type {kind}')"
            sql = f"(CASE WHEN {failed} THEN {why} ELSE {sql} END)"
    return Value(sql, kind, name=given.name)


def shortest(carrier: Expressions, given: Value, kind: str) -> Value:
    """The decimal that the shortest text of a double says, NULL where it is beyond the decimal.

    Java before 19 writes few doubles, above 2**53, with a digit more than needed.
    """
    return Value(f"TRY_CAST(CAST({given.sql} AS STRING) AS {spark_type(kind)})", kind)


def _found(given: Value, kind: str, target: str) -> tuple[str, bool]:
    """SQL that gives the value or NULL, never an error; and whether every value has one."""
    x, of = given.sql, given.kind
    if of is None:
        # The text of a number or an instant differs, and so does the number that a text says.
        raise refused(f"a cast to {kind}", "the type of what is cast is not known")
    if of in TEXTS:
        return readings.of_text(x, kind, target), False
    if (of, kind) in _SAME:
        return f"CAST({x} AS {target})", True
    if kind == "VARCHAR":
        return _text(x, of), True
    if of in _WHOLE or decimal_of(of):
        return _from_exact(x, of, kind, target)
    if of == "DOUBLE":
        return _from_double(x, kind, target), False
    if of == "BOOLEAN" and kind in _WHOLE:
        return f"CAST({x} AS {target})", True
    if of.endswith("[]") and kind.endswith("[]"):
        if of == "NULL[]" or of[:-2] == kind[:-2]:
            return f"CAST({x} AS {target})", True
        inner, sure = _found(Value("`_e`", of[:-2]), kind[:-2], spark_type(kind[:-2]))
        if sure:
            return f"transform({x}, `_e` -> {inner})", True
    raise refused(f"a cast of {of} to {kind}")


def _from_exact(x: str, of: str, kind: str, target: str) -> tuple[str, bool]:
    """From a whole number or a decimal: decimals round half away from zero."""
    if kind == "DOUBLE" or kind == "BOOLEAN":
        return f"CAST({x} AS {target})", True
    if decimal_of(kind):
        return f"TRY_CAST({x} AS {target})", False
    if kind in _WHOLE:
        given = x if of in _WHOLE else f"round({x}, 0)"
        sure = of in _WHOLE and _WHOLE.index(of) < _WHOLE.index(kind)
        return (
            (f"CAST({given} AS {target})", True)
            if sure
            else (f"TRY_CAST({given} AS {target})", False)
        )
    raise refused(f"a cast of {of} to {kind}")


def _from_double(x: str, kind: str, target: str) -> str:
    """From a double: whole numbers round half to even, and what no BIGINT holds is refused."""
    if kind in _WHOLE and kind != "HUGEINT":
        # 2**63 is a double, and no BIGINT.
        ends = "CAST('-9223372036854775808' AS DOUBLE)", "CAST('9223372036854775808' AS DOUBLE)"
        whole = f"CASE WHEN {x} >= {ends[0]} AND {x} < {ends[1]} THEN CAST(rint({x}) AS BIGINT) END"
        return f"TRY_CAST({whole} AS {target})"
    places = decimal_of(kind)
    if places and places[0] <= 18:
        scaled = f"{x} * CAST('1e{places[1]}' AS DOUBLE)"
        least = f"CAST(1e{places[0]} AS DOUBLE)"
        return (
            f"(CASE WHEN abs({x}) < CAST('1e{places[0] - places[1]}' AS DOUBLE) AND"
            f" abs(round({scaled})) < {least} THEN TRY_CAST(CAST(round({scaled}) AS BIGINT) *"
            f" CAST('1e-{places[1]}' AS DECIMAL({max(places[1], 1)},{places[1]})) AS {target}) END)"
        )
    raise refused(f"a cast of DOUBLE to {kind}", "more than 18 digits of a double differ")


def _text(x: str, of: str) -> str:
    """What a value is as a text."""
    if of in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT") or decimal_of(of):
        return f"CAST({x} AS STRING)"
    if of in ("DATE", "TIMESTAMPTZ", "TIMESTAMP"):
        zone = " || '+00'" if of == "TIMESTAMPTZ" else ""
        era = f"lpad(CAST(1 - year({x}) AS STRING), 4, '0') || substr(CAST({x} AS STRING), "
        # The year 0 is the year 1 before Christ.
        before = f"{era}CASE WHEN year({x}) = 0 THEN 5 ELSE 6 END"
        if of == "DATE":
            before += ") || ' (BC)'"
        else:
            before += f", 6) || ' (BC)' || substr(CAST({x} AS STRING), CASE WHEN year({x}) = 0 THEN 11 ELSE 12 END)"
        return (
            f"(CASE WHEN year({x}) > 9999 THEN substr(CAST({x} AS STRING), 2){zone}"
            f" WHEN year({x}) < 1 THEN {before}{zone} ELSE CAST({x} AS STRING){zone} END)"
        )
    raise refused(f"a cast of {of} to VARCHAR", "its text is another on Spark")
