"""Protobuf messages as JSON texts, by the .proto text that they were registered with.

Fields have the names of the .proto. A field without presence always has a value; one with presence
that is not set is null. Whole numbers of 64 bits are numbers, and no texts as in Protobuf's own JSON.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from headgate.ingest.streams.codecs import written
from headgate.ingest.streams.codecs.protofields import Fields
from headgate.ingest.streams.codecs.protofile import descriptor
from headgate.ingest.streams.codecs.wire import HEAD, Body, Undecodable, UnfitSchema
from headgate.ingest.streams.registry import Schema

#: Files that everybody may import and nobody registers.
_STANDARD = "google/protobuf/"
_KNOWN = {
    "confluent/meta.proto": 'syntax = "proto3"; package confluent;',
    "confluent/type/decimal.proto": 'syntax = "proto3"; package confluent.type;'
    " message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }",
}
_OWN = "registered.proto"
_FIRST: tuple[int, ...] = (0,)


class Protobuf:
    """Makes decoders of .proto texts."""

    kind = "PROTOBUF"

    def body(self, schema: Schema) -> Body:
        """What decodes messages of the schema; see the protocol."""
        pool = descriptor_pool.DescriptorPool()
        texts = {**_KNOWN, **dict(schema.references)}
        try:
            found = _added(pool, _OWN, {**texts, _OWN: schema.text}, set())
        except (TypeError, ValueError, KeyError) as error:
            raise UnfitSchema(f"it is no schema of Protobuf that can be used: {error}") from None
        known: dict[tuple[int, ...], Callable[[bytes], bytes]] = {}
        fields = Fields()

        def decode(value: bytes) -> bytes:
            # A zero says in short: the first message of the file.
            short = value[HEAD : HEAD + 1] == b"\0"
            at, path = (HEAD + 1, _FIRST) if short else _path(value)
            read = known.get(path)
            if read is None:
                read = known[path] = _reader(_message(found, path), fields)
            return read(value[at:])

        return decode


def _added(pool: Any, name: str, texts: Mapping[str, str], above: set[str]) -> Any:
    """The file of that name in the pool, with what it imports."""
    if name in above:
        raise UnfitSchema(f"{name} imports itself")
    try:
        return pool.FindFileByName(name)
    except KeyError:
        pass
    if name.startswith(_STANDARD) and name not in texts:
        try:
            module = importlib.import_module(
                f"google.protobuf.{name[len(_STANDARD) : -len('.proto')]}_pb2"
            )
        except ImportError:
            raise UnfitSchema(f"it imports {name}, which is not known") from None
        for inner in module.DESCRIPTOR.dependencies:
            _added(pool, inner.name, texts, {*above, name})
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
        return pool.FindFileByName(name)
    if name not in texts:
        raise UnfitSchema(
            f"it imports {name}, which the registry does not name among its references"
        )
    file = descriptor(name, texts[name])
    for dependency in file.dependency:
        _added(pool, dependency, texts, {*above, name})
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindFileByName(name)


def _path(value: bytes) -> tuple[int, tuple[int, ...]]:
    """Where the message itself begins, and which of the schema's messages it is: the place in the
    file, then in that message, and so on."""
    count, at = _number(value, HEAD)
    if not 0 <= count <= 64:
        raise Undecodable(f"it is said to be of a message {count} deep")
    found: list[int] = []
    for _ in range(count):
        index, at = _number(value, at)
        found.append(index)
    return at, tuple(found) or _FIRST


def _number(value: bytes, at: int) -> tuple[int, int]:
    """A zigzag varint, and where it ends."""
    found = 0
    for shift in range(0, 35, 7):
        if at >= len(value):
            raise Undecodable("the message ends where it should say which of the schema's it is")
        byte = value[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (found >> 1) ^ -(found & 1), at
    raise Undecodable("what says which of the schema's messages it is, is no number")


def _message(file: Any, path: tuple[int, ...]) -> Any:
    """The descriptor of the message at a path."""
    those = list(file.message_types_by_name.values())
    found = None
    for index in path:
        if not 0 <= index < len(those):
            raise Undecodable(
                f"it is said to be message {list(path)} of its schema, which has none"
            )
        found = those[index]
        those = list(found.nested_types)
    return found


def _reader(message: Any, fields: Fields) -> Callable[[bytes], bytes]:
    parsed: Callable[[bytes], Any] = message_factory.GetMessageClass(message).FromString
    row = fields.reader(message)

    def read(data: bytes) -> bytes:
        try:
            return written.text(row(parsed(data)))
        except (DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
            raise Undecodable(f"the message is not what its schema says: {error}") from None

    return read
