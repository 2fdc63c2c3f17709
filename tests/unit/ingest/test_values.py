"""What each column type takes of a JSON value, and the reason it gives when it refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from headgate.core import json as hjson
from headgate.ingest import values
from tests.unit.ingest.reading import same

UTC = dt.UTC


def at(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


TAKEN: list[tuple[str, str, Any]] = [
    ("string", '"x"', "x"),
    ("string", '"a\\u0000b"', "a\x00b"),
    ("boolean", "true", True),
    ("long", "9223372036854775807", 2**63 - 1),
    ("long", "-9223372036854775808", -(2**63)),
    ("long", "1.0", 1),
    ("long", "1e3", 1000),
    ("long", "-0", 0),
    ("long", "9007199254740993.0", 9007199254740993),
    ("long", "0e99999", 0),
    ("integer", "2147483647", 2**31 - 1),
    ("double", "1", 1.0),
    ("double", "0.1", 0.1),
    ("double", "-0.0", -0.0),
    ("double", "1e23", 1e23),
    ("double", "5e-324", 5e-324),
    ("double", "0.30000000000000004", 0.1 + 0.2),
    ("double", "0.10000000000000001", 0.1),
    ("double", "0.1000000000000000055511151231257827", 0.1),
    ("double", "9007199254740992", 2.0**53),
    ("double", "9007199254740994", 2.0**53 + 2),
    ("double", "1.7976931348623157e308", 1.7976931348623157e308),
    ("double", "12.50", 12.5),
    ("decimal(10,2)", "12.5", Decimal("12.50")),
    ("decimal(10,2)", "12.500", Decimal("12.50")),
    ("decimal(10,2)", "-99999999.99", Decimal("-99999999.99")),
    ("decimal(10,2)", "1e2", Decimal("100.00")),
    ("decimal(10,2)", "-0.0", Decimal("0.00")),
    ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
    ("date", '"2024-02-29"', dt.date(2024, 2, 29)),
    ("date", '"0001-01-01"', dt.date(1, 1, 1)),
    ("timestamp", '"2024-01-01T00:00:00.123Z"', at(2024, 1, 1, 0, 0, 0, 123000)),
    ("timestamp", '"2024-01-01T00:00:00.1234560Z"', at(2024, 1, 1, 0, 0, 0, 123456)),
    ("timestamp", '"2024-01-01 02:30:00+02:30"', at(2024, 1, 1)),
    ("timestamp", '"2024-01-01T02:30:00+0230"', at(2024, 1, 1)),
    ("timestamp", '"2024-01-01T00:00:00-01"', at(2024, 1, 1, 1)),
    ("timestamp", '"2024-01-01T00:00:00"', at(2024, 1, 1)),
    ("timestamp", '"2024-01-01T00:00z"', at(2024, 1, 1)),
    ("array<long>", "[]", []),
    ("array<long>", "[1, null, 2.0]", [1, None, 2]),
    ("array<array<string>>", '[["a"], []]', [["a"], []]),
]  # fmt: skip

REFUSED = [
    ("string", "1", "type_mismatch"),
    ("string", "[]", "type_mismatch"),
    ("boolean", "1", "type_mismatch"),
    ("boolean", '"true"', "type_mismatch"),
    ("long", "1.7", "lossy_number"),
    ("long", "true", "lossy_number"),
    ("long", "9223372036854775808", "lossy_number"),
    ("long", "1e999999999999999999", "lossy_number"),
    ("long", "1e99999999999999999999", "lossy_number"),
    ("long", "9" * 5000, "lossy_number"),
    ("long", '"12"', "type_mismatch"),
    ("long", "{}", "type_mismatch"),
    ("integer", "2147483648", "lossy_number"),
    ("integer", "-2147483649", "lossy_number"),
    ("double", "9007199254740993", "lossy_number"),
    ("double", "-9007199254740993", "lossy_number"),
    ("double", "9007199254740993.0", "lossy_number"),
    ("double", "0.123456789012345678", "lossy_number"),
    ("double", "1e400", "lossy_number"),
    ("double", "1e-400", "lossy_number"),
    ("double", "9" * 500, "lossy_number"),
    ("double", "1e99999999999999999999", "lossy_number"),
    ("double", "true", "type_mismatch"),
    ("double", '"1.5"', "type_mismatch"),
    ("decimal(10,2)", "0.001", "lossy_number"),
    ("decimal(10,2)", "100000000", "lossy_number"),
    ("decimal(10,2)", "1e999999999999999", "lossy_number"),
    ("decimal(10,2)", "false", "type_mismatch"),
    ("decimal(10,2)", '"1"', "type_mismatch"),
    ("date", '"2023-02-29"', "invalid_date"),
    ("date", '"2024-2-9"', "invalid_date"),
    ("date", '"20240209"', "invalid_date"),
    ("date", '"0000-01-01"', "invalid_date"),
    ("date", '"2024-02-29T00:00:00Z"', "invalid_date"),
    ("date", "20240229", "type_mismatch"),
    ("timestamp", '"2024-01-01"', "invalid_timestamp"),
    ("timestamp", '"2024-01-01T24:00:00Z"', "invalid_timestamp"),
    ("timestamp", '"2016-12-31T23:59:60Z"', "invalid_timestamp"),
    ("timestamp", '"2024-01-01T00:00:00.0000001Z"', "invalid_timestamp"),
    ("timestamp", '"9999-12-31T23:59:59-01:00"', "invalid_timestamp"),
    ("timestamp", '"2024-01-01T00:00:00+24:00"', "invalid_timestamp"),
    ("timestamp", '"2024-01-01T00:00:00-08:90"', "invalid_timestamp"),
    ("timestamp", '"2024-W01-1T00:00:00.000Z"', "invalid_timestamp"),
    ("timestamp", '"٢٠٢٤-01-01T00:00:00Z"', "invalid_timestamp"),
    ("timestamp", '"now"', "invalid_timestamp"),
    ("timestamp", "1704067200", "type_mismatch"),
    ("array<long>", "1", "type_mismatch"),
    ("array<long>", "[1, 1.5]", "lossy_number"),
    ("array<date>", '["2024-01-01", "x"]', "invalid_date"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), TAKEN)
def test_taken(kind: str, text: str, value: object) -> None:
    assert same(values.converter(kind)(hjson.loads_strict(text)), value)


@pytest.mark.parametrize(("kind", "text", "code"), REFUSED)
def test_refused(kind: str, text: str, code: str) -> None:
    with pytest.raises(values.Unfit) as caught:
        values.converter(kind)(hjson.loads_strict(text))
    assert caught.value.code == code
    assert len(caught.value.detail) < 160


def test_details_say_what_was_expected_and_what_came() -> None:
    with pytest.raises(values.Unfit, match=r"^element 1: expected long, got number 1\.5$"):
        values.converter("array<long>")([1, Decimal("1.5")])
    with pytest.raises(values.Unfit, match=r"^number 1\.234000E\+103 is beyond long$"):
        values.converter("long")(1234 * 10**100)
