"""What an Avro schema's types become: the plain types to read by, and what mends the values read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from headgate.ingest.streams.codecs import written
from headgate.ingest.streams.codecs.wire import Undecodable, UnfitSchema

#: Turns a value as it was read into what is written; None where they are the same.
Mend = Callable[[Any], Any] | None

_PRIMITIVE = frozenset(
    ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
)  # fmt: skip
#: What values of a type are in Python; a union's branches are told apart by it.
_PYTHON: Mapping[str, type] = {
    **{"null": type(None), "boolean": bool, "int": int, "long": int, "float": float},
    **{"double": float, "bytes": bytes, "fixed": bytes, "string": str, "enum": str},
    **{"array": list, "map": dict, "record": dict, "error": dict},
}
_TICKS: Mapping[str, int] = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}
#: Deeper ones are nobody's data, and too deep for the reader in C.
_DEEPEST = 64


class Forms:
    """The named types of a schema and of what it refers to."""

    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        #: Of records by name; None while one is being looked at.
        self._shapes: dict[str, _Shape | None] = {}

    def plain(self, schema: Any, space: str = "") -> Any:
        """The schema without logical types, but with what they are, in full names.

        Raises:
            UnfitSchema: it is none.
        """
        if isinstance(schema, list):
            return [self.plain(branch, space) for branch in schema]
        if isinstance(schema, str):
            return schema if schema in _PRIMITIVE else _full(schema, space)
        if not isinstance(schema, dict) or "type" not in schema:
            raise UnfitSchema(f"it has {str(schema)[:60]!r} where a type should stand")
        kind = schema["type"]
        if not isinstance(kind, str) or kind not in _PYTHON:
            return self.plain(kind, space)
        found = {
            k: v for k, v in schema.items() if k in ("type", "size", "symbols", "items", "values")
        }
        logical = schema.get("logicalType")
        if logical is not None:
            found["meant"] = {**schema, "type": kind}
        for inner in ("items", "values"):
            if inner in found:
                found[inner] = self.plain(found[inner], space)
        if kind in ("record", "error", "enum", "fixed"):
            found["name"] = name = _full(str(schema["name"]), str(schema.get("namespace", space)))
            self._named[name] = found
            if "fields" in schema:
                own = name.rpartition(".")[0]
                found["type"] = "record"
                found["fields"] = [
                    {"name": f["name"], "type": self.plain(f["type"], own)}
                    for f in schema["fields"]
                ]
        return found

    def mender(self, schema: Any) -> Mend:
        """What mends values of a schema that :meth:`plain` gave.

        Raises:
            UnfitSchema: it holds itself, nests too deep, repeats what takes no bytes, or has a
                union of which a value does not say which branch it is.
        """
        return self._shape(schema).mend

    def _shape(self, schema: Any) -> _Shape:
        found = self._looked(schema)
        if found.depth > _DEEPEST:
            raise UnfitSchema(f"it nests deeper than {_DEEPEST}")
        return found

    def _looked(self, schema: Any) -> _Shape:
        if isinstance(schema, list):
            return self._union(schema)
        schema = self._resolved(schema)
        kind = schema["type"]
        if kind == "array":
            items = self._shape(schema["items"])
            if not items.least:
                raise UnfitSchema("it has an array of items that take no bytes, so any number")
            return _Shape(items.depth + 1, 1, _each(items.mend))
        if kind == "map":
            values = self._shape(schema["values"])
            return _Shape(values.depth + 1, 1, _each_value(values.mend))
        if kind == "record":
            return self._record(schema)
        special = _logical(schema["meant"]) if "meant" in schema else None
        if special is None and kind in ("float", "double"):
            special = written.finite
        elif special is None and kind in ("bytes", "fixed"):
            special = written.packed
        return _Shape(1, int(schema["size"]) if kind == "fixed" else int(kind != "null"), special)

    def _record(self, schema: Mapping[str, Any]) -> _Shape:
        name = schema["name"]
        if name in self._shapes:
            known = self._shapes[name]
            if known is None:
                raise UnfitSchema(f"{name} holds itself, so that it may nest without end")
            return known
        self._shapes[name] = None
        inner = [(f["name"], self._shape(f["type"])) for f in schema["fields"]]
        depth = 1 + max((s.depth for _, s in inner), default=0)
        mend = _fields([(n, s.mend) for n, s in inner if s.mend is not None])
        found = _Shape(depth, sum(s.least for _, s in inner), mend)
        self._shapes[name] = found
        return found

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        if isinstance(schema, str):
            if schema in _PRIMITIVE:
                return {"type": schema}
            if schema not in self._named:
                raise UnfitSchema(f"it names {schema!r}, which is described nowhere")
            found: Mapping[str, Any] = self._named[schema]
            return found
        return schema

    def _union(self, branches: list[Any]) -> _Shape:
        shapes = [self._shape(b) for b in branches]
        depth = 1 + max((s.depth for s in shapes), default=0)
        both = zip(branches, shapes, strict=True)
        mends = [(self._resolved(b), s.mend) for b, s in both]
        others = [(b, m) for b, m in mends if b["type"] != "null"]
        return _Shape(depth, 1, _of_union(others))


class _Shape(NamedTuple):
    """How deep values of a schema nest, the fewest bytes that one takes, and what mends it."""

    depth: int
    least: int
    mend: Mend


def _of_union(branches: list[tuple[Mapping[str, Any], Mend]]) -> Mend:
    records = {b["name"]: m for b, m in branches if b["type"] == "record"}
    if len(records) > 1:  # they come with their names, which must go in any case
        return _told_apart(dict(_by_type(branches)), records)
    if all(m is None for _, m in branches):
        return None
    if len(branches) == 1:
        only = branches[0][1]
        assert only is not None
        return lambda value: None if value is None else only(value)
    return _told_apart(dict(_by_type(branches)), {})


def _by_type(branches: list[tuple[Mapping[str, Any], Mend]]) -> Iterator[tuple[type, Mend]]:
    """By the type in Python what mends a union's values, but for records that come by name."""
    seen: dict[type, tuple[str, bool]] = {}
    records = sum(b["type"] == "record" for b, _ in branches) > 1
    for branch, mend in branches:
        if records and branch["type"] == "record":
            continue
        python = _PYTHON[branch["type"]]
        if python in seen and (seen[python][1] or mend is not None):
            kinds = f"{seen[python][0]} and {branch['type']}"
            if not (python is float and "meant" not in branch):
                raise UnfitSchema(f"a union's {kinds} cannot be told apart")
        seen[python] = (branch["type"], mend is not None)
        yield python, mend


