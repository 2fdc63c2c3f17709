"""A message as one JSON object, with all that came around its value: columns can be taken from it."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.core import json as hjson
from headgate.ingest.streams.source import Messages


def enveloped(messages: Messages, values: Sequence[bytes | None]) -> list[bytes]:
    """Each message as an object of topic, partition, offset, timestamp (milliseconds since 1970, or
    null), key, headers and value, which stands in it as it is.

    Keys and headers that are no UTF-8 show their bytes as ``\\xNN``; of several headers of one name
    the last counts.
    """
    topic = hjson.dumps(messages.topic).encode()
    keys = [_text(k) for k in messages.keys] if messages.keys else [b"null"] * len(messages)
    headers = [_headers(h) for h in messages.headers] or [b"{}"] * len(messages)
    return [
        b'{"topic":%s,"partition":%d,"offset":%d,"timestamp":%s,"key":%s,"headers":%s,"value":%s}'
        % (topic, partition, offset, b"%d" % at if at >= 0 else b"null", key, told, value)
        if value is not None
        else b""
        for partition, offset, at, key, told, value in zip(
            messages.partitions, messages.offsets, messages.timestamps, keys, headers, values,
            strict=True,
        )
    ]  # fmt: skip


def _text(value: bytes | None) -> bytes:
    if value is None:
        return b"null"
    return hjson.dumps(value.decode("utf-8", "backslashreplace")).encode()


def _headers(found: Sequence[tuple[str, bytes | None]]) -> bytes:
    if not found:
        return b"{}"
    told = {k: None if v is None else v.decode("utf-8", "backslashreplace") for k, v in found}
    return hjson.dumps(told).encode()
