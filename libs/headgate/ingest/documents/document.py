"""One JSON document as a stream: what stands around its records, and the records cut out of it.

What stands around the records is the frame: the document with nothing in it but the values that
the mapping names. It is small however large the document is, and is parsed strictly; arrays that
nobody asked for are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from headgate.contracts.mapping import Location, Mapping
from headgate.core import json as hjson
from headgate.ingest.documents.feed import Feed, Long
from headgate.ingest.documents.records import Chunk, Elements, Judge
from headgate.ingest.documents.structure import Skipper
from headgate.ingest.exact import RAW_KEPT
from headgate.ingest.readers.base import Reason

MARK = b"\xef\xbb\xbf"
#: Objects of the frame that are gone into; those that nest deeper are passed over whole.
_DEEPEST = 32
#: How a line begins that a field's name stands first on.
_LEAD = re.compile(rb'\n[ \t]*(?=")')
_KINDS = {b"{": "an object", b"[": "an array", b'"': "a text"}
#: Says what a text and its value have that JSON allows and we do not.
Objection = Callable[[str, Any], Reason | None]


class _Damage(Exception):
    """The document cannot be read on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = Reason(code, None, detail)


class Document:
    """A document in a stream of ``blocks``, whose records stand where ``mapping`` says.

    Call :meth:`open`, then :meth:`chunks` to its end. ``limit`` is the longest unit, and the
    longest frame, in bytes; ``judge`` looks at the units as they are cut. ``hasty``: an array that
    nobody asked for is passed over by how its lines are indented, whatever stands in it. If the
    document seems damaged then, read it again without haste; if not, that was the array's end.
    """

    def __init__(
        self,
        blocks: Iterable[bytes],
        mapping: Mapping,
        limit: int,
        objection: Objection,
        judge: Judge | None = None,
        *,
        hasty: bool = False,
    ) -> None:
        self._hasty = hasty
        self._feed = Feed(blocks)
        self._limit, self._objection, self._judge = limit, objection, judge
        self._path = mapping.arrays[0] if mapping.arrays else None
        self._wanted = [c.steps for c in mapping.columns.values() if c.level == 0]
        if mapping.control_total:
            self._wanted.append(mapping.control_total.steps)
        if not mapping.arrays:
            self._wanted.append(mapping.record.steps)
        self._frame = bytearray()
        self._silent = 0  # objects that are passed over and are open
        self._depth = 0  # objects on the way to the array that are open
        #: Whether a byte order mark was passed over.
        self.marked = False
        #: The document's first bytes, to be shown where it cannot be read.
        self.beginning = b""
        #: The frame, parsed and as text, as far as it is known; None if it cannot be read.
        self.value: Any = None
        self.text = ""
        #: Whether the frame was read to its end.
        self.complete = False
        #: What is wrong with the document as such; its units tell of themselves.
        self.damage: Reason | None = None
        self.found = False
        #: Units that were cut.
        self.count = 0
        #: What stands behind the array where that cannot be read, to be kept: its first bytes.
        self.rest = b""

    @property
    def whole(self) -> bool:
        """Whether the document has no array to go through, and was read to its end."""
        return self._path is None and self.complete and not self.damage

    def knows(self, place: Location) -> bool:
        """Whether it is known by now what stands at ``place``, a place of the document."""
        if self.complete:
            return True
        value: Any = self.value
        for depth, step in enumerate(place.steps):
            if type(value) is not dict:
                return value is not None or depth > 0
            if step not in value:
                # An object that the array stands in may have it behind the array.
                return place.steps[:depth] != (self._path or ())[:depth] or not self.found
            value = value[step]
        return True

    def open(self) -> None:
        """Read up to the first unit, or to the end where there is none."""
        feed = self._feed
        while len(feed.data) < RAW_KEPT and feed.more():
            pass
        if feed.data.startswith(MARK):
            self.marked, feed.at = True, len(MARK)
            feed.drop()
        self.beginning = feed.data[:RAW_KEPT]
        try:
            self.found = self._opened()
            if self.found:
                self._parse(b"[]" + b"}" * self._depth)
            else:
                self._end()
                self._parse(b"")
                self.complete = True
                if self._path is not None:
                    where = ".".join(("$", *self._path))
                    raise _Damage("no_records", f"there is no array at {where}")
        except _Damage as damage:
            self.damage = damage.reason

    def chunks(self) -> Iterator[Chunk]:
        """The units of the array, in order."""
        if not self.found or self.damage:
            return
        elements = Elements(self._feed, self._limit, self._judge, self._may_end)
        for chunk in elements.chunks():
            self.count += chunk.units
            yield chunk
        if elements.walk.inside:
            return
        self._feed.remember(RAW_KEPT)
        try:
            if elements.walk.cut:
                raise _Damage("truncated", f"the file ends at byte {self._feed.place}")
            self._keep(b"[]")
            self._leave(self._depth)
            self._end()
            self._parse(b"")
            self.complete = True
            if elements.walk.fault:
                raise _Damage("malformed_json", elements.walk.fault)
        except _Damage as damage:
            self.damage = damage.reason
            if not self.complete:
                # A whole record may stand there, where the guess of the array's end was wrong.
                self.rest = self._feed.remembered()

    def _opened(self) -> bool:
        """Come to the first unit; False if the document ended without."""
        feed, path = self._feed, self._path
        self._root(b"[" if path == () else b"{")
        if path is None:
            self._members((), None, first=True)
            return False
        for depth, step in enumerate(path):
            self._depth = depth + 1
            if not self._members(path[:depth], step, first=True):
                self._leave(depth)
                return False
            sign = feed.sign()
            if sign != (b"[" if depth + 1 == len(path) else b"{"):
                self._value(path[: depth + 1])
                self._leave(depth + 1)
                return False
            feed.at += 1
            if sign == b"{":
                self._keep(sign)
        return True

    def _root(self, expected: bytes) -> None:
        feed = self._feed
        sign = feed.sign()
        if not sign:
            raise _Damage("truncated", "the file holds nothing")
        if sign != expected:
            with suppress(Long):
                feed.at = self._value_end()
                self._end()
            told = _KINDS.get(sign, "a plain value")
            raise _Damage("no_records", f"expected {_KINDS[expected]}, got {told}")
        feed.at += 1
        if expected == b"{":
            self._keep(sign)

    def _leave(self, depth: int) -> None:
        """Read to the end of the ``depth`` objects on the way that are still open."""
        for above in range(depth - 1, -1, -1):
            self._members((self._path or ())[:above], None, first=False)

    def _members(self, path: tuple[str, ...], want: str | None, *, first: bool) -> bool:
        """Go through the members of the open object at ``path`` to its end, or to the value of
        ``want`` (True then)."""
        feed = self._feed
        while True:
            sign = feed.sign()
            if sign == b"}":
                feed.at += 1
                self._keep(sign)
                return False
            if not first:
                if sign != b",":
                    raise self._unexpected("a comma or a closing brace")
                feed.at += 1
                self._keep(sign)
                sign = feed.sign()
            first = False
            if sign != b'"':
                raise self._unexpected("a field's name")
            name = self._text()
            self._keep(name)
            if feed.sign() != b":":
                raise self._unexpected("a colon")
            feed.at += 1
            self._keep(b":")
            field = _field(name)
            if field == want:
                return True
            self._value((*path, field))
            if feed.at > RAW_KEPT:
                feed.drop()

    def _value(self, path: tuple[str, ...]) -> None:
        """Take the value at ``path``, or pass over it where nobody asked for it."""
        feed = self._feed
        sign = feed.sign()
        if not self._silent and any(path[: len(w)] == w for w in self._wanted):
            self._keep(self._text())
            return
        on_the_way = any(w[: len(path)] == path for w in self._wanted)
        if sign == b"{" and len(path) < _DEEPEST:
            feed.at += 1
            self._keep(b"{" if on_the_way else b"{}")
            self._silent += not on_the_way
            self._members(path, None, first=True)
            self._silent -= not on_the_way
        elif sign == b"[":
            feed.at += 1
            if self._hasty and self._past_lines():
                self._keep(b"[]")
                return
            elements = Elements(feed, self._limit, None, lambda _: False)
            for _ in elements.chunks():
                pass
            if elements.walk.cut:
                raise self._unexpected("a closing bracket")
            if elements.walk.guessed:
                # Its end is a guess then, and what was asked for may stand before it.
                raise _Damage(
                    "malformed_json", f"the array that ends at byte {feed.place} is damaged"
                )
            self._keep(b"[]")
        else:
            try:
                end = self._value_end()
                text, feed.at = feed.data[feed.at : end], end
            except Long:
                text = b'"\xe2\x80\xa6"'
                self._pass()
            self._keep(text if on_the_way else b"null")

    def _past_lines(self) -> bool:
        """Pass over an array whose lines are indented, at ten times the speed of cutting it.

        A line break cannot stand inside a string, so the first closing bracket on a line of its
        own, as far in as the array's field, is a bracket. If an array further in ends there, the
        brackets that are still open make what follows no document. A field that stands as far in
        before it shows that the bracket was lost.
        """
        feed = self._feed
        lead = _LEAD.match(feed.data, max(0, feed.data.rfind(b"\n", 0, feed.at)), feed.at)
        if not lead or feed.data[feed.at : feed.at + 2].lstrip(b"\r")[:1] != b"\n":
            return False
        closing, beside = lead[0] + b"]", lead[0] + b'"'
        while True:
            found = feed.data.find(closing, feed.at)
            if feed.data.find(beside, feed.at, found if found >= 0 else None) >= 0:
                raise self._unexpected("a closing bracket")
            if found >= 0:
                feed.at = found + len(closing)
                return True
            feed.at = max(feed.at, len(feed.data) - len(closing) + 1)
            feed.drop()
            if not feed.more():
                raise self._unexpected("a closing bracket")

    def _text(self) -> bytes:
        """The value at the cursor, which is passed."""
        feed = self._feed
        try:
            end = self._value_end()
        except Long:
            raise _Damage(
                "line_too_long", f"a value longer than {self._limit} bytes at byte {feed.place}"
            ) from None
        text, feed.at = feed.data[feed.at : end], end
        return text

    def _value_end(self) -> int:
        try:
            return self._feed.value_end(self._limit)
        except hjson.Unfinished:
            raise _Damage(
                "truncated", f"the file ends inside the value at byte {self._feed.place}"
            ) from None
        except ValueError as error:
            told = f"no JSON value at byte {self._feed.place}: {error}"
            raise _Damage("malformed_json", told) from None

    def _pass(self) -> None:
        """Pass over a value that is too long to be held."""
        feed, skipper = self._feed, Skipper()
        while (end := skipper.end(feed.data[feed.at :])) < 0:
            feed.at = len(feed.data)
            feed.drop()
            if not feed.more():
                raise self._unexpected("the end of a value")
        feed.at += end

    def _unexpected(self, expected: str) -> _Damage:
        sign = self._feed.sign()
        where = f"at byte {self._feed.place}"
        if not sign:
            return _Damage("truncated", f"the file ends {where}, where {expected} is missing")
        return _Damage("malformed_json", f"expected {expected} {where}, got {ascii(sign)[1:]}")

    def _end(self) -> None:
        if self._feed.sign():
            raise self._unexpected("the end of the document")

    def _keep(self, text: bytes) -> None:
        if not self._silent:
            self._frame += text
        if len(self._frame) > self._limit:
            raise _Damage(
                "line_too_long", f"the document without its records has over {self._limit} bytes"
            )

    def _parse(self, rest: bytes) -> None:
        """Read the frame strictly, closed by ``rest``."""
        try:
            text = (self._frame + rest).decode()
            value = hjson.loads_strict(text)
        except hjson.DuplicateField as error:
            raise _Damage(
                "duplicate_field", f"in what stands around the records: {error}"
            ) from None
        except UnicodeDecodeError as error:
            raise _Damage("invalid_utf8", f"around the records: {error.reason}") from None
        except RecursionError:
            raise _Damage("nesting_too_deep", "around the records") from None
        except ValueError as error:
            raise _Damage("malformed_json", f"around the records: {error}") from None
        objection = self._objection(text, value)
        if objection:
            raise _Damage(objection.code, f"around the records: {objection.detail}")
        self.value, self.text = value, text

    def _may_end(self, rest: bytes) -> bool:
        """Whether the frame can be read if ``rest``, from a closing bracket on, is its end."""
        try:
            hjson.loads_strict((self._frame + b"[" + rest).decode())
        except (ValueError, RecursionError):
            return False
        return True


def _field(name: bytes) -> str:
    try:
        return str(hjson.loads_strict(name.decode()))
    except UnicodeDecodeError as error:
        raise _Damage("invalid_utf8", f"in the name of a field: {error.reason}") from None
