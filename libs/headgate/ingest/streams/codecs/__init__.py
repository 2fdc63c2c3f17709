"""What makes of a message's value one JSON text, which the contract's own reader then judges.

So a value is of a type, too long or of another shape by the same rules as in any file. JSON comes as
it is; Avro and Protobuf come in the wire format of a schema registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headgate.core.errors import UsageError
from headgate.ingest.readers.base import Reason
from headgate.ingest.streams.registry import Registry

#: What a stream's messages may be written in.
JSON, AVRO, PROTOBUF = "json", "avro", "protobuf"
KINDS = (JSON, AVRO, PROTOBUF)
#: Gives of each value its JSON text, why there is none, or None where there is no value.
Decoder = Callable[[Sequence[bytes | None]], Sequence[bytes | Reason | None]]


def decoder(kind: str, registry: Callable[[], Registry]) -> Decoder | None:
    """What decodes messages of a kind; None where they are JSON already.

    Raises:
        UsageError: there is no such kind.
        SettingError: the registry's configuration is wrong.
    """
    from headgate.ingest.streams.codecs.wire import WireCodec

    if kind == JSON:
        return None
    if kind == AVRO:
        from headgate.ingest.streams.codecs.avro import Avro

        return WireCodec(Avro(), registry()).decode
    if kind == PROTOBUF:
        from headgate.ingest.streams.codecs.protobuf import Protobuf

        return WireCodec(Protobuf(), registry()).decode
    raise UsageError(f"{kind!r} is no codec of messages.", remedy=f"Use {', '.join(KINDS)}.")
