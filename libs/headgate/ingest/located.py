"""The texts of the values inside one JSON text, found when they are asked for."""

from __future__ import annotations

from typing import Any

from headgate.core import json as hjson
from headgate.ingest import jsontext

_Path = tuple[str, ...]


class Texts:
    """``text`` is a JSON value without a repeated field, which was parsed before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = "\\" not in text
        self._found: dict[_Path, dict[str, tuple[int, int]]] = {}

    def raw(self, path: _Path) -> str:
        """The value at ``path``, which is there, as it was written."""
        start, end = self._span(path)
        return self.text[start:end]

    def compact(self, path: _Path, value: Any) -> str:
        """The same without white space between its parts; ``value`` is what it says."""
        if (type(value) is str and self._plain) or type(value) is bool:
            return hjson.dumps(value)
        if value == [] or value == {}:
            return "[]" if type(value) is list else "{}"
        return jsontext.compact(self.raw(path))

    def _span(self, path: _Path) -> tuple[int, int]:
        if not path:
            return 0, len(self.text)
        above = path[:-1]
        if above not in self._found:
            start, end = self._span(above)
            self._found[above] = {
                f.name: (start + f.start, start + f.end)
                for f in jsontext.fields(self.text[start:end])
            }
        return self._found[above][path[-1]]