def _told_apart(by_type: Mapping[type, Mend], by_name: Mapping[str, Mend]) -> Mend:
    def mend(value: Any) -> Any:
        if type(value) is tuple:
            name, value = value
            inner = by_name[name]
        else:
            inner = by_type.get(type(value))
        return value if inner is None else inner(value)

    return mend


def _fields(those: list[tuple[str, Callable[[Any], Any]]]) -> Mend:
    if not those:
        return None

    def mend(record: dict[str, Any]) -> dict[str, Any]:
        for name, inner in those:
            record[name] = inner(record[name])
        return record

    return mend


def _each(inner: Mend) -> Mend:
    return None if inner is None else lambda values: [inner(v) for v in values]


def _each_value(inner: Mend) -> Mend:
    return None if inner is None else lambda values: {k: inner(v) for k, v in values.items()}


def _logical(meant: Mapping[str, Any]) -> Mend:
    """What mends a logical type; None where it says no more than its plain type does."""
    kind, logical = str(meant["type"]), str(meant["logicalType"])
    if logical == "decimal" and kind in ("bytes", "fixed"):
        scale = int(meant.get("scale", 0))
        return lambda value: written.decimal(int.from_bytes(value, "big", signed=True), scale)
    stem, _, unit = logical.rpartition("-")
    per_second = _TICKS.get(unit, 0)
    if kind == "long" and per_second and stem == "timestamp":
        return lambda value: written.instant(value, per_second)
    if kind == "long" and per_second and stem == "local-timestamp":
        return lambda value: written.instant(value, per_second, "")
    if kind in ("int", "long") and per_second and stem == "time":
        return lambda value: written.time_of_day(value, per_second)
    if kind == "int" and logical == "date":
        return written.day
    if kind == "fixed" and logical == "uuid":
        return _uuid
    return None  # as a text's uuid, and what no reader knows: the specification says to ignore it


def _uuid(value: bytes) -> str:
    if len(value) != 16:
        raise Undecodable("a UUID has not 16 bytes")
    text = value.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"
