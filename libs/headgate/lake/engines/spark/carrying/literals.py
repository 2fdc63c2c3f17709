"""Constants: the type that DuckDB gives a number as it is written."""

from __future__ import annotations

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.values import Value


def whole(digits: str) -> Value:
    """The narrowest of INTEGER, BIGINT and HUGEINT that holds the number."""
    number = int(digits)
    if -(2**31) <= number < 2**31:
        told = f"({digits})" if number < 0 else digits
        return Value(told, "INTEGER", digits)
    if -(2**63) <= number < 2**63:
        return Value(f"CAST('{digits}' AS BIGINT)", "BIGINT", digits)
    if abs(number) < 10**38:
        return Value(f"CAST('{digits}' AS DECIMAL(38,0))", "HUGEINT", digits)
    raise refused(f"the number {digits}", "Spark holds 38 digits")


def numeric(told: str) -> Value:
    """A number with a point is a decimal of its digits, one with an exponent a double."""
    if "e" in told.lower():
        return Value(f"CAST('{told}' AS DOUBLE)", "DOUBLE", told)
    before, _, fraction = told.partition(".")
    if len(before) + len(fraction) > 38:
        return Value(f"CAST('{told}' AS DOUBLE)", "DOUBLE", told)
    kind = f"DECIMAL({max(len(before) + len(fraction), 1)},{len(fraction)})"
    return Value(f"CAST('{told}' AS {kind})", kind, told)
