"""Records as Parquet files: each column in one of the types that it may come in, some values bent."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import random
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.reliability.fuzz.judge import JsonText, Row, Unfit, parsed, typed
from tests.reliability.fuzz.making import Tokens
from tests.reliability.fuzz.promises import Promise
from tests.reliability.fuzz.records import Ended, ended

_TEXTS = (
    pa.string(),
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.dictionary(pa.int32(), pa.string()),
)
_STAMPS = (pa.timestamp("us", "UTC"), pa.timestamp("ms"), pa.timestamp("s"), pa.timestamp("ns", "UTC"),
           pa.timestamp("us", "America/New_York"), pa.string())  # fmt: skip
#: The types that a column may come in.
TYPES: dict[str, tuple[pa.DataType, ...]] = {
    "id": (pa.int64(), pa.int64(), pa.int32(), pa.float64(), pa.decimal128(20, 0)),
    "name": _TEXTS, "kind": _TEXTS, "code": _TEXTS, "uid": _TEXTS,
    "count": (pa.int32(), pa.int64(), pa.int16(), pa.uint16(), pa.float64(), pa.float32()),
    "big": (pa.int64(), pa.uint64(), pa.decimal128(20, 0)),
    "ratio": (pa.float64(), pa.float32(), pa.int64()),
    "price": (pa.decimal128(9, 2), pa.decimal128(12, 4), pa.float64(), pa.int64()),
    "fine": (pa.decimal128(38, 10), pa.decimal128(30, 12), pa.float64()),
    "flag": (pa.bool_(),),
    "day": (pa.date32(), pa.date64(), pa.string()),
    "at": _STAMPS,
    "tags": (pa.list_(pa.string()), pa.large_list(pa.string())),
    "nums": (pa.list_(pa.int64()), pa.list_(pa.int32()), pa.list_(pa.float64())),
    "extra": (pa.string(), pa.struct([("a", pa.list_(pa.int64())), ("b", pa.string())])),
    "unit": (pa.int64(), pa.int16(), pa.float64()),
}  # fmt: skip
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def written(
    chance: random.Random, promise: Promise, records: Sequence[Tokens], damaged: set[int]
) -> tuple[bytes, list[Ended]]:
    """A Parquet file of the records, and what must become of each."""
    columns = {c.steps[0]: c for c in promise.columns}
    kinds = {head: chance.choice(TYPES[c.name]) for head, c in columns.items()}
    if chance.random() < 0.3:
        del kinds[chance.choice([h for h, c in columns.items() if c.name not in promise.key])]
    held: dict[str, list[Any]] = {}
    for head, kind in kinds.items():
        name = columns[head].name
        held[head] = [
            _value(chance, kind, tokens.get(name, "null"), bent=index in damaged)
            for index, tokens in enumerate(records)
        ]
    unknown = chance.random() < 0.3
    if unknown:
        kinds["mood"] = chance.choice((pa.string(), pa.int64(), pa.bool_()))
        choice = {pa.string(): ("merry", 'a "b"', None), pa.int64(): (5, 2**60, None)}
        held["mood"] = [chance.choice(choice.get(kinds["mood"], (True, None))) for _ in records]
    table = pa.table({h: _array(held[h], kinds[h]) for h in kinds})
    out = io.BytesIO()
    pq.write_table(
        table, out, row_group_size=chance.choice((50, 300, 10_000)),
        compression=chance.choice(("snappy", "zstd", "none")),
        use_dictionary=chance.random() < 0.5, data_page_version=chance.choice(("1.0", "2.0")),
        version="2.6",
    )  # fmt: skip
    return out.getvalue(), list(_judged(promise, kinds, held, len(records)))


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        # Guessing from the first value, pyarrow refuses longer ones of the very same type.
        texts = [None if v is None else f"{v:f}" for v in values]
        return pa.array(texts, pa.string()).cast(kind)
    return pa.array(values, kind, from_pandas=False)


def _value(chance: random.Random, kind: pa.DataType, token: str, *, bent: bool) -> Any:
    """A value of the type: what the token says if it can be, else none; perhaps another one."""
    if bent and chance.random() < 0.15:
        return _bent(chance, kind)
    try:
        value = parsed(token)
    except ValueError:
        return None
    if value is None:
        return None
    return _fitting(chance, kind, token, value)


def _fitting(chance: random.Random, kind: pa.DataType, token: str, value: Any) -> Any:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
        text = value if isinstance(value, str) else token
        return text if not any("\ud800" <= s <= "\udfff" for s in text) else None
    if types.is_binary(kind):
        return (value if isinstance(value, str) else token).encode("utf-8", "surrogatepass")
    if types.is_boolean(kind):
        return value if isinstance(value, bool) else None
    if types.is_list(kind) or types.is_large_list(kind):
        if not isinstance(value, list):
            return None
        return [None if v is None else _fitting(chance, kind.value_type, json.dumps(v, default=str), v)
                for v in value]  # fmt: skip
    if types.is_struct(kind):
        return chance.choice((None, {"a": [1, None], "b": "x"}, {"a": None, "b": "ü"}))
    if types.is_date(kind) or types.is_timestamp(kind):
        return _ticks(kind, value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        return _number(kind, value)
    except (ArithmeticError, ValueError):
        return None


def _ticks(kind: pa.DataType, value: Any) -> int | None:
    """Days, milliseconds or ticks since 1970."""
    try:
        if pa.types.is_date(kind):
            days = (typed("date", value) - _EPOCH.date()).days
            return days if pa.types.is_date32(kind) else days * 86_400_000
        micros = (typed("timestamp", value) - _EPOCH) // dt.timedelta(microseconds=1)
    except Unfit:
        return None
    ticks = micros * _TICKS[kind.unit] // 10**6
    return ticks if -(2**63) <= ticks < 2**63 else None


def _number(kind: pa.DataType, value: int | Decimal) -> Any:
    if pa.types.is_floating(kind):
        return float(value) if Decimal(value).is_finite() else math.nan
    if pa.types.is_decimal(kind) and not Decimal(value).is_finite():
        return None
    if pa.types.is_decimal(kind):
        with localcontext(Context(prec=80)):
            found = Decimal(value).quantize(Decimal(1).scaleb(-kind.scale))
        return found if len(found.as_tuple().digits) <= kind.precision else None
    whole = int(value)
    low = 0 if pa.types.is_unsigned_integer(kind) else -(2 ** (kind.bit_width - 1))
    return whole if low <= whole < low + 2**kind.bit_width else None


def _bent(chance: random.Random, kind: pa.DataType) -> Any:
    types = pa.types
    if types.is_floating(kind):
        return chance.choice((math.nan, math.inf, -math.inf, 1.5, -0.0, 1e300 if kind == pa.float64() else 1e30,
                              2.0**53, 2.0**63, 0.1, None))  # fmt: skip
    if types.is_integer(kind):
        low = 0 if types.is_unsigned_integer(kind) else -(2 ** (kind.bit_width - 1))
        return chance.choice((low, low + 2**kind.bit_width - 1, 13, 9999, None))
    if types.is_decimal(kind):
        with localcontext(Context(prec=80)):
            unit = Decimal(1).scaleb(-kind.scale)
            return chance.choice((unit, -unit, (10**kind.precision - 1) * unit, None))
    if types.is_binary(kind):
        return chance.choice((b"\xff", b"", b"a\0b", b"\xed\xa0\x80", None))
    if types.is_date(kind):
        days = chance.choice((-719_162, -719_163, 2_932_896, 2_932_897, -200_000_000 // 400))
        return days if types.is_date32(kind) else days * 86_400_000
    if types.is_timestamp(kind):
        per = _TICKS[kind.unit]
        seconds = chance.choice(
            (-62_135_596_800, 253_402_300_799, -62_135_596_801, 253_402_300_800, 1)
        )
        found = seconds * per + chance.choice((0, 1))
        return found if abs(found) < 2**63 else 1
    if types.is_list(kind) or types.is_large_list(kind):
        return chance.choice(([], [None], None))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
        return chance.choice(
            ("", "x" * 41, "a\0b", "AB1", '{"a": 1}', "2024-01-01", "0000-01-01", None)
        )
    return None


def _judged(
    promise: Promise, kinds: dict[str, pa.DataType], held: dict[str, list[Any]], count: int
) -> Iterator[Ended]:
    as_stored = {
        h: pa.array(held[h], k).to_pylist() if pa.types.is_floating(k) else held[h]
        for h, k in kinds.items()
    }
    for index in range(count):
        row: Row = {}
        codes: set[str] = set()
        raw = {head: values[index] for head, values in as_stored.items()}
        for column in promise.columns:
            head, row[column.name] = column.steps[0], None
            if raw.get(head) is None:
                continue
            try:
                row[column.name] = _typed(column.kind, kinds[head], raw[head])
            except Unfit as unfit:
                codes.add(str(unfit))
        rescued = {"mood": raw["mood"]} if raw.get("mood") is not None else None
        if codes:
            yield Ended(index + 1, raw, None, frozenset(codes))
        else:
            yield ended(promise, index + 1, raw, row, rescued)


def _typed(kind: str, stored: pa.DataType, value: Any) -> Any:
    types = pa.types
    if types.is_timestamp(stored):
        micros, rest = divmod(value * 10**6, _TICKS[stored.unit])
        try:
            found = _EPOCH + dt.timedelta(microseconds=micros)
        except OverflowError:
            raise Unfit("invalid_timestamp") from None
        if rest:
            raise Unfit("invalid_timestamp")
        return found
    if types.is_date(stored):
        days = value if types.is_date32(stored) else value // 86_400_000
        try:
            return _EPOCH.date() + dt.timedelta(days=days)
        except OverflowError:
            raise Unfit("invalid_date") from None
    if types.is_struct(stored):
        return JsonText(
            json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        )
    if types.is_list(stored) or types.is_large_list(stored):
        return [None if v is None else _typed(kind[6:-1], stored.value_type, v) for v in value]
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            raise Unfit("invalid_utf8") from None
    if kind == "json":
        try:
            parsed(value)
        except (ValueError, RecursionError):
            raise Unfit("type_mismatch") from None
        return JsonText(value)
    if isinstance(value, float) and kind != "double":
        value = Decimal(repr(value)) if math.isfinite(value) else Decimal("NaN")
    return typed(kind, value)
