"""Records of the fuzzed datasets: good ones, and what is done to their values and to their bytes.

A record is its columns' values as JSON writes them (``tokens``), so that each format writes the
same record in its own way.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

Tokens = dict[str, str]
_WORDS = ("harbour", "né", "ü", "日本", "a b", "tab\there", "quote\"d", "it's", "comma, semi; colon",
          "back\\slash", "line\nfeed", "😀", "\u200b", "e\u0301", "-", "null", "true", "0", " ")  # fmt: skip


def good(chance: random.Random, number: int) -> Tokens:
    """A record that breaks nothing; ``number`` is its key."""
    pick, whole = chance.random, chance.randrange
    at = datetime(1995, 1, 1) + timedelta(seconds=whole(10**9))
    found = {
        "id": str(number),
        "name": json.dumps(chance.choice(_WORDS) + str(whole(1000)), ensure_ascii=pick() < 0.3),
        "kind": chance.choice(('"new"', '"old"')),
        "at": f'"{instant(chance, at)}"',
        "count": str(whole(12)), "big": str(whole(-(2**63), 2**63)),
        "ratio": repr(chance.uniform(-1e6, 1e6)) if pick() < 0.5 else str(whole(-999, 999) / 8),
        "price": f"{whole(10**6)}.{whole(100):02}", "flag": chance.choice(("true", "false")),
        "fine": f"{whole(-(10**20), 10**20)}.{whole(10**9)}",
        "code": f'"{chance.choice("ABC")}{chance.choice("XYZ")}{whole(10**4)}"',
        "day": f'"{at.date()}"', "unit": str(5 * whole(100)), "uid": f'"{uuid.UUID(int=whole(2**128))}"',
        "tags": json.dumps(chance.sample(("a", "b", "ç", "d,e", 'f"'), whole(4))),
        "nums": json.dumps([chance.choice((1, -2, 2**62, None)) for _ in range(whole(4))]),
        "extra": chance.choice(('{"a": [1, 2.50, null]}', "[]", '"text"', "17", '{"b": {"c": "d e"}}')),
    }  # fmt: skip
    for name in ("count", "big", "ratio", "price", "fine", "flag", "code", "day", "unit", "uid",
                 "tags", "nums", "extra"):  # fmt: skip
        if pick() < 0.15:
            found[name] = "null"
    return found


def instant(chance: random.Random, at: datetime) -> str:
    """An instant in one of the ways that ISO 8601 has."""
    way = chance.randrange(6)
    if way < 3:
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")
    if way == 3:
        return at.isoformat(" ") + f".{chance.randrange(10**6):06}"
    if way == 4:
        zone = timezone(timedelta(minutes=chance.choice((-480, 330, 60))))
        return at.replace(tzinfo=zone).isoformat()
    return at.strftime("%Y-%m-%dT%H:%MZ")


#: What is put in place of a value, whatever its column: other kinds, other sizes, other spellings.
_ANY = ("null", "true", '"12"', "1.5", "1.0", "1E2", "-0", "-0.0", "12e-1", '""', "[]", "{}", '{"a": 1}',
        '[1, "x"]', '["a", "a"]', "[null]", "[[1]]", "0.1", "9223372036854775807", "9223372036854775808",
        "-9223372036854775808", "9007199254740993", "9007199254740993.0", "2147483648", "1e400", "-1e308",
        "1e-400", "0.1000000000000000055511151231257827", "123456789.125", "1e17", "9" * 60, '"x"',
        '"\\u0000"', '"\\ud83d\\ude00"', '"\\u00e9"', '"NaN"', '"2024-02-30"', '"0001-01-01"',
        '"9999-12-31"', '"10000-01-01"', '"2024-02-29T24:00:00Z"', "1e999999999999999999999")  # fmt: skip
#: What is put in place of the values of one column: what breaks its rules, or only nearly.
_OWN = {
    "id": ("null", "-1", "1.0", "0"),
    "name": ("null", '""', '"' + "x" * 40 + '"', '"' + "é" * 41 + '"', '"' + "😀" * 40 + '"', '" "'),
    "kind": ('"gone"', '"none"', "null", '"NEW"', '"new "'),
    "count": ("-1", "9999", "10000", "13", "2147483648", "null"),
    "ratio": ("-1000000", "1000000.5", "-1000000.0000001", "1e6"),
    "price": ("-0.01", "9999999.99", "10000000", "0.005", "1.10", "1.100", "-0.00"),
    "fine": ("1e-10", "1e-11", "9" * 28, "9" * 29, "0.12345678901", "12345678901234567890.0123456789"),
    "flag": ("true", "0", "null"),
    "code": ('"AB"', '"AB12345"', '"ab1"', '"AB1\\n"', '"ÄB1"', '"AB1"'),
    "day": ('"1989-12-31"', '"1990-01-01"', '"2024-2-3"', '"0000-01-01"', '"2023-02-29"', '"2024-02-29"',
            '"2024-01-01T00:00:00Z"', '" 2024-01-01"'),
    "at": ('"2100-01-01T00:00:00Z"', '"2100-01-01T00:00:00.000001Z"', '"2016-12-31T23:59:60Z"', "null",
           '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00+01:00"', '"2024-01-01T00:00:00.1234567Z"',
           '"2024-01-01T00:00:00.1234560Z"', '"2024-01-01"', '"2024-01-01T00:00:00+25:00"',
           '"2024-01-01t00:00:00z"', '"2024-06-30T12:00:00+0530"', '"9999-12-31T23:59:59-01:00"'),
    "tags": ('["a", "b", "c", "d"]', '["a", "a"]', '["a", null]', '["\\ud800"]', '"a"'),
    "nums": ("[1.0]", "[1.5]", "[9223372036854775808]", "[true]", '["1"]', "[1e3]"),
    "unit": ("7", "-5", "0", "5.0"),
    "uid": ('"not-a-uuid"', '"123E4567-E89B-12D3-A456-426614174000"'),
    "extra": ('{"a": 1, "a": 2}', '{"\\ud800": 1}', "null", "1.50", '{"z": 1, "a":  [ 1 , 2 ]}'),
}  # fmt: skip


def other_value(chance: random.Random, tokens: Tokens) -> None:
    """Retype, null or bend one value."""
    name = chance.choice(list(_OWN))
    tokens[name] = chance.choice(_OWN[name])


def any_value(chance: random.Random, tokens: Tokens) -> None:
    """Put any value where another one stands."""
    tokens[chance.choice(list(tokens))] = chance.choice(_ANY)


def dropped(chance: random.Random, tokens: Tokens) -> None:
    """A field is missing."""
    del tokens[chance.choice(list(tokens))]


def swapped(chance: random.Random, tokens: Tokens) -> None:
    """Two fields change their values."""
    a, b = chance.sample(list(tokens), 2)
    tokens[a], tokens[b] = tokens[b], tokens[a]


def renamed(chance: random.Random, tokens: Tokens) -> None:
    """A field is called otherwise, so that its column is absent and the field unknown."""
    name = chance.choice([n for n in tokens if not n.startswith("+")])
    tokens[f"+{name.upper()}2"] = tokens.pop(name)


def unknown(chance: random.Random, tokens: Tokens) -> None:
    """A field more than the contract names; some of these are left out on purpose."""
    name = chance.choice(
        ("mood", "noise", "größe", "a b", "", "_source", "_position", 'x"y', "$", "@.id")
    )
    tokens["+" + name] = chance.choice(
        ('"merry"', "1.50", '{"a": [1]}', "null", "12345678901234567890")
    )


def reordered(chance: random.Random, tokens: Tokens) -> None:
    """The same fields in another order."""
    items = list(tokens.items())
    chance.shuffle(items)
    tokens.clear()
    tokens.update(items)


def flagged(chance: random.Random, tokens: Tokens) -> None:
    """Both halves of what the table's own predicate forbids."""
    tokens.update(flag="true", count="13")


