"""The exact look at the units of a JSON document, for readers and for the replay of what they
refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from headgate.contracts.mapping import mapping
from headgate.contracts.model import Contract
from headgate.core.errors import ContractError
from headgate.core.settings import Settings
from headgate.ingest.documents.document import Document
from headgate.ingest.exact import ExactRecords
from headgate.ingest.readers.base import ExactRow, Reason
from headgate.ingest.rows import Level, Rows


class Around(NamedTuple):
    """What a document gives its units: values, and what its text puts before and behind one."""

    level: Level
    raw: tuple[str, str]


class Units:
    """Counts and types the records of units for one contract.

    Raises:
        ContractError: a column takes a value that holds the records themselves.
    """

    def __init__(self, contract: Contract, settings: Settings) -> None:
        self.places = mapping(contract)
        for name, where in self.places.columns.items():
            inner = self.places.arrays[where.level :][:1]
            if inner and inner[0][: len(where.steps)] == where.steps:
                raise ContractError(
                    f"{contract.id}: column {name} takes the value that holds the records.",
                    remedy="Take fields beside the records, or one record for the whole.",
                    place=f"{contract.path}#/customProperties/headgate.source",
                )
        self._rows = Rows(contract.columns, self.places)
        self._exact = ExactRecords(
            contract.columns,
            max_nesting=settings.max_nesting,
            max_record_bytes=settings.max_record_bytes,
            max_fields=settings.max_fields,
            places=self.places,
        )
        self.objection = self._exact.objection

    def document(self, document: Document) -> Around:
        """What the document gives its units, as far as it is known by now.

        A column whose value may stand where the document cannot be read has a reason instead.
        """
        level = self._rows.level(0, document.value, document.text)
        reasons = list(level.reasons)
        for order, (name, where) in enumerate(self.places.columns.items()):
            if where.level == 0 and not document.knows(where):
                code = document.damage.code if document.damage else "truncated"
                told = "the file cannot be read up to where it may stand"
                reasons.append((order, Reason(code, name, told)))
        level = level._replace(reasons=tuple(reasons))
        return Around(level, self._rows.wrap(0, level))

    def constants(self, document: Document) -> Mapping[str, object] | None:
        """The values that every record takes from the document; None if one is not known or does
        not fit, so that no record can be proven."""
        around = self.document(document)
        return None if around.level.reasons else around.level.found

    def count(self, raw: bytes, *, ended: bool, size: int) -> int:
        """How many records :meth:`rows` will give."""
        if len(self.places.arrays) < 2:
            return 1
        unit = self._exact.parsed(raw, ended=ended, size=size)
        return 1 if unit.reason else self._rows.count(unit.value)

    def rows(
        self, first: int, around: Around, raw: bytes, *, ended: bool = True, size: int = 0
    ) -> Iterator[ExactRow]:
        """The records of the unit ``raw``, numbered from ``first``."""
        unit = self._exact.parsed(raw, ended=ended, size=size)
        if unit.reason:
            before, behind = around.raw
            yield ExactRow(first, before + unit.text + behind, None, (unit.reason,))
            return
        yield from self._rows.unit(first, around.level, unit.value, unit.text, around.raw)

    def whole(self, document: Document) -> ExactRow:
        """The one record of a document that is not gone through, which was read to its end."""
        return next(self._rows.unit(1, None, document.value, document.text, ("", "")))
