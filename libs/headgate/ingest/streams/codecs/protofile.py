"""A .proto text as a file descriptor: registries keep the text, and the runtime reads descriptors.

What shapes a message is read (messages, fields, maps, oneofs, enums, nesting, imports); options,
services and comments are passed over. Groups, extensions and editions are refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from google.protobuf import descriptor_pb2 as pb

from headgate.ingest.streams.codecs.wire import UnfitSchema

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<word>\.?[A-Za-z_][\w.]*)|(?P<number>[-+]?[0-9][\w.+-]*)"""
    r"""|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<sign>.)""",
    re.DOTALL,
)
_Field = pb.FieldDescriptorProto
_SCALARS = {
    name: _Field.Type.Value(f"TYPE_{name.upper()}")
    for name in (
        *("double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64"),
        *("fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes"),
    )
}
_LABELS = {
    "repeated": _Field.LABEL_REPEATED,
    "optional": _Field.LABEL_OPTIONAL,
    "required": _Field.LABEL_REQUIRED,
}
_CLOSING = {"{": "}", "[": "]", "(": ")"}


def descriptor(name: str, text: str) -> pb.FileDescriptorProto:
    """The file of that name.

    Raises:
        UnfitSchema: it is none, or uses what is not read here.
    """
    try:
        return _Parser(name, text).file()
    except (ValueError, SyntaxError, RecursionError) as error:
        raise UnfitSchema(f"{name} cannot be read: {error}") from None


class _Parser:
    def __init__(self, name: str, text: str) -> None:
        self._file = pb.FileDescriptorProto(name=name)
        self._tokens = [m[0] for m in _TOKEN.finditer(text) if m.lastgroup]
        self._at = 0
        self._proto3 = False

    def file(self) -> pb.FileDescriptorProto:
        while self._at < len(self._tokens):
            self._statement()
        return self._file

    def _statement(self) -> None:
        word = self._next()
        if word == "syntax":
            self._take("=")
            self._file.syntax = self._text()
            self._proto3 = self._file.syntax == "proto3"
            if self._file.syntax not in ("proto2", "proto3"):
                raise UnfitSchema(f"its syntax {self._file.syntax!r} is not known")
            self._take(";")
        elif word == "package":
            self._file.package = self._next()
            self._take(";")
        elif word == "import":
            if self._peek() in ("public", "weak") and self._next() == "public":
                self._file.public_dependency.append(len(self._file.dependency))
            self._file.dependency.append(self._text())
            self._take(";")
        elif word == "message":
            self._message(self._file.message_type.add())
        elif word == "enum":
            self._enum(self._file.enum_type.add())
        elif word in ("option", "service"):
            self._skip()
        elif word in ("extend", "edition"):
            raise UnfitSchema(f"it uses {word}, which is not read here")
        elif word != ";":
            raise ValueError(f"{word!r} begins no statement")

    def _message(self, found: pb.DescriptorProto) -> None:
        found.name = self._next()
        self._take("{")
        optional: list[pb.FieldDescriptorProto] = []
        self._block(lambda word: self._member(found, word, optional))
        for field in optional:  # each is alone in a oneof of its own, behind all others
            field.oneof_index = len(found.oneof_decl)
            found.oneof_decl.add(name=f"_{field.name}")

    def _member(
        self, found: pb.DescriptorProto, word: str, optional: list[pb.FieldDescriptorProto]
    ) -> None:
        named = self._tokens[self._at + 1 : self._at + 2] == ["{"]
        if word == "message" and named:
            self._message(found.nested_type.add())
        elif word == "enum" and named:
            self._enum(found.enum_type.add())
        elif word == "oneof" and named:
            index = len(found.oneof_decl)
            found.oneof_decl.add(name=self._next())
            self._take("{")
            self._block(lambda kind: self._choice(found, kind, index))
        elif word == "option" or (word in ("reserved", "extensions") and self._peek(1) != "="):
            self._skip()
        elif word in ("extend", "group"):
            raise UnfitSchema(f"it uses {word}, which is not read here")
        elif word in _LABELS:
            field = self._field(found, self._next(), _LABELS[word])
            if word == "optional" and self._proto3:
                field.proto3_optional = True
                optional.append(field)
        elif word == "map" and self._peek() == "<":
            self._map(found)
        else:
            self._field(found, word, _Field.LABEL_OPTIONAL)

    def _choice(self, found: pb.DescriptorProto, word: str, index: int) -> None:
        if word == "option":
            self._skip()
        else:
            self._field(found, word, _Field.LABEL_OPTIONAL).oneof_index = index

    def _field(self, found: pb.DescriptorProto, kind: str, label: int) -> pb.FieldDescriptorProto:
        if kind == "group":
            raise UnfitSchema("it uses group, which is not read here")
        field = found.field.add(label=label)
        _typed(field, kind)
        field.name = self._next()
        self._numbered(field)
        return field

    def _map(self, found: pb.DescriptorProto) -> None:
        self._take("<")
        key = self._next()
        self._take(",")
        value = self._next()
        self._take(">")
        name = self._next()
        entry = found.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        for place, (part, kind) in enumerate((("key", key), ("value", value)), start=1):
            inner = entry.field.add(name=part, number=place, label=_Field.LABEL_OPTIONAL)
            _typed(inner, kind)
        field = found.field.add(name=name, label=_Field.LABEL_REPEATED, type_name=entry.name)
        self._numbered(field)

    def _numbered(self, field: pb.FieldDescriptorProto) -> None:
        self._take("=")
        field.number = int(self._next(), 0)
        if self._peek() == "[":
            options = self._bracketed()
            for at, word in enumerate(options):
                if word == "packed" and options[at + 1 : at + 2] == ["="]:
                    field.options.packed = options[at + 2] == "true"
        self._take(";")

    def _enum(self, found: pb.EnumDescriptorProto) -> None:
        found.name = self._next()
        self._take("{")

        def value(word: str) -> None:
            if word == "option" and self._peek() != "=":
                if self._peek() == "allow_alias":
                    found.options.allow_alias = True
                self._skip()
            elif word == "reserved" and self._peek() != "=":
                self._skip()
            else:
                self._take("=")
                sign = -1 if self._peek() == "-" and self._next() else 1
                found.value.add(name=word, number=sign * int(self._next(), 0))
                if self._peek() == "[":
                    self._bracketed()
                self._take(";")

        self._block(value)

    def _block(self, each: Callable[[str], None]) -> None:
        while (word := self._next()) != "}":
            if word != ";":
                each(word)

    def _skip(self) -> None:
        """Up to the end of a statement: its semicolon, or the end of its block."""
        while self._at < len(self._tokens):
            word = self._peek()
            if word in _CLOSING:
                self._bracketed()
                if word == "{":
                    if self._peek() == ";":
                        self._at += 1
                    return
            elif self._next() == ";":
                return

    def _bracketed(self) -> list[str]:
        """What stands between the bracket that comes next and the one that closes it."""
        open_, start = [_CLOSING[self._next()]], self._at
        while open_:
            word = self._next()
            if word in _CLOSING:
                open_.append(_CLOSING[word])
            elif word == open_[-1]:
                open_.pop()
        return self._tokens[start : self._at - 1]

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise ValueError("it ends too soon")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, wanted: str) -> None:
        found = self._next()
        if found != wanted:
            raise ValueError(f"expected {wanted!r}, got {found!r}")

    def _text(self) -> str:
        return str(ast.literal_eval(self._next()))


def _typed(field: pb.FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type_name = kind
