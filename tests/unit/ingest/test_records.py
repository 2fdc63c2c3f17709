"""Cutting documents into records: random documents come apart as the standard library reads them."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest

from headgate.contracts.mapping import Location, Mapping
from headgate.ingest.documents import feed, records
from headgate.ingest.documents.document import Document
from headgate.ingest.documents.structure import Skipper, balanced, split

PLACES = Mapping(
    (("messages",),),
    Location(1, ()),
    {"guild": Location(0, ("guild", "id")), "late": Location(0, ("late",))},
    (),
    Location(0, ("count",)),
)


def cut(
    data: bytes, block: int, judge: records.Judge | None = None, places: Mapping = PLACES
) -> tuple[Document, list[bytes]]:
    """The units of ``data``, which comes in blocks of a size."""
    blocks = (data[at : at + block] for at in range(0, len(data), block))
    document = Document(blocks, places, 1 << 24, lambda text, value: None, judge)
    document.open()
    found: list[bytes] = []
    for chunk in document.chunks():
        assert chunk.first == len(found) + 1
        assert (chunk.starts < chunk.ends).all()
        assert data[chunk.offset : chunk.offset + len(chunk.data)] == chunk.data
        found += [chunk.data[s:e] for s, e in zip(chunk.starts, chunk.ends, strict=True)]
    assert document.count == len(found)
    return document, found


def anything(rng: random.Random, depth: int) -> Any:
    """Some JSON value, full of signs that mean something outside strings."""
    kind = rng.randrange(9 if depth < 4 else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([1, -2, 0.5, 1e10, 12345678901234567890])
    if kind <= 5:
        return "".join(rng.choices('ab{}[]",:\\\n é', k=rng.randrange(8)))
    if kind == 6:
        return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {
        rng.choice("abc") + str(i): anything(rng, depth + 1) for i in range(rng.randrange(4))
    }  # fmt: skip


def elements(rng: random.Random) -> list[Any]:
    """Alike for the most part, as a program writes them, or nothing like each other."""
    count = rng.randrange(12)
    if rng.random() < 0.3:
        return [anything(rng, 1) for _ in range(count)]
    return [
        {"id" if rng.random() < 0.9 else "x": n}
        | {name: anything(rng, 1) for name in "pq" if rng.random() < 0.8}
        for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_random_documents_in_random_layouts(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(feed, "_WINDOW", 16)
    for _ in range(120):
        monkeypatch.setattr(records, "CHUNK", rng.choice([50, 200, 1000]))
        found = elements(rng)
        document = {
            "guild": {"name": anything(rng, 3), "id": anything(rng, 3)},
            "other": anything(rng, 1),
            "messages": found,
            "late": anything(rng, 1),
            "count": len(found),
        }
        text = json.dumps(
            document,
            indent=rng.choice([None, None, 0, 1, 2, "\t"]),
            separators=rng.choice(
                [None, (",", ":"), (" , ", " : "), (",\n", ": "), (",\r\n", ":")]
            ),
            ensure_ascii=rng.random() < 0.5,
        )
        judge = balanced_only if rng.random() < 0.5 else None
        read, units = cut(text.encode(), rng.choice([5, 50, 1000]), judge)
        assert [json.loads(unit) for unit in units] == found, text
        assert read.damage is None and read.complete
        assert read.value["guild"] == {
            "name": None,
            "id": document["guild"]["id"],
        } or not isinstance(document["guild"]["name"], str | int | float | None)
        assert read.value["late"] == document["late"]
        assert read.value["count"] == len(found)


def balanced_only(data: bytes, starts: Any, ends: Any) -> tuple[Any, Any]:
    return balanced(data, starts, ends), np.full(len(starts), -1)


def test_lines_that_look_like_the_end_of_an_element() -> None:
    """Indented by chance as the elements are, inside them: the cut is the true one all the same."""
    inner = "[\n    {\n      1\n    },\n    {\n      2\n    }\n  ]"
    element = '{\n      "a": ' + inner.replace("1", '"x": 1').replace("2", '"x": 2') + "\n    }"
    plain = '{\n      "a": []\n    }'
    for order in ([plain, element, plain], [element, plain], [element], [element] * 5 + [plain]):
        text = '{"messages": [\n    ' + ",\n    ".join(order) + "\n  ]}"
        for judge in (None, balanced_only):
            _, units = cut(text.encode(), 1000, judge)
            assert [u.decode() for u in units] == order


def random_text(rng: random.Random) -> bytes:
    return "".join(rng.choices('ab{}[]",\\', k=rng.randrange(40))).encode()


def whole(text: bytes) -> bool:
    """Whether brackets and quotes say that the text is one object or array, sign by sign."""
    depth, inside, escaped = 0, False, False
    for at, sign in enumerate(text):
        if escaped:
            escaped = False
        elif sign == 92:
            escaped = True
        elif sign == 34:
            inside = not inside
        elif not inside and sign in b"{[":
            depth += 1
        elif not inside and sign in b"}]":
            depth -= 1
            if depth <= 0 and at + 1 < len(text):
                return False
        if not depth:
            return at + 1 == len(text) and at > 0 and not inside
    return False


def test_balance_is_told_piece_by_piece() -> None:
    rng = random.Random(1)
    seen = 0
    for _ in range(300):
        pieces = [
            json.dumps(anything(rng, 0)).encode() if rng.random() < 0.5 else random_text(rng)
            for _ in range(rng.randrange(1, 8))
        ]
        # A backslash at a piece's end would escape the next one's first sign, here as in a file.
        pieces = [p.rstrip(b"\\") for p in pieces]
        data, starts, ends = b"", [], []
        for piece in pieces:
            starts.append(len(data))
            data += piece
            ends.append(len(data))
            data += rng.choice([b",", b",\n ", b" "])
        found = balanced(data, np.array(starts), np.array(ends))
        expected = [bool(p) and p[:1] in b"{[" and whole(p) for p in pieces]
        assert found.tolist() == expected, pieces
        seen += sum(expected)
    assert seen > 150


def test_values_are_followed_through_any_blocks() -> None:
    rng = random.Random(2)
    for _ in range(300):
        value = json.dumps(anything(rng, 0), ensure_ascii=rng.random() < 0.5).encode()
        data = value + rng.choice([b",", b"]", b" }"])
        skipper, at = Skipper(), 0
        while True:
            piece = data[at : at + rng.randrange(1, 9)]
            end = skipper.end(piece)
            if end >= 0:
                assert at + end == len(value), data
                break
            at += len(piece)
            assert at <= len(data)


def test_elements_without_lines_are_found_as_long_as_they_follow_each_other() -> None:
    parts = [b'{"a":"}],{\\\\"}', b"[1,[2]]", b"{}", b'{"b":{"c":[]}}']
    starts, ends = split(b",".join([*parts, b"{"]), b",")
    data = b",".join(parts)
    assert [data[s:e] for s, e in zip(starts, ends, strict=True)] == parts
    starts, ends = split(b",".join([*parts, b"1", b"{}"]), b",")
    assert len(starts) == 3  # what follows the fourth is no bracket
