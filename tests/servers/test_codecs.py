"""Avro and Protobuf in the wire format of a real registry: every value as JSON, exactly, or a reason."""

from __future__ import annotations

import datetime as dt
import io
import json
import socket
from decimal import Decimal
from typing import Any

import fastavro
import pytest

from headgate.ingest.readers.base import Reason
from headgate.ingest.streams import codecs
from headgate.ingest.streams.registry import Registry, RegistryError, Schema
from tests.servers.schema_registry import SchemaRegistry

INNER = {"type": "record", "name": "Place", "namespace": "chat", "fields": [
    {"name": "at", "type": {"type": "int", "logicalType": "date"}}, {"name": "x", "type": "bytes"},
]}  # fmt: skip
OUTER = {"type": "record", "name": "Message", "namespace": "chat", "fields": [
    {"name": "id", "type": "long"},
    {"name": "text", "type": ["null", "string"]},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "edited", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "clock", "type": {"type": "long", "logicalType": "time-micros"}},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9}},
    {"name": "raw", "type": "bytes"},
    {"name": "key", "type": {"type": "fixed", "name": "Key", "size": 16, "logicalType": "uuid"}},
    {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["PLAIN", "REPLY"]}},
    {"name": "score", "type": "double"},
    {"name": "small", "type": "float"},
    {"name": "either", "type": ["null", "long", "string", "chat.Place", {
        "type": "record", "name": "Other", "fields": [{"name": "y", "type": "int"}]}]},
    {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
    {"name": "places", "type": {"type": "map", "values": "chat.Place"}},
    {"name": "on", "type": "boolean"},
]}  # fmt: skip
LEAST: dict[str, Any] = {
    **{"id": -(2**63), "text": None, "at": dt.datetime(1, 1, 1, tzinfo=dt.UTC), "edited": None},
    **{"day": dt.date(1, 1, 1), "clock": dt.time(0), "price": Decimal("-0.000000001"), "raw": b""},
    **{"key": bytes(16), "kind": "PLAIN", "score": 5e-324, "small": 0.1, "either": None},
    **{"tags": [], "places": {}, "on": False},
}
MOST: dict[str, Any] = {
    **{"id": 2**63 - 1, "text": 'é"\n\0😀', "kind": "REPLY", "raw": bytes(range(256)), "on": True},
    **{"at": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)},
    **{"edited": dt.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=dt.UTC)},
    **{"day": dt.date(9999, 12, 31), "clock": dt.time(23, 59, 59, 999999)},
    **{"price": Decimal("9" * 29 + "." + "9" * 9), "key": b"\xff" * 16},
    **{"score": 1.7976931348623157e308, "small": -0.5, "tags": ["a", None]},
    **{"either": ("chat.Place", {"at": dt.date(2020, 2, 29), "x": b"\xff"})},
    **{"places": {"k": {"at": dt.date(1970, 1, 1), "x": b"x"}}},
}
PROTO = """
syntax = "proto3";
package chat;
import "google/protobuf/timestamp.proto";
import "place.proto";
message Message {
  enum Kind { PLAIN = 0; REPLY = 1; }
  message Inner { int32 x = 1; Inner more = 2; }
  int64 id = 1;
  optional string text = 2;
  google.protobuf.Timestamp at = 3;
  uint64 big = 4;
  bytes raw = 5;
  Kind kind = 6;
  oneof choice { string name = 7; chat.Place place = 8; }
  repeated Inner inners = 9;
  map<string, sint32> counts = 10;
  double score = 11;
}
message Second { message Deep { bool yes = 1; } string a = 1; }
"""
PLACE = 'syntax = "proto2"; package chat; message Place { required string city = 1; optional int32 n = 2; }'


def registered_avro(registry: SchemaRegistry) -> tuple[int, Any]:
    """The message's schema, which refers to another one; its id and how to write by it."""
    registry.register("chat.Place", "AVRO", json.dumps(INNER))
    told = [{"name": "chat.Place", "subject": "chat.Place", "version": 1}]
    number = registry.register("avro-value", "AVRO", json.dumps(OUTER), told)
    named: dict[str, Any] = {}
    fastavro.parse_schema(INNER, named_schemas=named)
    return number, fastavro.parse_schema(OUTER, named_schemas=named)


