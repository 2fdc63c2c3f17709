"""JSON documents: what is a record, what is typed how, and what the document gives its records."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headgate.core.errors import ContractError, RefusedError
from headgate.ingest.discover import discover
from headgate.ingest.readers import base
from tests.unit.ingest import documents, reading
from tests.unit.ingest.documents import STYLES, all_exact, contract, export, read, replayed, written


def expected(message: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The row of a message, by plain Python."""
    return {
        "id": message["id"],
        "type": message["type"],
        "sent_at": datetime.fromisoformat(message["timestamp"]).astimezone(UTC),
        "edited_at": None,
        "ended_at": None,
        "pinned": message["isPinned"],
        "content": message["content"],
        "author_id": message["author"]["id"],
        "roles": message["author"]["roles"],
        "attachments": message["attachments"],
        "reactions": message["reactions"],
        "reply_to": (message["reference"] or {}).get("messageId"),
        "guild_id": document["guild"]["id"],
        "exported_at": datetime.fromisoformat(document["exportedAt"]).astimezone(UTC),
        "_rescued": None,
    }


def parsed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {k: json.loads(row[k]) for k in ("roles", "attachments", "reactions")}


@pytest.mark.parametrize("style", STYLES)
def test_messages_of_an_export(tmp_path: Path, style: str) -> None:
    document = export(300)
    data = written(document, style)
    found = read(tmp_path / "x.json", data, documents.messages())
    assert found.reader.read == 300
    assert found.reader.control_total == (300, 300)
    assert found.reader.content_hash == hashlib.sha256(data).hexdigest()
    assert not found.codes
    rows = [parsed(row) for row in found.values.values()]
    assert rows == [expected(m, document) for m in document["messages"]]
    # Short texts with a lone escape are looked at exactly; the others must be proven.
    assert len(found.proven) > (100 if style == "flush" else 250)


def test_large_exports_in_every_compression(tmp_path: Path) -> None:
    document = export(8000)
    data = written(document, "pretty")
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    for name, stored in (
        ("x.json", data),
        ("x.json.gz", gzip.compress(data, 1)),
        ("x.json.zst", sink.getvalue().to_pybytes()),
    ):
        (tmp_path / name).write_bytes(stored)
        found = reading.read(tmp_path / name, documents.messages())
        assert found.reader.read == len(found.values) == 8000
        assert [row["id"] for row in found.values.values()] == [
            m["id"] for m in document["messages"]
        ]
        reader = base.open_reader(
            documents.messages(), discover([tmp_path / name])[0], reading.SETTINGS
        )
        import duckdb
        import numpy as np

        reader.scan(duckdb.connect())
        assert reader.read == 8000
        wanted = np.array([1, 2, 1500, 4000, 7999, 8000])
        rows = list(reader.exact(wanted))
        assert [r.values and r.values["id"] for r in rows] == [
            document["messages"][p - 1]["id"] for p in wanted
        ]
        reader.close()


@pytest.mark.parametrize("style", STYLES)
def test_records_of_arrays_inside_elements_are_numbered_through(tmp_path: Path, style: str) -> None:
    document = export(50)
    found = read(tmp_path / "x.json", written(document, style), documents.reactions())
    wanted = [
        (m["id"], "7", "2", r["emoji"], "👍", r["count"])
        for m in document["messages"]
        for r in m["reactions"]
    ]
    assert list(found.values) == list(range(1, len(wanted) + 1))
    assert [
        (
            v["message_id"],
            v["author_id"],
            v["channel_id"],
            json.loads(v["emoji"]),
            v["name"],
            v["count"],
        )
        for v in found.values.values()
    ] == wanted


