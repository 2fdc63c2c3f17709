"""Random records, written in random styles and damaged in random ways, all from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

COLUMNS = {
    "id": "long",
    "small": "integer",
    "name": "string",
    "text": "string",
    "at": "timestamp",
    "day": "date",
    "score": "double",
    "price": "decimal(10,2)",
    "flag": "boolean",
    "refs": "array<long>",
    "tags": "array<string>",
    "times": "array<timestamp>",
    "weights": "array<double>",
    "extra": "json",
    "note": "string",
}

WORDS = ["plain", "Zwölf", "with space", "", "日本語", "😀 pair", "a,b", "{", "}", "null", "é"]
ESCAPED = ['a "quote"', "back\\slash", "tab\there", "new\nline", "sl/ash", "\x00", "\x1f", "\x7f"]
INSTANTS = ["2024-01-01T00:00:00.123Z", "2024-02-29T23:59:58.000Z", "1999-12-31T23:59:59.999Z"]
ODD_INSTANTS = [
    "2024-01-01T00:00:00Z", "2024-01-01 00:00:00", "2024-01-01T00:00:00.1234567Z",
    "2024-01-01T02:00:00.123456+02:00", "2024-01-01T24:00:00.000Z", "2023-02-29T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z", "infinity", "epoch", "2024-01-01", "9999-12-31T23:59:59-01:00",
    "2024-01-01T00:00:00.123+00:00", "2024-01-01T 3:00:00.123Z", "2016-12-31T23:59:60.000Z", 5,
    "2024-W01-1T00:00:00.000Z", "٢٠٢٤-01-01T00:00:00.123Z", "0001-01-01T00:00:00.000+00:01",
    "2024-01-01T00:00:00-08:90",
]  # fmt: skip
ODD_NUMBERS: list[Any] = [
    1.5, True, "12", 2**31, -(2**31) - 1, 2**63, -(2**63), -(2**63) - 1, 2**53 + 1, 10**400,
    Decimal("1e3"), Decimal("1.0"), Decimal("1e400"), Decimal("1e-400"), Decimal("0.1234567"),
    Decimal("9007199254740993.0"), Decimal("-0.0"), Decimal("12.50"), Decimal("5e-324"), -0.0,
    Decimal("0.30000000000000004"), Decimal("0.10000000000000001"), Decimal("1e23"), None, [],
    {"a": 1}, Decimal("99999999.99"), Decimal("100000000.00"), Decimal("1E+2"), "NaN", "",
]  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a producer writes its lines."""

    comma: str = ", "
    colon: str = ": "
    ascii_only: bool = False
    end: str = "\n"
    mark: bytes = b""
    last_end: bool = True
    order: tuple[str, ...] = tuple(COLUMNS)
    optional: frozenset[str] = frozenset()
    nulls: frozenset[str] = frozenset()

    def line(self, record: dict[str, Any]) -> bytes:
        """One record as this producer writes it."""
        pairs = [
            json.dumps(k, ensure_ascii=self.ascii_only) + self.colon + self.value(record[k])
            for k in record
        ]
        return ("{" + self.comma.join(pairs) + "}" + self.end).encode("utf-8", "surrogatepass")

    def value(self, value: Any) -> str:
        """One value; a Decimal is written digit by digit."""
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, list):
            return "[" + self.comma.join(map(self.value, value)) + "]"
        if isinstance(value, dict):
            pairs = [json.dumps(k) + self.colon + self.value(v) for k, v in value.items()]
            return "{" + self.comma.join(pairs) + "}"
        return json.dumps(value, ensure_ascii=self.ascii_only)


def style(rng: random.Random) -> Style:
    """Some producer's style."""
    order = list(COLUMNS)
    if rng.random() < 0.5:
        rng.shuffle(order)
    names = list(COLUMNS)
    return Style(
        comma=rng.choice([", ", ","]),
        colon=rng.choice([": ", ":", " : "]),
        ascii_only=rng.random() < 0.4,
        end=rng.choice(["\n", "\n", "\r\n"]),
        mark=b"\xef\xbb\xbf" if rng.random() < 0.3 else b"",
        last_end=rng.random() < 0.7,
        order=tuple(order),
        optional=frozenset(rng.sample(names, rng.choice([0, 0, 1, 4]))),
        nulls=frozenset(rng.sample(names, rng.choice([0, 0, 1, 4]))),
    )


