"""Avro messages as JSON texts, by the schema that they were written with.

fastavro reads the plain types. What they mean besides (decimals, instants, days) is made here from
the numbers and bytes themselves, so that nothing is rounded on the way.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from headgate.core import json as hjson
from headgate.ingest.streams.codecs import written
from headgate.ingest.streams.codecs.avroforms import Forms
from headgate.ingest.streams.codecs.wire import HEAD, Body, Undecodable, UnfitSchema
from headgate.ingest.streams.registry import Schema

#: What fastavro raises for bytes that are not what the schema says.
_WRONG = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error)


class Avro:
    """Makes decoders of Avro schemas."""

    kind = "AVRO"

    def body(self, schema: Schema) -> Body:
        """What decodes messages of the schema; see the protocol."""
        forms = Forms()
        try:
            named: dict[str, Any] = {}
            for _, text in schema.references:
                fastavro.parse_schema(forms.plain(hjson.loads(text)), named_schemas=named)
            plain = forms.plain(hjson.loads(schema.text))
            mend = forms.mender(plain)  # first: it refuses what would take the reader down
            parsed = fastavro.parse_schema(plain, named_schemas=named)
        except UnfitSchema:
            raise
        except (SchemaParseException, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UnfitSchema(f"it is no schema of Avro that can be used: {error}") from None

        def decode(value: bytes) -> bytes:
            data = io.BytesIO(value)
            data.seek(HEAD)
            try:
                found = fastavro.schemaless_reader(
                    data, parsed, None, return_record_name=True, return_record_name_override=True
                )
                left = len(value) - data.tell()
                if left:
                    raise Undecodable(f"{left} bytes follow what its schema describes")
                return written.text(found if mend is None else mend(found))
            except _WRONG as error:
                raise Undecodable(f"the message is not what its schema says: {error}") from None

        return decode
