"""Fields of Protobuf messages as values that JSON has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.unknown_fields import UnknownFieldSet

from headgate.ingest.streams.codecs import written
from headgate.ingest.streams.codecs.wire import Undecodable

Convert = Callable[[Any], Any]
_FLOATS = (Field.CPPTYPE_DOUBLE, Field.CPPTYPE_FLOAT)
_BILLION = 10**9


class Fields:
    """Readers of the messages of one schema; each is made once, so that one may hold itself."""

    def __init__(self) -> None:
        self._readers: dict[str, Convert] = {}

    def reader(self, message: Any) -> Convert:
        """What makes a JSON value of messages with that descriptor."""
        name: str = message.full_name
        if name in _SPECIAL:
            return _SPECIAL[name]
        if name not in self._readers:
            self._readers[name] = lambda value: self._readers[name](value)  # while it is made
            self._readers[name] = self._made(message)
        return self._readers[name]

    def _made(self, message: Any) -> Convert:
        defaults = {f.name: self._default(f) for f in message.fields}
        converts = {f.number: self._convert(f) for f in message.fields}

        def read(value: Any) -> dict[str, Any]:
            row = defaults.copy()
            for field, found in value.ListFields():
                convert = converts[field.number]
                row[field.name] = found if convert is None else convert(found)
            unknown = UnknownFieldSet(value)
            if len(unknown):
                raise Undecodable(f"it has a field {unknown[0].field_number} that its schema lacks")
            return row

        return read

    def _default(self, field: Any) -> Any:
        if _is_map(field):
            return {}
        if field.is_repeated:
            return []
        if field.has_presence:
            return None
        if field.enum_type is not None:
            return _enum(field)(field.default_value)
        return written.packed(b"") if field.type == Field.TYPE_BYTES else field.default_value

    def _convert(self, field: Any) -> Convert | None:
        if _is_map(field):
            key, value = (field.message_type.fields_by_name[n] for n in ("key", "value"))
            inner = self._one(value) or _same
            shown = _bool_key if key.type == Field.TYPE_BOOL else str
            return lambda found: {shown(k): inner(found[k]) for k in found}
        one = self._one(field)
        if not field.is_repeated:
            return one
        return list if one is None else lambda found: [one(v) for v in found]

    def _one(self, field: Any) -> Convert | None:
        if field.message_type is not None:
            return self.reader(field.message_type)
        if field.enum_type is not None:
            return _enum(field)
        if field.cpp_type in _FLOATS:
            return written.finite
        return written.packed if field.type == Field.TYPE_BYTES else None


def _is_map(field: Any) -> bool:
    message = field.message_type
    return message is not None and field.is_repeated and message.GetOptions().map_entry


def _same(value: Any) -> Any:
    return value


def _bool_key(value: bool) -> str:
    return "true" if value else "false"


def _enum(field: Any) -> Convert:
    """The name of an enum's value; a number that has none stays a number."""
    names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
    return lambda value: names.get(value, value)


def _timestamp(value: Any) -> str:
    if not 0 <= value.nanos < _BILLION:
        raise Undecodable(f"a timestamp has {value.nanos} nanoseconds")
    return written.instant(value.seconds * _BILLION + value.nanos, _BILLION)


def _duration(value: Any) -> str:
    if not -_BILLION < value.nanos < _BILLION or value.seconds * value.nanos < 0:
        raise Undecodable(f"a duration has {value.seconds} seconds and {value.nanos} nanoseconds")
    sign = "-" if value.seconds < 0 or value.nanos < 0 else ""
    rest = f".{abs(value.nanos):09}" if value.nanos else ""
    return f"{sign}{abs(value.seconds)}{rest}s"


def _decimal(value: Any) -> Any:
    return written.decimal(int.from_bytes(value.value, "big", signed=True), value.scale)


def _struct(value: Any) -> dict[str, Any]:
    return {name: _any_value(value.fields[name]) for name in value.fields}


def _list(value: Any) -> list[Any]:
    return [_any_value(v) for v in value.values]


def _any_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "struct_value":
        return _struct(value.struct_value)
    if kind == "list_value":
        return _list(value.list_value)
    found = getattr(value, kind)
    return written.finite(found) if kind == "number_value" else found


def _wrapped(convert: Convert = _same) -> Convert:
    return lambda value: convert(value.value)


#: Messages that stand for one value.
_SPECIAL: dict[str, Convert] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.protobuf.Duration": _duration,
    "google.protobuf.Struct": _struct,
    "google.protobuf.ListValue": _list,
    "google.protobuf.Value": _any_value,
    "google.protobuf.BytesValue": _wrapped(written.packed),
    "google.protobuf.DoubleValue": _wrapped(written.finite),
    "google.protobuf.FloatValue": _wrapped(written.finite),
    **{
        f"google.protobuf.{kind}Value": _wrapped()
        for kind in ("Bool", "String", "Int32", "Int64", "UInt32", "UInt64")
    },
    "confluent.type.Decimal": _decimal,
}
