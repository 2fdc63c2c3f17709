"""Values of facets: which are the same, worked out once for those that come again and again.

Of most runs a dataset's facets say what they said before. Canonical JSON and its digest take four
times as long as asking whether just this value was met before.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from typing import Any

from headgate.core import ids
from headgate.core import json as hjson

#: Who made a facet by what schema is no part of what it says.
_BESIDE = ("_producer", "_schemaURL")
#: So many values are remembered, by 64 characters for 32 bytes.
_MOST = 100_000
#: Of the form that says nothing of which objects are one and the same.
_FORM = 2
_met: dict[str, bytes] = {}


class Value:
    """What a facet says."""

    __slots__ = ("_facet", "digest")

    def __init__(self, facet: Mapping[str, Any]) -> None:
        self._facet = facet
        try:
            key = ids.digest(marshal.dumps(dict(facet), _FORM))
        except ValueError:  # not what JSON is read into
            key = ""
        found = _met.get(key)
        if found is None:
            found = digest(self.text)
            if len(_met) >= _MOST:
                _met.clear()
            if key:
                _met[key] = found
        self.digest = found

    @property
    def text(self) -> bytes:
        """It as canonical JSON."""
        return hjson.packed({k: v for k, v in self._facet.items() if k not in _BESIDE})


def digest(text: bytes) -> bytes:
    """What tells values apart, of canonical JSON."""
    return bytes.fromhex(ids.digest(text))