def test_records_below_elements_and_in_the_document(tmp_path: Path) -> None:
    document = export(20)
    data = written(document, "pretty")
    authors = contract(
        {"id": "string", "name": "string", "roles": "json", "at<-$.messages[*].timestamp": "timestamp"},
        records="$.messages[*].author",
    )  # fmt: skip
    found = read(tmp_path / "x.json", data, authors)
    assert [row["name"] for row in found.values.values()] == ["ann"] * 20
    guild = contract({"id": "string", "at<-$.exportedAt": "timestamp"}, records="$.guild")
    row = read(tmp_path / "x.json", data, guild).exact[1]
    assert row.values == {
        "id": "1",
        "at": datetime(2026, 5, 18, 19, 59, 4, 974175, tzinfo=UTC),
        "_rescued": '{"name":"G"}',
    }
    assert [w.detail for w in row.warnings] == ["field 'name' is not in the contract"]
    assert replayed(guild, row) == row
    whole = contract({"g<-@.guild.id": "string", "n<-messageCount": "long", "messages": "json"})
    row = read(tmp_path / "x.json", data, whole).exact[1]
    assert row.values is not None
    assert (row.values["g"], row.values["n"]) == ("1", 20)
    assert json.loads(str(row.values["messages"])) == document["messages"]
    assert json.loads(str(row.values["_rescued"])) == {
        "guild": {"name": "G"}, "channel": {"id": "2"}, "exportedAt": document["exportedAt"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("records", "document"),
    [("$[*]", [{"a": 1}, {"a": 2}]), ("$.x.y[*]", {"w": [1, [2]], "x": {"v": {}, "y": [{"a": 1}, {"a": 2}], "z": 1}, "u": [{}]}),
     ("$['a.b'][*]", {"a.b": [{"a": 1}, {"a": 2}]}), ("$[*].p[*].q[*]", [{"p": [{"q": [{"a": 1}]}, {"q": []}, {}]}, {"p": None}, {"p": [{"q": [{"a": 2}]}]}]),
     ("$[*].r", [{"r": {"a": 1}}, {"r": {"a": 2}}])],
)  # fmt: skip
@pytest.mark.parametrize("style", STYLES)
def test_where_records_may_stand(tmp_path: Path, records: str, document: Any, style: str) -> None:
    of = contract({"a": "long"}, records=records)
    found = read(tmp_path / "x.json", written(document, style), of)
    assert [row["a"] for row in found.values.values()] == [1, 2]
    assert not found.codes


def test_values_of_the_document_behind_the_array(tmp_path: Path) -> None:
    document = {"x": [{"a": 1}, {"a": 2}], "late": {"id": "9"}, "n": 2}
    of = contract({"a": "long", "late<-$.late.id": "string"}, records="$.x[*]", controlTotal="$.n")
    found = read(tmp_path / "x.json", written(document, "compact"), of)
    assert [row["late"] for row in found.values.values()] == ["9", "9"]
    assert not found.proven
    assert found.reader.control_total == (2, 2)
    del document["late"]
    found = read(tmp_path / "x.json", written(document, "compact"), of)
    assert [row["late"] for row in found.values.values()] == [None, None]


@pytest.mark.parametrize(
    ("said", "told"), [(3, 3), (None, None), ("2", None), (True, None), (2.0, None)]
)
def test_what_is_no_whole_number_is_no_control_total(tmp_path: Path, said: Any, told: Any) -> None:
    of = contract({"a": "long"}, records="$.x[*]", controlTotal="$.n")
    found = read(tmp_path / "x.json", json.dumps({"x": [{"a": 1}], "n": said}).encode(), of)
    assert found.reader.control_total == (told, 1)
    assert len(found.values) == 1


def test_unknown_fields_keep_their_nesting(tmp_path: Path) -> None:
    of = contract(
        {"id": "long", "author<-@.author.id": "string", "k<-@.deep.er.k": "long"},
        records="$[*]", ignore=["@.skip", "@.author.roles", "@.deep.not"],
    )  # fmt: skip
    record = (
        '{"id": 1, "skip": {"x": 1}, "z": 1.10, "author": {"id": "7", "roles": [1], "b" : "\\u00e9",'
        ' "a": {"y": [1, {}]}}, "deep": {"not": 1, "er": {"k": 2, "m": null}}}'
    )
    found = read(tmp_path / "x.json", f"[{record}]".encode(), of)
    row = found.exact[1]
    assert row.values == {
        "id": 1, "author": "7", "k": 2,
        "_rescued": '{"author":{"a":{"y":[1,{}]},"b":"\\u00e9"},"deep":{"er":{"m":null}},"z":1.10}',
    }  # fmt: skip
    assert [w.detail for w in row.warnings] == [
        f"field '{name}' is not in the contract"
        for name in ("author.a", "author.b", "deep.er.m", "z")
    ]
    assert replayed(of, row) == row


def test_objects_on_the_way_may_be_missing_or_null_and_nothing_else(tmp_path: Path) -> None:
    of = contract(
        {"v<-@.a.b": "long", "w<-@.a.c.d": "json", "g<-$.g.id": "string"}, records="$.x[*]"
    )
    records = ['{}', '{"a": null}', '{"a": {}}', '{"a": {"b": null, "c": null}}', '{"a": 5}',
               '{"a": []}', '{"a": {"c": "t"}}', '{"a": {"b": 1, "c": {"d": {"e": [1 , 2]}}}}']  # fmt: skip
    data = f'{{"g": {{"id": "1"}}, "x": [{",".join(records)}]}}'.encode()
    found = read(tmp_path / "x.json", data, of)
    nothing = {"v": None, "w": None, "g": "1", "_rescued": None}
    assert {p: found.values[p] for p in (1, 2, 3, 4)} == dict.fromkeys((1, 2, 3, 4), nothing)
    assert found.values[8] == nothing | {"v": 1, "w": '{"e":[1,2]}'}
    assert found.codes == {5: ["type_mismatch"] * 2, 6: ["type_mismatch"] * 2, 7: ["type_mismatch"]}
    assert found.exact[7].reasons[0].detail == "expected an object at a.c, got text 't'"
    wrong = all_exact_of(tmp_path, data.replace(b'{"id": "1"}', b'"1"'), of)
    assert {r.reasons[-1].detail for r in wrong.values()} >= {
        "expected an object at g, got text '1'"
    }
    assert all(r.values is None for r in wrong.values())


def all_exact_of(tmp_path: Path, data: bytes, of: Any) -> dict[int, base.ExactRow]:
    (tmp_path / "x.json").write_bytes(data)
    return all_exact(tmp_path / "x.json", of)


def test_text_columns_that_accept_numbers(tmp_path: Path) -> None:
    from dataclasses import replace

    of = contract({"id": "string", "g<-$.g": "string"}, records="$.x[*]")
    of = replace(of, columns=tuple(replace(c, accepts_numbers=True) for c in of.columns))
    big = 2**70
    records = f'[{{"id": {big}}}, {{"id": "7"}}, {{"id": 1.5}}, {{"id": true}}, {{"id": 0}}, {{"id": 1e3}}]'
    found = read(tmp_path / "x.json", f'{{"g": 12, "x": {records}}}'.encode(), of)
    assert {p: (r["id"], r["g"]) for p, r in found.values.items()} == {
        1: (str(big), "12"), 2: ("7", "12"), 5: ("0", "12")
    }  # fmt: skip
    assert found.codes == {p: ["type_mismatch"] for p in (3, 4, 6)}


def test_half_a_pair_concerns_those_that_take_it(tmp_path: Path) -> None:
    document = export(6)
    document["messages"][4]["content"] = "\ud83d"
    document["messages"][5]["author"]["name"] = "\udc00"
    data = json.dumps(document).encode()
    assert read(tmp_path / "x.json", data, documents.messages()).codes == {
        5: ["lone_surrogate"], 6: ["lone_surrogate"]
    }  # fmt: skip
    assert not read(tmp_path / "x.json", data, documents.reactions()).codes
    authors = contract({"id": "string", "said<-$.messages[*].id": "string"},
                       records="$.messages[*].author", ignore=["@.name", "@.roles"])  # fmt: skip
    assert read(tmp_path / "x.json", data, authors).codes == {6: ["lone_surrogate"]}
    told = {"said<-$.messages[*].content": "string", "count": "long"}
    quoted = contract(told, records="$.messages[*].reactions[*]", ignore=["@.emoji"])
    assert read(tmp_path / "x.json", data, quoted).codes == {3 + 1: ["lone_surrogate"]}


def test_a_column_cannot_take_what_holds_the_records(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"[]")
    of = contract({"all<-$.x": "json"}, records="$.x[*]")
    with pytest.raises(ContractError, match="all takes the value that holds the records"):
        reading.read(tmp_path / "x.json", of)


def test_a_refused_record_is_read_again_from_its_raw_text(tmp_path: Path) -> None:
    """The raw text of one holds what a clean run needs, and nothing of other records."""
    document = export(6)
    for of in (documents.messages(), documents.reactions()):
        clean = all_exact_of(tmp_path, written(document, "pretty"), of)
        for row in clean.values():
            assert replayed(of, row) == row
            assert len(json.loads(row.raw)["messages"]) == 1
    first = all_exact_of(tmp_path, written(document, "pretty"), documents.reactions())[1]
    assert first.raw.startswith(
        '{"channel":{"id":"2"},"messages":[{"id":"1000000000000000001","author":{"id":"7"},"reactions":[{\n'
    )
    strict = contract({**documents.MESSAGES, "content": "long"}, records="$.messages[*]",
                      ignore=documents.IGNORED)  # fmt: skip
    refused = all_exact_of(tmp_path, written(document, "tabs"), strict)
    mended = all_exact_of(tmp_path, written(document, "tabs"), documents.messages())
    for position, row in refused.items():
        assert [r.code for r in row.reasons] == ["type_mismatch"]
        again = replayed(documents.messages(), row)
        assert again.values == mended[position].values


def test_a_document_that_says_a_thing_twice_is_refused(tmp_path: Path) -> None:
    of = contract({"a": "long", "g<-$.g": "long"}, records="$.x[*]")
    path = tmp_path / "x.json"
    found = read(path, b'{"g": 1, "g": 2, "x": [{"a": 1}]}', of)
    assert found.codes == {1: ["duplicate_field"]}
    for tail in (b'"g": 2', b'"x": [{"a": 2}]'):
        path.write_bytes(b'{"g": 1, "x": [{"a": 1}], ' + tail + b"}")
        with pytest.raises(RefusedError, match=r"x\.json: .*appears twice.*nothing of the file"):
            reading.read(path, of)


def test_byte_order_mark(tmp_path: Path) -> None:
    found = read(
        tmp_path / "x.json", b"\xef\xbb\xbf" + written(export(3), "pretty"), documents.messages()
    )
    assert len(found.values) == 3
    assert found.reader.notes == ("a byte order mark at the beginning was skipped",)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    import duckdb
    import numpy as np

    path = tmp_path / "x.json"
    path.write_bytes(written(export(10), "pretty"))
    reader = base.open_reader(documents.messages(), discover([path])[0], reading.SETTINGS)
    reading.proven_rows(duckdb.connect(), reader)
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(RefusedError, match=r"x\.json was changed while it was read"):
        list(reader.exact(np.array([3])))
    reader.close()
