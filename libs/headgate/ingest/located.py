"""The texts of the values inside one JSON text, found when they are asked for."""

from __future__ import annotations

import re
from typing import Any

from headgate.core import json as hjson
from headgate.ingest import jsontext

_Path = tuple[str, ...]
_LITERALS = {None: "null", True: "true", False: "false"}
_KEY = re.compile(r'[ \t\r\n]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t\r\n]*:[ \t\r\n]*')
_FOLLOWS = re.compile(r"[ \t\r\n]*,")


class Texts:
    """``text`` is a JSON value without a repeated field, which was parsed before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = "\\" not in text
        self._found: dict[_Path, _Members] = {}

    def raw(self, path: _Path) -> str:
        """The value at ``path``, which is there, as it was written."""
        start, end = self._span(path)
        return self.text[start:end]

    def compact(self, path: _Path, value: Any) -> str:
        """The same without white space between its parts; ``value`` is what it says."""
        if value is None or type(value) is bool:
            return _LITERALS[value]
        if type(value) is str and self._plain:
            return f'"{value}"'
        if not value and type(value) in (list, dict):
            return "[]" if type(value) is list else "{}"
        return jsontext.compact(self.raw(path))

    def _span(self, path: _Path) -> tuple[int, int]:
        if not path:
            return 0, len(self.text)
        above, name = path[:-1], path[-1]
        members = self._found.get(above)
        if members is None:
            start = self._span(above)[0]
            members = self._found[above] = _Members(self.text, self.text.index("{", start) + 1)
        return members.span(name)


class _Members:
    """Where the values of an object stand, gone through as far as was asked."""

    def __init__(self, text: str, at: int) -> None:
        self._text, self._at = text, at
        self._known: dict[str, tuple[int, int]] = {}

    def span(self, name: str) -> tuple[int, int]:
        """Where the value of field ``name`` stands, which the object has."""
        found, text, known = self._known.get(name), self._text, self._known
        while found is None:
            field = _KEY.match(text, self._at)
            assert field is not None
            begin = field.end()
            end = hjson.end_of(text, begin)
            key = field[1]
            if "\\" in key:
                key = hjson.loads(f'"{key}"')
            known[key] = begin, end
            after = _FOLLOWS.match(text, end)
            self._at = after.end() if after else end
            if key == name:
                found = begin, end
        return found
