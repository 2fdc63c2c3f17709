"""Records as files: JSON lines and documents, delimited text; and what damage does to them."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tests.reliability.fuzz.delimited import Dialect
from tests.reliability.fuzz.making import BYTES, INSIDE, Tokens
from tests.reliability.fuzz.promises import Promise

PLAIN = Dialect()
ENDINGS = {"plain": "", "gzip": ".gz", "members": ".gz", "zstd": ".zst"}


def packed(data: bytes, how: str) -> bytes:
    """The file's bytes, compressed; ``members`` is several gzip files in a row."""
    if how == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if how == "members":
        half = len(data) // 2
        return gzip.compress(data[:half], 1, mtime=0) + gzip.compress(data[half:], 9, mtime=0)
    return pa.compress(data, codec="zstd", asbytes=True) if how == "zstd" else data


def lines(
    chance: random.Random, promise: Promise, records: Sequence[Tokens], damaged: set[int]
) -> bytes:
    """A file of JSON lines, the bytes of some of whose records are damaged."""
    tight, end = chance.random() < 0.3, chance.choice((b"\n", b"\n", b"\r\n"))
    written = []
    for index, tokens in enumerate(records):
        raw = as_object(chance, promise, tokens, tight=tight)
        for _ in range(chance.randint(1, 2) if index in damaged else 0):
            raw = chance.choice(BYTES)(chance, raw or b" ")
        written.append(raw)
    return _joined(chance, written, end)


def document(
    chance: random.Random, promise: Promise, records: Sequence[Tokens], damaged: set[int]
) -> tuple[bytes, list[bytes], dict[str, Any], bool]:
    """A JSON document, its elements, what stands around them, and whether its total is right."""
    elements = []
    for index, tokens in enumerate(records):
        raw = as_object(chance, promise, tokens, tight=False)
        elements.append(chance.choice(INSIDE)(raw) if index in damaged else raw)
    feed, bare = chance.choice((b"\n", b"\n  ", b"\r\n")), promise.source["records"] == "$[*]"
    body = b"[" + feed + (b"," + feed).join(elements) + feed + b"]"
    if bare:
        return body + b"\n", elements, {}, True
    around: dict[str, Any] = {"source": {"region": chance.choice(("north", "süd"))}}
    right = chance.random() < 0.9
    total = len(elements) if right else len(elements) + 1
    head = b'{"source": ' + json.dumps(around["source"]).encode() + b', "items": '
    return head + body + b', "total": %d}' % total, elements, around, right


def as_object(chance: random.Random, promise: Promise, tokens: Tokens, *, tight: bool) -> bytes:
    """A record as a JSON object, nested as the contract's paths say."""
    places = {c.name: c.steps for c in promise.columns if c.of_record}
    tree: dict[str, Any] = {}
    for name, token in tokens.items():
        if not name.startswith("+") and name not in places:
            continue
        steps = (name[1:],) if name.startswith("+") else places[name]
        node = tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node[steps[-1]] = token
    if "who" in tree and chance.random() < 0.05:
        tree["who"] = chance.choice(
            ("5", "null", "[]", {**tree["who"], "nick": '"x"', "mood": "1"})
        )
    comma, colon = (",", ":") if tight else (", ", ": ")

    def text(node: Any) -> str:
        if isinstance(node, str):
            return node
        parts = [json.dumps(k, ensure_ascii=False) + colon + text(v) for k, v in node.items()]
        return "{" + comma.join(parts) + "}"

    return text(tree).encode()


def delimited(
    chance: random.Random, promise: Promise, records: Sequence[Tokens], damaged: set[int]
) -> bytes:
    """A file of delimited text."""
    dialect = Dialect.of(promise.source)
    names = [c.name for c in promise.columns]
    heads = {c.name: c.steps[0] for c in promise.columns}
    if dialect.header:
        chance.shuffle(names)
        if chance.random() < 0.3:
            names.remove(chance.choice([n for n in names if n not in promise.key]))
        if chance.random() < 0.3:
            names.insert(chance.randrange(len(names)), "+mood")
        if "noise" in promise.source.get("ignore", ()):
            names.append("+noise")
    rows = []
    for tokens in records:
        if "+mood" in names:
            tokens = {**tokens, "+mood": chance.choice(('"merry"', "null", "5"))}
        rows.append([field_of(tokens.get(n, "null"), n, promise, dialect) for n in names])
    end = chance.choice((b"\n", b"\n", b"\r\n"))
    sign = dialect.delimiter.encode()
    written = []
    for index, row in enumerate(rows):
        raw = sign.join(quoted(chance, text, null, dialect) for text, null in row)
        for _ in range(chance.randint(1, 2) if index in damaged else 0):
            raw = chance.choice(BYTES)(chance, raw or b" ")
        written.append(raw)
    head = sign.join(heads.get(n, n[1:]).encode() for n in names) + end if dialect.header else b""
    return head + _joined(chance, written, end)


def field_of(token: str, name: str, promise: Promise, dialect: Dialect = PLAIN) -> tuple[str, bool]:
    """A value's text in a field, and whether it means NULL."""
    if token == "null":
        return "", True
    column = next((c for c in promise.columns if c.name == name), None)
    kind = column.kind if column else "string"
    if token.startswith('"'):
        # The value of a text; of a nested column the JSON text itself.
        return (token if kind == "json" else json.loads(token)), False
    number = token[:1] in "-0123456789" and not kind.startswith("array") and kind != "json"
    return (token.replace(".", dialect.decimal) if number else token), False


def quoted(chance: random.Random, text: str, null: bool, dialect: Dialect = PLAIN) -> bytes:
    """A field as it is written: in quotes where it needs them, and sometimes where not."""
    special = {dialect.delimiter, dialect.quote, "\n", "\r"} | ({dialect.escape} - {""})
    if not null and (special & set(text) or text in dialect.nulls or chance.random() < 0.1):
        q = dialect.quote
        if dialect.escape:
            e = dialect.escape
            text = text.replace(e, e + e).replace(q, e + q)
        else:
            text = text.replace(q, q + q)
        text = q + text + q
    elif null and chance.random() < 0.3:
        text = chance.choice(dialect.nulls)
    return text.encode("utf-8", "surrogatepass")


def _joined(chance: random.Random, written: list[bytes], end: bytes) -> bytes:
    """The records with their line ends; some ends are missing, some are there twice."""
    parts = []
    for index, raw in enumerate(written):
        last = index == len(written) - 1
        way = chance.random()
        parts.append(raw)
        if (last and way < 0.3) or way < 0.002:
            continue
        parts.append(end * 2 if way > 0.998 else end)
    return b"".join(parts)


def seed_of(*parts: object) -> int:
    """A seed for a part of a case, the same in every process."""
    return zlib.crc32(repr(parts).encode())