def head(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "big")


def written(number: int, schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return head(number) + out.getvalue()


def decoded(kind: str, registry: SchemaRegistry, *values: bytes | None) -> list[Any]:
    decode = codecs.decoder(kind, lambda: Registry({"url": registry.url}))
    assert decode is not None
    return list(decode(values))


def of(text: Any) -> Any:
    """A JSON text as values, every number as it is written."""
    assert isinstance(text, bytes), text
    return json.loads(text, parse_float=Decimal)


def test_avro_values_come_exactly(schema_registry: SchemaRegistry) -> None:
    number, schema = registered_avro(schema_registry)
    values = [written(number, schema, v) for v in (LEAST, MOST)]
    least, none, most = decoded("avro", schema_registry, values[0], None, values[1])
    assert none is None
    zero, ones = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert of(least) == {
        **{"id": -(2**63), "text": None, "at": "0001-01-01T00:00:00.000000Z", "edited": None},
        **{"day": "0001-01-01", "clock": "00:00:00.000000", "price": Decimal("-0.000000001")},
        **{"raw": "", "key": zero, "kind": "PLAIN", "score": Decimal("5e-324")},
        # What the message holds is the nearest number of 32 bits.
        **{"small": Decimal("0.10000000149011612"), "either": None, "tags": [], "places": {}},
        "on": False,
    }
    found = of(most)
    assert found["raw"].startswith("AAECAwQF") and len(found["raw"]) == 344
    del found["raw"]
    assert found == {
        **{"id": 2**63 - 1, "text": 'é"\n\0😀', "at": "9999-12-31T23:59:59.999999Z"},
        **{"edited": "1969-12-31T23:59:59.999Z", "day": "9999-12-31", "clock": "23:59:59.999999"},
        **{"price": Decimal("9" * 29 + "." + "9" * 9), "key": ones, "kind": "REPLY"},
        **{"score": Decimal("1.7976931348623157e308"), "small": Decimal("-0.5"), "on": True},
        **{"either": {"at": "2020-02-29", "x": "/w=="}, "tags": ["a", None]},
        "places": {"k": {"at": "1970-01-01", "x": "eA=="}},
    }


def test_what_is_wrong_with_an_avro_message_is_told_and_costs_that_message(
    schema_registry: SchemaRegistry,
) -> None:
    number, schema = registered_avro(schema_registry)
    good = written(number, schema, LEAST)
    nan = written(number, schema, {**LEAST, "score": float("nan")})
    plain = schema_registry.register("plain-value", "AVRO", '"long"')
    proto = schema_registry.register("other-value", "PROTOBUF", PLACE)
    wrong = {
        b"": "wire format",
        b"\0\0": "wire format",
        b'{"id": 1}': "wire format",
        b"\1" + good[1:]: "wire format",
        good + b"\0": "1 bytes follow",
        good[:-1]: "not what its schema says",
        head(number): "not what its schema says",
        nan: "nan, which JSON cannot say",
        head(2**31) + b"x": "no schema",
        head(proto) + b"x": "of PROTOBUF, and not of AVRO",
        head(plain) + b"\x80": "not what its schema says",
    }
    found = decoded("avro", schema_registry, good, *wrong, good)
    assert found[0] == found[-1] and isinstance(found[0], bytes)
    for reason, told in zip(found[1:-1], wrong.values(), strict=True):
        assert isinstance(reason, Reason) and told in reason.detail
    codes = {r.code for r in found[1:-1]}
    assert codes == {"undecodable_message", "unknown_schema"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "record", "name": "L", "fields": [{"name": "n", "type": ["null", "L"]}]},
        {"type": "array", "items": "null"},
        {"type": "array", "items": {"type": "record", "name": "E", "fields": []}},
    ],
)
def test_schemas_that_would_take_the_reader_down_are_refused(schema: Any) -> None:
    """The first ends the process by a message of 5,000 bytes, the others fill memory by one of 10."""
    from headgate.ingest.streams.codecs.avro import Avro
    from headgate.ingest.streams.codecs.wire import UnfitSchema

    with pytest.raises(UnfitSchema):
        Avro().body(Schema("AVRO", json.dumps(schema)))