def tombstone(chance: random.Random, tokens: Tokens) -> None:
    """The row says that it is gone, where the contract asks for that."""
    tokens["kind"] = '"gone"'


#: What is done to the values of a record.
VALUES: tuple[Callable[[random.Random, Tokens], None], ...] = (
    other_value, other_value, other_value, any_value, any_value, dropped, swapped, renamed, unknown,
    reordered, flagged, tombstone,
)  # fmt: skip


# Bytes. What is done to a record as it is written, in formats of text.


def flipped(chance: random.Random, raw: bytes) -> bytes:
    """One bit is another."""
    at = chance.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]


def cut(chance: random.Random, raw: bytes) -> bytes:
    """The record breaks off."""
    return raw[: chance.randrange(len(raw))]


def beheaded(chance: random.Random, raw: bytes) -> bytes:
    """The record's beginning is lost."""
    return raw[chance.randrange(len(raw)) :]


def holed(chance: random.Random, raw: bytes) -> bytes:
    """Some bytes are lost from its middle."""
    at = chance.randrange(len(raw))
    return raw[:at] + raw[at + chance.randint(1, 9) :]


def doubled(chance: random.Random, raw: bytes) -> bytes:
    """A part stands there twice."""
    at = chance.randrange(len(raw))
    return raw[: at + chance.randint(1, 30)] + raw[at:]