def record(rng: random.Random, how: Style, number: int) -> dict[str, Any]:
    """One good record."""
    words = WORDS + (ESCAPED if rng.random() < 0.3 else [])
    full: dict[str, Any] = {
        "id": rng.choice([number, rng.randrange(-(2**63), 2**63)]),
        "small": rng.randrange(-100, 100),
        "name": f"user {number}",
        "text": " ".join(rng.choices(words, k=rng.randrange(4))),
        "at": rng.choice(INSTANTS),
        "day": f"20{rng.randrange(10, 30)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "score": rng.choice([rng.random(), float(rng.randrange(9)), 1e-7, 0.1, -3.25, 17]),
        "price": Decimal(rng.randrange(10**6)) / 100,
        "flag": rng.random() < 0.5,
        "refs": [rng.randrange(1000) for _ in range(rng.randrange(4))],
        "tags": rng.choices(words, k=rng.randrange(3)),
        "times": rng.choices(INSTANTS, k=rng.randrange(3)),
        "weights": [rng.random() for _ in range(rng.randrange(3))],
        "extra": rng.choice([{"a": [1, {"b": None}], "t": "x y"}, [], "text", 1.5, {"k": "é\n"}]),
        "note": "same",
    }
    found = {}
    for name in how.order:
        if name in how.nulls and rng.random() < 0.3:
            found[name] = None
        # Rare, since a record with something nested in it always takes the exact path.
        elif rng.random() < (0.1 if name == "extra" else 0.6 if name in how.optional else 1):
            found[name] = full[name]
    return found


def odd(rng: random.Random, good: dict[str, Any]) -> dict[str, Any]:
    """The record with something about it that the contract may not want."""
    bad = dict(good)
    for name in rng.sample(list(COLUMNS), rng.randrange(1, 3)):
        kind = COLUMNS[name]
        pool = ODD_INSTANTS if kind in ("timestamp", "date") else ODD_NUMBERS
        if "array" in kind:
            pool = [[rng.choice(ODD_NUMBERS)], [rng.choice(ODD_INSTANTS)], ["x", None], *pool]
        bad[name] = rng.choice([*pool, rng.choice(WORDS + ESCAPED)])
    if rng.random() < 0.2:
        bad["unknown " + rng.choice("ab")] = rng.choice(ODD_NUMBERS)
    if rng.random() < 0.1:
        items = list(bad.items())
        rng.shuffle(items)
        bad = dict(items)
    return bad


def _cut(rng: random.Random, line: bytes) -> bytes:
    return line[: rng.randrange(len(line))].rstrip(b"\r\n") + b"\n"


def _flip(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line) - 1)
    return line[:at] + bytes([rng.randrange(256)]) + line[at + 1 :]


def _drop(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line) - 1)
    return line[:at] + line[at + 1 :]


def _swap(rng: random.Random, line: bytes) -> bytes:
    old, new = rng.choice(
        [(b'"', b"'"), (b":", b"="), (b",", b",,"), (b"}", b",}"), (b"true", b"True"),
         (b"1", b"01"), (b"0", b"NaN"), (b"2", b"Infinity"), (b"e", b"\\ud800"), (b"a", b"\t"),
         (b"{", b'{"id":1,'), (b"}", b"}}"), (b"{", b"[{"), (b"}", b"} "), (b'"', b' "')]
    )  # fmt: skip
    at = rng.randrange(len(line))
    return line[:at] + line[at:].replace(old, new, 1)


def _blank(rng: random.Random, line: bytes) -> bytes:
    return rng.choice([b"\n", b"  \n", b"\r\n", b"null\n", b"[]\n", b'"x"\n', b"\xef\xbb\xbf\n"])


def _join(rng: random.Random, line: bytes) -> bytes:
    return line.rstrip(b"\r\n") + line


def _bytes(rng: random.Random, line: bytes) -> bytes:
    at = rng.randrange(len(line) - 1)
    junk = rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\0"])
    return line[:at] + junk + line[at:]


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _cut, _flip, _drop, _swap, _blank, _join, _bytes
)  # fmt: skip


def file(rng: random.Random, how: Style, lines: int, damaged: float) -> bytes:
    """A file of ``lines`` records, a share of them odd or damaged."""
    found = [how.mark]
    for number in range(lines):
        good = record(rng, how, number)
        if rng.random() < damaged:
            if rng.random() < 0.5:
                found.append(how.line(odd(rng, good)))
            else:
                found.append(rng.choice(DAMAGES)(rng, how.line(good)))
        else:
            found.append(how.line(good))
    data = b"".join(found)
    return data if how.last_end else data.rstrip(b"\r\n")
