"""JSON documents for tests: contracts of nested records, and a way to read them both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from headgate.contracts.model import Contract, SourceSpec
from headgate.core.settings import Settings
from headgate.ingest.documents.document import Document
from headgate.ingest.documents.units import Units
from headgate.ingest.readers.base import ExactRow, raw_reader
from tests.unit.ingest import reading

MESSAGES = {
    "id": "string",
    "type": "string",
    "sent_at<-timestamp": "timestamp",
    "edited_at<-timestampEdited": "timestamp",
    "ended_at<-callEndedTimestamp": "timestamp",
    "pinned<-isPinned": "boolean",
    "content": "string",
    "author_id<-@.author.id": "string",
    "roles<-@.author.roles": "json",
    "attachments": "json",
    "reactions": "json",
    "reply_to<-@.reference.messageId": "string",
    "guild_id<-$.guild.id": "string",
    "exported_at<-$.exportedAt": "timestamp",
}
#: What a message holds that the columns above leave out on purpose.
IGNORED = [f"@.author.{name}" for name in
           ("name", "discriminator", "nickname", "color", "isBot", "avatarUrl")]  # fmt: skip
IGNORED += ["@.embeds", "@.stickers", "@.mentions", "@.inlineEmojis", "@.interaction",
            "@.reference", "@.forwardedMessage"]  # fmt: skip
REACTIONS = {
    "message_id<-$.messages[*].id": "string",
    "author_id<-$.messages[*].author.id": "string",
    "channel_id<-$.channel.id": "string",
    "emoji<-@.emoji": "json",
    "name<-@.emoji.name": "string",
    "count": "long",
}


def contract(columns: dict[str, str], **options: Any) -> Contract:
    """A contract of JSON documents; ``name<-place`` says where a column's value stands."""
    return replace(reading.contract(columns, "json"), source=SourceSpec("json", None, options))


def messages(**options: Any) -> Contract:
    """The messages of an export, nothing of them unknown."""
    given = {"records": "$.messages[*]", "controlTotal": "$.messageCount", "ignore": IGNORED}
    return contract(MESSAGES, **{**given, **options})


def reactions() -> Contract:
    """The reactions to the messages of an export."""
    return contract(REACTIONS, records="$.messages[*].reactions[*]")


def export(count: int, *, tail: dict[str, Any] | None = None) -> dict[str, Any]:
    """An export of ``count`` messages, every third with reactions."""
    found = [
        {
            "id": str(10**18 + number),
            "type": "Default" if number % 5 else "Reply",
            "timestamp": f"2026-05-18T22:{number % 60:02}:50.{number % 7 + 1}+03:00",
            "timestampEdited": None,
            "isPinned": number % 2 == 0,
            "content": '{"a": [1, "}, {"]} é \n ' + "\\" * (number % 3) + str(number),
            "author": {"id": "7", "name": "ann", "roles": [{"id": "1", "name": "x"}] * (number % 3)},
            "attachments": [],
            "reactions": [{"emoji": {"id": "", "name": "👍"}, "count": n + 1}
                          for n in range(number % 3)],
            "reference": {"messageId": str(10**18), "channelId": None} if number % 5 else None,
        }
        for number in range(count)
    ]  # fmt: skip
    head = {"guild": {"id": "1", "name": "G"}, "channel": {"id": "2"},
            "exportedAt": "2026-05-18T22:59:04.974175+03:00"}  # fmt: skip
    return {**head, "messages": found, **({"messageCount": count} if tail is None else tail)}


def written(document: Any, style: str) -> bytes:
    """The document as text in one of ``STYLES``."""
    return json.dumps(document, ensure_ascii=False, **STYLES[style]).encode()


STYLES: dict[str, dict[str, Any]] = {
    "pretty": {"indent": 2},
    "compact": {"separators": (",", ":")},
    "spaced": {},
    "tabs": {"indent": "\t"},
    "flush": {"indent": 0},
}


def read(path: Path, data: bytes, of: Contract, settings: Settings = reading.SETTINGS) -> Any:
    """Write and read ``data``; demand that what was proven is what the exact look says."""
    path.write_bytes(data)
    found = reading.read(path, of, settings)
    exact = all_exact(path, of, settings)
    assert sorted([*found.proven, *found.exact]) == sorted(exact)
    for position, row in found.exact.items():
        assert row == exact[position]
    for position, values in found.proven.items():
        row = exact[position]
        assert row.values is not None, (values, row)
        assert not row.warnings
        assert list(values) == list(row.values)
        assert all(reading.same(values[k], row.values[k]) for k in values), (values, row)
    return found


def looked_at(data: bytes, of: Contract, settings: Settings = reading.SETTINGS) -> list[ExactRow]:
    """The exact look at every record of ``data``, and at what is wrong with it as a whole; without
    a file or an engine, so that thousands of documents can be tried."""
    units = Units(of, settings)
    document = Document([data], units.places, settings.max_record_bytes, units.objection)
    document.open()
    rows = [units.whole(document)] if document.whole else []
    found = [
        (chunk.data[start:end], chunk.ended or end < chunk.ends[-1], chunk.size)
        for chunk in document.chunks()
        for start, end in zip(chunk.starts, chunk.ends, strict=True)
    ]
    around = units.document(document)
    for raw, ended, size in found:
        rows += units.rows(len(rows) + 1, around, raw, ended=ended, size=size)
    if document.damage:
        rows.append(ExactRow(len(rows) + 1, "", None, (document.damage,)))
    return rows


def all_exact(
    path: Path, of: Contract, settings: Settings = reading.SETTINGS
) -> dict[int, ExactRow]:
    """What the exact look says of every record."""
    import duckdb
    import numpy as np

    from headgate.ingest.discover import discover
    from headgate.ingest.readers.base import open_reader

    reader = open_reader(of, discover([path])[0], settings)
    try:
        con = duckdb.connect()
        scan = reader.scan(con, careful=True)
        assert con.execute(f"SELECT count(*) FROM {scan.relation}").fetchall() == [(0,)]
        rows = list(reader.exact(np.arange(1, reader.read + 1)))
        assert [row.position for row in rows] == list(range(1, reader.read + 1))
        return {row.position: row for row in rows}
    finally:
        reader.close()


def replayed(of: Contract, row: ExactRow, settings: Settings = reading.SETTINGS) -> ExactRow:
    """What the raw text of ``row`` says when it is read again."""
    return raw_reader(of, settings)(row.position, row.raw.encode("utf-8", "surrogatepass"))
