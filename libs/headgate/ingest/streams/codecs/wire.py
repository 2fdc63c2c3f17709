"""The wire format of schema registries: a zero byte, the schema's id, and what it describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headgate.core import clock
from headgate.ingest.readers.base import Reason
from headgate.ingest.streams.registry import Registry, Schema, UnknownSchema

#: The zero byte, and four of the id.
HEAD = 5
#: How long a schema that cannot be used is held to be so, in seconds.
_WRONG_KEPT = 30.0
#: Gives the JSON text of what follows the head of a message.
Body = Callable[[bytes], bytes]


class Undecodable(Exception):
    """Bytes that are not what their schema says, or say what JSON cannot; its text says how."""


class UnfitSchema(Exception):
    """A schema that messages cannot be read by; its text says why."""


class Format(Protocol):
    """Avro or Protobuf."""

    #: What registries call it.
    kind: str

    def body(self, schema: Schema) -> Body:
        """What decodes messages of the schema; it raises :class:`Undecodable`.

        Raises:
            UnfitSchema: none can be decoded.
        """


class WireCodec:
    """Messages in the wire format, each as one JSON text, or why it is none."""

    def __init__(self, form: Format, registry: Registry) -> None:
        self._form, self._registry = form, registry
        self._bodies: dict[bytes, Body] = {}
        self._wrong: dict[bytes, tuple[float, Reason]] = {}

    def decode(self, values: Sequence[bytes | None]) -> list[bytes | Reason | None]:
        """Of each value the JSON text, why there is none, or None where there is no value.

        Raises:
            RegistryError: the registry does not answer; nothing is known of the values.
        """
        bodies = self._bodies
        found: list[bytes | Reason | None] = []
        for value in values:
            if value is None:
                found.append(None)
                continue
            body = bodies.get(value[:HEAD]) or self._learned(value)
            if isinstance(body, Reason):
                found.append(body)
                continue
            try:
                found.append(body(value))
            except Undecodable as error:
                found.append(_reason(str(error)))
        return found

    def _learned(self, value: bytes) -> Body | Reason:
        """What decodes messages with the head of this one, or why nothing does."""
        head = value[:HEAD]
        if len(value) < HEAD or value[0] != 0:
            return _reason("the message does not begin as the registry's wire format does")
        at, why = self._wrong.get(head, (0.0, None))
        if why is not None and clock.monotonic() - at < _WRONG_KEPT:
            return why
        number = int.from_bytes(head[1:], "big")
        try:
            schema = self._registry.schema(number)
            if schema.kind != self._form.kind:
                raise UnfitSchema(f"it is of {schema.kind}, and not of {self._form.kind}")
            body = self._form.body(schema)
        except (UnknownSchema, UnfitSchema) as error:
            reason = Reason("unknown_schema", None, f"schema {number}: {error}")
            self._wrong[head] = (clock.monotonic(), reason)
            return reason
        self._bodies[head] = body
        return body


def _reason(told: str) -> Reason:
    return Reason("undecodable_message", None, told)
