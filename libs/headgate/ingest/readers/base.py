"""What every reader promises: a fast scan of proven rows, an exact second look, and a count."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from headgate.core.errors import ContractError, RefusedError, UsageError

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt

    from headgate.contracts.model import Contract
    from headgate.core.settings import Settings

    Positions = npt.NDArray[np.int64]
else:
    Positions = object

#: Why a record is refused: every code, and what it means.
REASONS: Mapping[str, str] = {
    "malformed_json": "the record is not JSON",
    "truncated": "the file ends inside the record",
    "invalid_utf8": "the record holds bytes that are not UTF-8",
    "empty_line": "the line is empty or only white space",
    "not_an_object": "the record is JSON, but not an object",
    "no_records": "where the contract says that the records stand there is no array or object",
    "duplicate_field": "an object of the record names one field twice",
    "type_mismatch": "the value is of another kind than the contract says",
    "lossy_number": "the type cannot hold the number without changing it",
    "invalid_timestamp": "the text is not an ISO 8601 instant in the years 1 to 9999",
    "invalid_date": "the text is not a date YYYY-MM-DD in the years 1 to 9999",
    "nesting_too_deep": "the record nests deeper than the setting max_nesting",
    "line_too_long": "the record is longer than the setting max_record_bytes",
    "lone_surrogate": "a text holds half of a surrogate pair, which UTF-8 cannot carry",
    "malformed_csv": "quotes or other signs stand where the contract's CSV has none",
    "field_count": "the record has more or fewer fields than its header or contract",
    "bad_header": "the file's header cannot be used, and so none of its records",
    "undecodable": "the record holds bytes that the file's encoding does not have",
    "raw_incomplete": "quarantine keeps the record in part or in other signs, so it is not replayed",
    "corrupt_file": "the file's own structure is damaged; what it holds there cannot be read",
    "corrupt_compression": "the compressed stream is damaged; what follows could not be read",
    "too_many_fields": "the record, or the file's header, has more fields than the setting max_fields",
    "unpacks_too_far": "the file unpacks to more than the setting max_unpack_ratio allows; "
    "nothing of it is read",
    "reader_memory": "reading the file takes more than the setting reader_memory; nothing of it is read",
    "reader_time": "reading the file takes more than the setting reader_seconds; nothing of it is read",
    "reader_output": "reading the file writes more than the setting reader_output; nothing is read",
    "reader_crashed": "reading the file ended the process that did; nothing of it is read",
    "encrypted": "the file is encrypted, and no key of it is known here",
    "undecodable_message": "the message's bytes are not what its schema says, or say what JSON cannot",
    "no_value": "the message has a key and no value, which says in a compacted topic that a key is gone",
    "unknown_schema": "the schema that the message names cannot be had, or not be read by",
}
#: What is told of a record that is taken all the same.
WARNINGS: Mapping[str, str] = {
    "unknown_field": "a field that the contract does not name; kept in _rescued",
}


@dataclass(frozen=True)
class SourceFile:
    """A file to take: ``name`` is its path as shown; ``size`` in bytes as stored;
    ``compression`` is ``none``, ``gzip`` or ``zstd``."""

    path: Path
    name: str
    size: int
    compression: str = "none"


class Reason(NamedTuple):
    """Why a record was refused (or warned of): a code of ``REASONS`` or ``WARNINGS``, the
    contract's column if one is at fault, and a sentence's worth of detail."""

    code: str
    column: str | None
    detail: str


class Unsafe(RefusedError):
    """A file that is not read at all, or not on: it is one record, refused for ``reason``.

    Any part of a reader may raise it. What the file holds is then set aside as a whole.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.detail)
        self.reason = reason


class ExactRow(NamedTuple):
    """A record after the exact look: ``values`` by column name (``_rescued`` last), typed as
    the contract says, or None with the ``reasons``; ``raw`` shows undecodable bytes as
    ``\\xNN``. Values: str, int, float, bool, Decimal, date, aware UTC datetime, list, None."""

    position: int
    raw: str
    values: Mapping[str, object] | None
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Scan:
    """A relation that can be read once.

    ``relation`` is a parenthesised DuckDB query: the contract's columns, typed, then ``_rescued``
    (VARCHAR, NULL) and ``_position`` (BIGINT, from 1). Only rows proven to be exact come out.
    ``settings`` must be in force on the connection while it is read.
    """

    relation: str
    settings: Mapping[str, str] = field(default_factory=dict)


