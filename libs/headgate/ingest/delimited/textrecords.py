"""The exact look at one delimited record: its fields by the header's names, typed or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.core.errors import ContractError
from headgate.core.settings import Settings
from headgate.ingest import values
from headgate.ingest.delimited import texts
from headgate.ingest.delimited.dialect import Dialect
from headgate.ingest.delimited.fields import Endless, Field, Malformed, Splitter
from headgate.ingest.exact import RAW_KEPT, RESCUED
from headgate.ingest.readers.base import ExactRow, Reason, Unsafe

#: Stands in raw text between a record and its file's header, so that it can be read by itself.
#: Raw text without it is no more than a view of the record.
HEADER_MARK = "\n\x1e"


@dataclass(frozen=True)
class Header:
    """The names of a file's fields in order, the header as written, and why it cannot be used."""

    names: tuple[str, ...]
    text: str = ""
    fault: str = ""


class TextRecords:
    """Types delimited records one by one, for one contract and any header.

    Raises:
        ContractError: a column is no plain field of the record.
    """

    def __init__(self, contract: Contract, dialect: Dialect, settings: Settings) -> None:
        self.splitter = Splitter(dialect, settings.max_record_bytes, settings.max_fields)
        self._dialect = dialect
        self.encoding = dialect.encoding  # what the file is in, whatever mark it has
        self._columns = contract.columns
        self._max = settings.max_record_bytes
        self.fields = _field_names(contract)
        found = mapping(contract)
        ignored = {place.steps[0] for place in found.ignored if len(place.steps) == 1}
        self._asked = {*self.fields.values(), *ignored}
        self._of_text = {c.name for c in contract.columns if c.type == "string"}
        self._converters = {c.name: texts.converter(c.type, dialect) for c in contract.columns}
        self.header = Header(tuple(self.fields.values()))
        self.unknown: tuple[str, ...] = ()

    def use(self, raw: bytes | None, *, alone: bool = False) -> None:
        """Take the names from ``raw``, the header's record; None: as many as the contract has.

        ``alone``: no record follows it. Where it lacks fields and has others instead, a lost line
        break may have made records a part of it.
        """
        if raw is not None:
            self.header = self._header(raw)
            strange = [n for n in self.header.names if n not in self._asked]
            if alone and strange and self._asked - {*self.header.names} and not self.header.fault:
                told = f"no record follows, and {strange[-1][:100]!r} is no field of the contract"
                self.header = Header(self.header.names, self.header.text, told)
        self.unknown = tuple(n for n in self.header.names if n not in self._asked)
        places = {name: index for index, name in enumerate(self.header.names)}
        self.places = {c.name: places.get(self.fields[c.name]) for c in self._columns}
        #: The place of each field that no column takes, by name.
        self.unknown_places = {n: places[n] for n in sorted(self.unknown)}
        used: dict[int, bool] = dict.fromkeys(self.unknown_places.values(), True)
        for column in self._columns:
            place = self.places[column.name]
            if place is not None:
                used[place] = used.get(place, False) or column.name in self._of_text
        #: The fields to take, by their place, and whether they are of text.
        self.taken = dict(sorted(used.items()))
        self._blank: dict[str, object] = dict.fromkeys([*self.fields, RESCUED])

    def _header(self, raw: bytes) -> Header:
        if len(raw) > self._max:
            return Header((), "", f"it is longer than {self._max} bytes")
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "backslashreplace")
        try:
            raw.decode()
            given = [field.text for field in self.splitter.fields(text)]
        except UnicodeDecodeError:
            return Header((), text, "it holds bytes that are not of its encoding")
        except Endless as error:
            raise Unsafe(Reason("too_many_fields", None, f"the header has {error}")) from None
        except Malformed as error:
            return Header((), text, str(error))
        names = tuple(name or f"column {number}" for number, name in enumerate(given, 1))
        twice = next((n for n, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            return Header(names, text, f"it names {twice!r} twice")
        if not {*names} & {*self.fields.values()}:
            told = ", ".join(map(repr, names[:5]))
            return Header(names, text, f"none of its names is the contract's: {told}")
        return Header(names, text)

    def read(self, position: int, raw: bytes, *, ended: bool = True, size: int = 0) -> ExactRow:
        """The record ``raw`` (without its line feed), typed or refused.

        ``ended`` is False for a last record without a line end; ``size`` is the record's length
        in bytes where ``raw`` is only its beginning.
        """
        if len(raw) > self._max or size:
            text = raw[:RAW_KEPT].decode("utf-8", "backslashreplace")
            detail = f"{max(size, len(raw))} bytes, at most {self._max} are read"
            return _refused(position, text, "line_too_long", detail)
        raw = raw.removesuffix(b"\r")
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return self._undecodable(position, raw, error, ended)
        whole = text + HEADER_MARK + self.header.text
        if self.header.fault:
            return _refused(position, whole, "bad_header", self.header.fault)
        blank = not text.strip() and self._dialect.delimiter not in text
        if blank and len(self.header.names) > 1:
            return _refused(position, whole, "empty_line", "no record")
        try:
            fields = self.splitter.fields(text)
        except Endless as error:
            told = f"expected {len(self.header.names)} fields, got {error}"
            return _refused(position, whole, "field_count", told)
        except Malformed as error:
            code = "malformed_csv" if ended else "truncated"
            return _refused(position, whole, code, str(error))
        if len(fields) != len(self.header.names):
            short = len(fields) < len(self.header.names)
            code = "truncated" if short and not ended else "field_count"
            detail = f"expected {len(self.header.names)} fields, got {len(fields)}"
            return _refused(position, whole, code, detail)
        return self._typed(position, whole, fields)

    def _typed(self, position: int, whole: str, fields: Sequence[Field]) -> ExactRow:
        found = dict(self._blank)
        reasons: list[Reason] = []
        for name, place in self.places.items():
            if place is None or self._is_null(fields[place], name in self._of_text):
                continue
            try:
                found[name] = self._converters[name](fields[place].text)
            except values.Unfit as unfit:
                reasons.append(Reason(unfit.code, name, unfit.detail))
        rest = {
            n: fields[at].text
            for n, at in self.unknown_places.items()
            if not self._is_null(fields[at], True)
        }
        warnings = tuple(
            Reason("unknown_field", None, f"field {n!r} is not in the contract") for n in rest
        )
        if reasons:
            return ExactRow(position, whole, None, tuple(reasons), warnings)
        if rest:
            found[RESCUED] = hjson.dumps(rest)
        return ExactRow(position, whole, found, (), warnings)

    def _is_null(self, field: Field, of_text: bool) -> bool:
        may = self._dialect.quoted_nulls or not (field.quoted and of_text)
        return may and field.text in self._dialect.nulls

    def _undecodable(
        self, position: int, raw: bytes, error: UnicodeDecodeError, ended: bool
    ) -> ExactRow:
        text = raw.decode("utf-8", "backslashreplace")
        if self.encoding != "utf-8":
            detail = f"not {self.encoding} at offset {error.start} of the record"
            return _refused(position, text, "undecodable", detail)
        cut = not ended and error.reason == "unexpected end of data"
        detail = f"byte {raw[error.start]:#04x} at offset {error.start}: {error.reason}"
        return _refused(position, text, "truncated" if cut else "invalid_utf8", detail)


def _refused(position: int, raw: str, code: str, detail: str) -> ExactRow:
    return ExactRow(position, raw, None, (Reason(code, None, detail),))


def _field_names(contract: Contract) -> dict[str, str]:
    """The header's name of each column."""
    found = {}
    for name, place in mapping(contract).columns.items():
        if place.level or len(place.steps) != 1:
            raise ContractError(
                f"column {name!r}: a record of {contract.source.format if contract.source else ''} "
                "has fields, and no fields in them.",
                remedy="Name the field as the header does.",
                place=str(contract.path),
            )
        found[name] = place.steps[0]
    return found
