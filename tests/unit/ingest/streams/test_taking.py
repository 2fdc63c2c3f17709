"""Messages of a batch: each judged as it would be alone, told by its place, none lost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.contracts.load import load_all
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.ingest.readers.base import Reason, raw_reader
from headgate.ingest.streams.source import Messages
from headgate.ingest.streams.taking import Taking
from headgate.lake.engines.duckdb import connect
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.orchestration.project import Project
from headgate.quality.quarantine import COLUMNS
from tests.unit.orchestration.streaming.topics import DATASET, message


@pytest.fixture
def session(project: Project) -> Iterator[Session]:
    project.lake.make()
    with connect(project.settings) as con:
        yield Session(project.lake, con, ids.new_id())


def batch(values: list[Any], partitions: int = 3) -> Messages:
    """The values, dealt to partitions."""
    count = len(values)
    return Messages(
        "t", [i % partitions for i in range(count)], [1000 + i // partitions for i in range(count)],
        [f"k{i}".encode() for i in range(count)], values, list(range(count)),
        [(("trace", b"x"), ("raw", b"\xff")) for _ in range(count)], {},
    )  # fmt: skip


def taken(session: Session, contract: Contract, messages: Messages, **other: Any) -> Any:
    """The rows and the refused messages by place, and the account."""
    intake = Taking(session, contract, "t", **other).take(messages, ids.new_id())
    columns = contract.table_columns
    found = session.con.execute(
        f"SELECT * FROM {relation([f.as_data_file() for f in intake.staged], columns)}"
    )
    names = [d[0] for d in found.description]
    good = {
        (r["_source"], r["_position"]): r
        for r in (dict(zip(names, v, strict=True)) for v in found.fetchall())
    }
    bad = {}
    if intake.refused_rows.files:
        files = [f.as_data_file() for f in intake.refused_rows.files]
        for source, position, raw, codes in session.con.execute(
            f"SELECT source, position, raw, codes FROM {relation(files, COLUMNS)}"
        ).fetchall():
            bad[source, position] = (raw, codes)
    return intake, good, bad


def values_of(seed: int, count: int) -> list[bytes | None]:
    """Good and bad values of every kind that a topic may hold, in disorder."""
    chance = random.Random(seed)
    makers: list[Any] = [
        lambda n: message(n),
        lambda n: message(n, text="é\U0001f600\\\"\n\t"),
        lambda n: message(n, text=chance.choice(["", "null", "a" * 2000, "\u2028", "\x00"])),
        lambda n: message(n, edited_at="2026-01-05T10:00:01.5+02:00"),
        lambda n: message(n, sequence=chance.choice([-1, 2**63, 1.0, True, "1", None, 10**30])),
        lambda n: message(n, sent_at=chance.choice(["2026-02-30T00:00:00Z", 7, None, "x"])),
        lambda n: message(n, unknown={"a": [1]}),
        lambda n: json.dumps(json.loads(message(n)), indent=2).encode(),
        lambda n: message(n) + b"\n",
        lambda n: b" " + message(n),
        lambda n: message(n)[:-5],
        lambda n: message(n) + message(n + 1),
        lambda n: message(n) + b"\n" + message(n + 1),
        lambda n: b"\xef\xbb\xbf" + message(n),
        lambda n: message(n).replace(b"no", b"\xff"),
        lambda n: None,
        lambda n: b"",
        lambda n: b"\n",
        lambda n: b"null",
        lambda n: b"[1]",
        lambda n: b'{"message_id": "a", "message_id": "b"}',
    ]  # fmt: skip
    weights = [chance.choice([1, 40]) for _ in makers]
    return [maker(n) for n, maker in enumerate(chance.choices(makers, weights, k=count))]


@pytest.mark.parametrize("seed", range(6))
def test_each_message_of_a_block_is_judged_as_it_is_alone(
    session: Session, project: Project, seed: int
) -> None:
    contract = project.contracts[DATASET]
    messages = batch(values_of(seed, 300))
    intake, good, bad = taken(session, contract, messages)
    assert intake.read == len(messages) == len(good) + len(bad)
    assert intake.refused_rows.rows == len(bad)
    alone = raw_reader(contract, project.settings)
    for index, value in enumerate(messages.values):
        place = (f"t/{messages.partitions[index]}", messages.offsets[index])
        if value is None:
            assert bad[place] == ("", ["no_value"])
            continue
        row = alone(1, value)
        if place in good:
            assert row.values is not None
            assert {c.name: good[place][c.name] for c in contract.columns} == {
                c.name: row.values[c.name] for c in contract.columns
            }
            assert good[place]["_rescued"] == row.values["_rescued"]
        else:
            raw, codes = bad[place]
            assert raw == row.raw
            if row.values is None:
                assert codes == list(dict.fromkeys(r.code for r in row.reasons))


def test_columns_are_taken_from_around_the_value(session: Session, project: Project) -> None:
    path = project.contracts[DATASET].path
    text = path.read_text().replace("codec: json}", "codec: json, envelope: true}")
    for name, place, kind in (
        ("message_key", "$.key", "string"), ("at", "$.timestamp", "integer"),
        ("trace", "$.headers.trace", "string"), ("bytes", "$.headers.raw", "string"),
    ):  # fmt: skip
        text = text.replace(
            "      - name: sequence\n",
            f"      - name: {name}\n        physicalName: {place}\n        logicalType: {kind}\n"
            "        classification: internal\n        description: Around it.\n"
            "      - name: sequence\n",
        )
    path.write_text(text)
    contract = load_all(project.settings.contracts_path)[DATASET]
    values = [*(message(n) for n in range(50)), None, b"bad", message(1, sequence=-1)]
    _, good, bad = taken(session, contract, batch(values))
    assert len(good) == 50
    row = good["t/1", 1000]
    assert (row["message_key"], row["at"], row["trace"], row["bytes"]) == ("k1", 1, "x", "\\xff")
    assert row["message_id"] == "m1" and row["_rescued"] is None
    assert {tuple(codes) for _, codes in bad.values()} == {
        ("no_value",), ("malformed_json",), ("sequence.minimum",)
    }  # fmt: skip
    (raw,) = (raw for raw, codes in bad.values() if codes == ["sequence.minimum"])
    told = json.loads(raw)
    assert (told["key"], told["timestamp"], told["value"]["sequence"]) == ("k52", 52, -1)


def test_what_cannot_be_decoded_is_set_aside_with_its_bytes(
    session: Session, project: Project
) -> None:
    def decode(values: Any) -> list[Any]:
        return [
            Reason("undecodable", None, "no such schema") if v == b"\x00\xff" else v for v in values
        ]

    _, good, bad = taken(
        session,
        project.contracts[DATASET],
        batch([message(1), b"\x00\xff", message(2)]),
        decode=decode,
    )
    assert len(good) == 2
    assert bad == {("t/1", 1000): ("\x00\\xff", ["undecodable", "raw_incomplete"])}