class Reader(Protocol):
    """One open source file.

    Call :meth:`scan`, read its relation to the end, then :meth:`exact` with the positions in
    1..``read`` that did not come out. ``read`` and ``content_hash`` hold once the relation has
    been read to its end.
    """

    #: Records in the file, counted by the reader and not by the SQL.
    read: int
    #: SHA-256 (hex) of the bytes as delivered.
    content_hash: str
    #: Remarks for the log, such as a byte order mark that was skipped.
    notes: tuple[str, ...]

    @property
    def control_total(self) -> tuple[int | None, int] | None:
        """How many records the source says there are (None: it does not say so where it should),
        and how many there are; None if the contract asks for no such comparison."""
        ...

    def scan(self, con: duckdb.DuckDBPyConnection, *, careful: bool = False) -> Scan:
        """The proven rows, as a relation of ``con``; starts the file from its beginning.

        The engine may fail on a damaged file while the relation is read (``duckdb.Error``). With
        ``careful`` nothing is proven, so that every record is left to :meth:`exact`, which tells
        what is damaged and reads the rest.
        """
        ...

    def exact(self, positions: Positions) -> Iterator[ExactRow]:
        """The records at ``positions`` (1-based, ascending), read without haste, in bounded memory."""
        ...

    def close(self) -> None:
        """Let go of the file and of what was registered with the connection."""
        ...


Opener = Callable[["Contract", SourceFile, "Settings"], Reader]


def formats() -> dict[str, tuple[str, ...]]:
    """Every format there is a reader for, and the file extensions that are its own."""
    from headgate.ingest import readers

    return {
        module.name: _extensions(module.name)
        for module in pkgutil.iter_modules(readers.__path__)
        if module.name != "base"
    }


@lru_cache(maxsize=64)
def _extensions(name: str) -> tuple[str, ...]:
    """A reader's ``EXTENSIONS``, read from its code: a run that takes nothing needs no reader."""
    code = Path(__file__).with_name(f"{name}.py").read_text("utf-8")
    written = re.search(r"^EXTENSIONS = (\([^)]*\))$", code, re.MULTILINE)
    if written:
        return tuple(ast.literal_eval(written[1]))
    found: tuple[str, ...] = importlib.import_module(f"headgate.ingest.readers.{name}").EXTENSIONS
    return found


@lru_cache(maxsize=64)
def engine_opens(name: str) -> bool:
    """Whether the engine itself opens files of a format (``ENGINE_OPENS``), and must be let to."""
    code = Path(__file__).with_name(f"{name}.py")
    return code.is_file() and "\nENGINE_OPENS = True\n" in code.read_text("utf-8")


def open_reader(contract: Contract, source: SourceFile, settings: Settings) -> Reader:
    """The reader of ``contract.source.format`` (a module of this package) on one file.

    Raises:
        ContractError: the contract has no source, or a format that nothing here reads.
        UsageError: the file cannot be opened.
    """
    module = _module(contract)
    opener: Opener = module.open_file
    try:
        return opener(contract, source, settings)
    except OSError as error:
        raise UsageError(
            f"{contract.id}: cannot open {source.name}: {error.strerror or error}.",
            remedy="Check the path and its permissions.",
        ) from None


def _module(contract: Contract) -> ModuleType:
    """The module of the contract's format; an option that the format lacks would be passed over,
    and so is refused."""
    known = formats()
    place = f"{contract.path}#/customProperties/headgate.source"
    kind = contract.source.format if contract.source else ""
    if contract.source is None or kind not in known:
        raise ContractError(
            f"{contract.id}: headgate.source.format {kind!r} has no reader.",
            remedy=f"Use one of {', '.join(sorted(known))}.",
            place=place,
        )
    module = importlib.import_module(f"headgate.ingest.readers.{kind}")
    options: Mapping[str, str] = module.OPTIONS
    unknown = sorted(contract.source.options.keys() - options.keys())
    if unknown:
        raise ContractError(
            f"{contract.id}: headgate.source has an option {unknown[0]!r} that the format {kind} "
            "does not have.",
            remedy=f"It has {', '.join(sorted(options))}.",
            place=place,
        )
    return module


RawReader = Callable[[int, bytes], ExactRow]


def raw_reader(contract: Contract, settings: Settings) -> RawReader:
    """What reads a refused record again: position and raw text, as quarantine keeps it, to a row.

    A format whose raw text is more than one JSON object says so by a ``raw_reader`` of its own.

    Raises:
        ContractError: the source has a format, an option or a column that nothing here can read.
    """
    from headgate.contracts.mapping import mapping
    from headgate.ingest.exact import ExactRecords

    module = _module(contract)
    if own := getattr(module, "raw_reader", None):
        found: RawReader = own(contract, settings)
        return found
    return ExactRecords(
        contract.columns,
        max_nesting=settings.max_nesting,
        max_record_bytes=settings.max_record_bytes,
        max_fields=settings.max_fields,
        places=mapping(contract),
    ).read