def protobuf_classes() -> dict[str, Any]:
    """The same messages made by the runtime from descriptors, to write with."""
    from google.protobuf import descriptor_pool, message_factory, timestamp_pb2

    from headgate.ingest.streams.codecs.protofile import descriptor

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(descriptor("place.proto", PLACE).SerializeToString())
    pool.AddSerializedFile(descriptor("message.proto", PROTO).SerializeToString())
    names = ("Message", "Second", "Second.Deep", "Place")
    return {
        n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"chat.{n}")) for n in names
    }


def registered_proto(registry: SchemaRegistry) -> int:
    registry.register("place.proto", "PROTOBUF", PLACE)
    told = [{"name": "place.proto", "subject": "place.proto", "version": 1}]
    return registry.register("proto-value", "PROTOBUF", PROTO, told)


def test_protobuf_values_come_exactly(schema_registry: SchemaRegistry) -> None:
    number, made = registered_proto(schema_registry), protobuf_classes()
    full = made["Message"](id=2**63 - 1, text="", big=2**64 - 1, raw=b"\xff", kind=1, score=0.1)
    full.at.seconds, full.at.nanos = -1, 999_999_000
    full.place.city = "Rîga"
    full.inners.add(x=-1).more.x = 2
    full.counts["a"] = -(2**31)
    values = [
        head(number) + b"\0" + full.SerializeToString(),
        head(number) + b"\0",
        head(number) + b"\x02\x02" + made["Second"](a="b").SerializeToString(),
        head(number) + b"\x04\x02\x00" + made["Second.Deep"](yes=True).SerializeToString(),
    ]
    first, empty, second, deep = map(of, decoded("protobuf", schema_registry, *values))
    assert first == {
        **{"id": 2**63 - 1, "text": "", "at": "1969-12-31T23:59:59.999999Z", "big": 2**64 - 1},
        **{"raw": "/w==", "kind": "REPLY", "name": None, "place": {"city": "Rîga", "n": None}},
        **{"inners": [{"x": -1, "more": {"x": 2, "more": None}}], "counts": {"a": -(2**31)}},
        "score": Decimal("0.1"),
    }
    assert empty == {
        **{"id": 0, "text": None, "at": None, "big": 0, "raw": "", "kind": "PLAIN", "name": None},
        **{"place": None, "inners": [], "counts": {}, "score": Decimal("0.0")},
    }
    assert second == {"a": "b"} and deep == {"yes": True}


def test_what_is_wrong_with_a_protobuf_message_is_told(schema_registry: SchemaRegistry) -> None:
    number, made = registered_proto(schema_registry), protobuf_classes()
    good = head(number) + b"\0" + made["Message"](id=1).SerializeToString()
    bad_time = made["Message"]()
    bad_time.at.nanos = -1
    wrong = {
        head(number): "which of the schema's it is",
        head(number) + b"\x02\x0a": "which has none",
        head(number) + b"\xff\xff\xff\xff\xff\xff": "no number",
        good + b"\xff": "not what its schema says",
        good + b"\xfa\x3f\x01a": "a field 1023 that its schema lacks",
        good + b"\x12\x01\xff": "not what its schema says",  # a text that is no UTF-8
        good
        + made["Message"](score=float("inf")).SerializeToString(): "inf, which JSON cannot say",
        good + bad_time.SerializeToString(): "nanoseconds",
    }
    found = decoded("protobuf", schema_registry, good, *wrong, good)
    assert found[0] == found[-1] and isinstance(found[0], bytes)
    for reason, told in zip(found[1:-1], wrong.values(), strict=True):
        assert isinstance(reason, Reason) and told in reason.detail, (reason, told)


def test_a_registry_that_is_away_is_no_fault_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.ingest.streams.registry.PAUSE", 0.0)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        registry = Registry({"url": f"http://127.0.0.1:{nobody.getsockname()[1]}"})
        decode = codecs.decoder("avro", lambda: registry)
        assert decode is not None
        with pytest.raises(RegistryError):
            decode([head(1) + b"x"])
