"""What stands around records: hasty reading gives what careful reading gives, or says it cannot."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from headgate.contracts.mapping import Location, Mapping
from headgate.ingest.documents.document import Document

WANTED = Mapping(
    record=Location(0, ("guild",)),
    columns={"id": Location(0, ("guild", "id")), "n": Location(0, ("n",))},
)
TRICKS = {
    # An inner array that ends as far in as the outer one should, and what would pass for the rest.
    "an array further in ends there": '{\n  "x": [\n{"a": [\n  ], "guild": {"id": "9"}, "n": 9}\n  ],\n'
    '  "guild": {"id": "1"}, "n": 3\n}',
    "nothing in it": '{\n  "x": [],\n  "guild": {"id": "1"},\n  "y": [\n  1\n  ], "n": 3\n}',
    "nothing but a line break in it": '{\n  "x": [\n  ],\n  "guild": {"id": "1"}, "n": 3\n}',
    "not indented": '{"x": [\n1,\n2],\n"guild": {"id": "1"}, "y": [1,\n2\n], "n": 3}',
    "carriage returns": '{\r\n  "x": [\r\n    1\r\n  ],\r\n  "guild": {"id": "1"},\r\n  "n": 3\r\n}',
    "further out than its field": '{\n    "x": [\n  1\n  ],\n    "guild": {"id": "1"}, "n": 3\n}',
    "two fields on a line": '{\n  "y": 1, "x": [\n    "\\n  ]"\n  ],\n  "guild": {"id": "1"}, "n": 3\n}',
}


def opened(data: bytes, *, hasty: bool, block: int) -> Document:
    blocks = [data[at : at + block] for at in range(0, len(data), block)]
    document = Document(blocks, WANTED, 1 << 20, lambda text, value: None, hasty=hasty)
    document.open()
    return document


def as_read(data: bytes, block: int = 7, whole: Any = None) -> Any:
    """The frame as the reader gets it: in haste if that shows no damage.

    Damage in an array that nobody asked for may pass unseen, but changes nothing beside it.
    """
    hasty, careful = (opened(data, hasty=h, block=block) for h in (True, False))
    if not hasty.damage and not careful.damage:
        assert hasty.value == careful.value
    if not hasty.damage and careful.damage:
        assert whole is not None
        assert (hasty.value["guild"], hasty.value["n"]) == (whole["guild"], whole["n"])
    return careful.damage or careful.value


@pytest.mark.parametrize("text", TRICKS.values(), ids=list(TRICKS))
def test_haste_never_gives_another_frame(text: str) -> None:
    document = json.loads(text)
    found = as_read(text.encode())
    assert (found["guild"], found["n"]) == (document["guild"], document["n"])


@pytest.mark.parametrize("seed", range(20))
def test_haste_on_damaged_and_whole_documents(seed: int) -> None:
    chance = random.Random(seed)
    rows = [{"a": [chance.randrange(9)], "text": '\n  ]"'} for _ in range(chance.randrange(5))]
    fields = [("rows", rows), ("guild", {"id": str(seed)}), ("n", seed), ("more", [[1], []])]
    chance.shuffle(fields)
    indent = chance.choice([None, 0, 1, 2])
    data = json.dumps(dict(fields), indent=indent).encode()
    whole = as_read(data, chance.choice([1, 5, 100]))
    assert (whole["guild"], whole["n"]) == ({"id": str(seed)}, seed)
    for _ in range(40):
        cut = chance.randrange(len(data))
        as_read(data[:cut])
        sign = bytes([chance.choice(b'[]{}",\n x')])
        as_read(data[:cut] + sign + data[cut + 1 :], whole=dict(fields))


def test_haste_passes_over_indented_arrays() -> None:
    text = json.dumps({"rows": [{"a": 1}] * 50, "guild": {"id": "1"}, "n": 2}, indent=2)
    # What stands in an array that nobody asked for is not looked at: a sign that would stop
    # whoever cuts it shows which way was gone.
    data = text.replace('"a": 1', '"a": 1]]]]', 1).encode()
    assert opened(data, hasty=True, block=64).value == {"rows": [], "guild": {"id": "1"}, "n": 2}