def inserted(chance: random.Random, raw: bytes) -> bytes:
    """Signs that mean something, or none that text has, are put anywhere."""
    what = chance.choice((b'"', b"'", b",", b";", b"\t", b"\\", b"\r", b"\n", b"\0", b"{", b"}", b"[", b"]",
                          b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xc2\xa0", b":", b"NaN",
                          b"\\ud800", b"\\u0000", b"\r\n", b'""', b" ", b"\x1e"))  # fmt: skip
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + what + raw[at:]


def exchanged(chance: random.Random, raw: bytes) -> bytes:
    """Two bytes change places."""
    found, (a, b) = bytearray(raw), (chance.randrange(len(raw)), chance.randrange(len(raw)))
    found[a], found[b] = found[b], found[a]
    return bytes(found)


def recoded(chance: random.Random, raw: bytes) -> bytes:
    """The record comes in another encoding."""
    text = raw.decode("utf-8", "replace")
    return text.encode(chance.choice(("utf-16-le", "cp1252", "latin-1", "utf-16")), "replace")


def emptied(chance: random.Random, raw: bytes) -> bytes:
    """Nothing is left, or nothing that is seen."""
    return chance.choice((b"", b" ", b"\t \t", b"\r"))


def replaced(chance: random.Random, raw: bytes) -> bytes:
    """Something else stands there."""
    return chance.choice((b"null", b"[]", b"{}", b"17", b'"text"', b"[" + raw + b"]", raw + raw, b"true",
                          b"[" * 300 + b"]" * 300, b'{"x":' * 400 + b"1" + b"}" * 400))  # fmt: skip


def swollen(chance: random.Random, raw: bytes) -> bytes:
    """It is longer than a record may be, or nearly."""
    return raw + b" " * chance.choice((19_000, 20_000, 25_000))


def twice_named(chance: random.Random, raw: bytes) -> bytes:
    """A field stands there twice, where fields have names."""
    return raw.replace(b"{", b'{"kind": "old", ', 1)


#: What is done to the bytes of a record.
BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    flipped, flipped, cut, beheaded, holed, doubled, inserted, inserted, inserted, exchanged, recoded,
    emptied, replaced, swollen, twice_named,
)  # fmt: skip
#: What is done to a record of a document, where the document must stay one.
INSIDE: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw.replace(b": ", b": tru", 1),
    lambda raw: raw.replace(b": ", b": NaN, \"n\": ", 1),
    lambda raw: raw.replace(b", ", b",, ", 1),
    lambda raw: raw.replace(b"{", b'{"kind": 1, "kind": 2, ', 1),
    lambda raw: raw.replace(b'": "', b'": "\xff', 1),
    lambda raw: raw.replace(b'": "', b'": "\xed\xa0\x80', 1),
    lambda raw: raw.replace(b'": "', b'": "\\ud800', 1),
    lambda raw: raw.replace(b'": "', b'": "\\u0000', 1),
    lambda raw: raw.replace(b"{", b'{"x": ' + b"[" * 300 + b"]" * 300 + b", ", 1),
)  # fmt: skip
