"""What verifying a lake found: one finding a fault, with its place, how bad it is, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headgate.orchestration.verifying.look import Look

#: Something that was promised is broken.
ERROR = "error"
#: Untidy: nothing is lost, and a run, maintenance or ``--repair`` puts it right.
WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """What a check saw. ``place`` is below the lake; ``severity``, ``remedy`` and ``repair`` are the
    check's own unless given; ``repair`` is empty where nothing may be mended without a person."""

    place: str
    message: str
    dataset: str | None = None
    version: int | None = None
    column: str | None = None
    severity: str | None = None
    remedy: str | None = None
    repair: str | None = None


@dataclass(frozen=True)
class Check:
    """One thing that is looked at: what it promises, and what to do where that is broken.

    ``find`` yields faults. ``deep`` ones read every row. ``repair`` names what ``--repair`` does.
    """

    name: str
    promise: str
    remedy: str
    find: Callable[[Look], Iterator[Fault]]
    severity: str = ERROR
    repair: str = ""
    deep: bool = False

    def findings(self, look: Look) -> Iterator[Finding]:
        """The faults, as they are told."""
        for fault in self.find(look):
            yield Finding(
                check=self.name,
                severity=fault.severity or self.severity,
                place=fault.place,
                message=fault.message,
                remedy=self.remedy if fault.remedy is None else fault.remedy,
                dataset=fault.dataset,
                version=fault.version,
                column=fault.column,
                repair=self.repair if fault.repair is None else fault.repair,
            )


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of the lake; ``repair`` is what ``--repair`` would do, or empty."""

    check: str
    severity: str
    place: str
    message: str
    remedy: str
    dataset: str | None = None
    version: int | None = None
    column: str | None = None
    repair: str = ""


@dataclass(frozen=True)
class Findings:
    """What was found, and over what: tables, versions, files, rows read, and notes worth knowing."""

    findings: tuple[Finding, ...]
    deep: bool
    tables: int = 0
    versions: int = 0
    files: int = 0
    rows: int = 0
    releases: int = 0
    notes: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those that break a promise."""
        return tuple(f for f in self.findings if f.severity == ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Those that are merely untidy."""
        return tuple(f for f in self.findings if f.severity == WARNING)

    @property
    def clean(self) -> bool:
        """Whether nothing at all was found."""
        return not self.findings

    @property
    def exit_code(self) -> int:
        """1 if a promise is broken, else 0."""
        return 1 if self.errors else 0

    @property
    def by_check(self) -> dict[str, int]:
        """How many findings each check has."""
        return dict(sorted(Counter(f.check for f in self.findings).items()))
