"""What a text says as a number, a truth, a day or an instant, as DuckDB reads it.

Spark reads more (a trailing d is a double, a year alone a date) and less (1_000, 0x1F, 1.5 as a
whole number). Each is SQL that gives NULL where DuckDB's cast fails. Spark has no infinite days,
and days before Christ are not read.
"""

from __future__ import annotations

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.kinds import decimal_of
from headgate.lake.engines.spark.carrying.values import text

_BLANK = r"[ \t\n\x0B\f\r]*"
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_NUMBER = (
    rf"^{_BLANK}[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?[0-9]+)?{_BLANK}\z"
)
_BITS = rf"^{_BLANK}0(?:[xX][0-9a-fA-F]{{1,15}}|[bB][01]{{1,60}}){_BLANK}\z"
_INFINITY = rf"^{_BLANK}[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?{_BLANK}\z"
_NAN = rf"^{_BLANK}[+-]?[nN][aA][nN]{_BLANK}\z"
_TRUTH = r"^[0-9A-Za-z]+\z"
_DAY = r"-?[0-9]{1,6}([-/])[0-9]{1,2}\1[0-9]{1,2}"
_CLOCK = r"(?:[01]?[0-9]|2[0-3]):[0-5]?[0-9](?::[0-5]?[0-9](?:\.[0-9]*)?)?"
#: What DuckDB reads and Spark has no way to: infinite days, years before Christ, zones by name,
#: the end of a day as its 24th hour. It is an error, never another value.
_UNREAD = r"(?i)infinity|\(bc\)|^\s*[0-9][0-9/-]*[ t]+24:|^\s*[0-9].*[0-9. ][+-]?[a-z]{2,}"
_ZONE = r"(?:[zZ]|[+-][0-9]{2}(?::?[0-9]{2})?| UTC)?"


def of_text(x: str, kind: str, target: str) -> str:
    """The value of type ``kind`` that the text ``x`` says, or NULL.

    Raises:
        CannotCarryError: texts are not read as that type on Spark.
    """
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
        told = f"TRY_CAST(TRY_CAST({_plain(x)} AS DECIMAL(38,0)) AS {target})"
        bits = f"conv(substr({_trim(x)}, 3), CASE WHEN {x} RLIKE '[xX]' THEN 16 ELSE 2 END, 10)"
        return (
            f"(CASE WHEN {x} RLIKE {text(_NUMBER)} THEN {told}"
            f" WHEN {x} RLIKE {text(_BITS)} THEN TRY_CAST({bits} AS {target}) END)"
        )
    if decimal_of(kind):
        return f"(CASE WHEN {x} RLIKE {text(_NUMBER)} THEN TRY_CAST({_plain(x)} AS {target}) END)"
    if kind == "DOUBLE":
        return (
            f"(CASE WHEN {x} RLIKE {text(_NUMBER)} THEN TRY_CAST({_plain(x)} AS DOUBLE)"
            f" WHEN {x} RLIKE {text(_INFINITY)} THEN TRY_CAST({_trim(x)} AS DOUBLE)"
            f" WHEN {x} RLIKE {text(_NAN)} THEN CAST('NaN' AS DOUBLE) END)"
        )
    if kind == "BOOLEAN":
        return f"(CASE WHEN {x} RLIKE {text(_TRUTH)} THEN TRY_CAST({x} AS BOOLEAN) END)"
    if kind == "DATE":
        form = rf"^{_BLANK}{_DAY}(?:[ tT]{_CLOCK}(?: ?{_ZONE})?)?{_BLANK}\z"
        return (
            f"(CASE WHEN {x} RLIKE {text(form)} THEN TRY_CAST(replace({_trim(x)}, '/', '-') AS DATE)"
            f" WHEN {_trim(x)} = 'epoch' THEN DATE '1970-01-01' {_unread(x)} END)"
        )
    if kind in ("TIMESTAMPTZ", "TIMESTAMP"):
        form = rf"^{_BLANK}{_DAY}(?:[ tT]{_CLOCK}{_ZONE}{_BLANK})?\z"
        return (
            f"(CASE WHEN {x} RLIKE {text(form)} THEN TRY_CAST(replace({_trim(x)}, '/', '-') AS {target})"
            f" WHEN {_trim(x)} = 'epoch' THEN CAST('1970-01-01 00:00:00' AS {target})"
            f" {_unread(x)} END)"
        )
    if kind == "TIME":
        form = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?\z"
        whole = f"CASE WHEN char_length({x}) = 5 THEN concat({x}, ':00.') WHEN char_length({x}) = 8"
        whole += f" THEN concat({x}, '.') ELSE {x} END"
        told = f"raise_error(concat('Spark cannot read this time of day: ', {x}))"
        return (
            f"(CASE WHEN {x} RLIKE {text(form)} THEN rpad({whole}, 15, '0')"
            f" WHEN {x} IS NOT NULL THEN {told} END)"
        )
    raise refused(f"a cast of VARCHAR to {kind}")


def _trim(x: str) -> str:
    return f"trim(BOTH ' \\t\\n\\u000b\\u000c\\r' FROM {x})"


def _plain(x: str) -> str:
    return f"replace({_trim(x)}, '_', '')"


def _unread(x: str) -> str:
    told = f"concat('Spark cannot read this as DuckDB does: ', {x})"
    return f"WHEN {x} RLIKE {text(_UNREAD)} THEN raise_error({told})"
