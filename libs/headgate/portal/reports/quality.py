"""How well the data of a domain or an owner held what was promised, over some days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headgate.core import ids
from headgate.core import json as hjson
from headgate.portal.reports.periods import Period, Scope

if TYPE_CHECKING:
    from headgate.portal.knowing.known import Known
    from headgate.portal.knowing.summary import Summary
    from headgate.portal.reports.counting import Counts

#: What is counted, in words: on pages, in the PDF and in the evidence.
COUNTED = (
    "The score is the share of rule verdicts that held: each rule of a contract counts once for each"
    " batch that it judged, whatever its severity and whether the batch was published or refused."
    " Days are UTC days of the verdict. Batches that bring nothing new (restores, audits, rebuilds,"
    " compactions) count no rows."
)
_SUMS = "sum(batches), sum(refused_batches), sum(read), sum(published), sum(quarantined), sum(deduplicated), sum(refused)"  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """Sums over some batches: of rule verdicts, of batches, and of rows, for which
    ``read = published + quarantined + deduplicated + refused``."""

    judged: int = 0
    held: int = 0
    batches: int = 0
    refused_batches: int = 0
    read: int = 0
    published: int = 0
    quarantined: int = 0
    deduplicated: int = 0
    refused: int = 0

    @property
    def score(self) -> float | None:
        """The share of verdicts that held; None if nothing was judged."""
        return self.held / self.judged if self.judged else None

    @property
    def values(self) -> tuple[int, ...]:
        """The sums in order."""
        return (self.judged, self.held, self.batches, self.refused_batches, self.read,
                self.published, self.quarantined, self.deduplicated, self.refused)  # fmt: skip


NAMES = ("judged", "held", "batches", "refused_batches", "read", "published", "quarantined",
         "deduplicated", "refused")  # fmt: skip


@dataclass(frozen=True)
class RuleFigures:
    """A rule that was broken: by how many batches (``times``) and rows (``breaches``), last when.

    ``written`` is False for what every contract has, such as that a record can be read.
    """

    dataset: str
    rule: str
    kind: str
    severity: str
    column: str | None
    written: bool
    times: int
    breaches: int
    last_at: datetime


@dataclass(frozen=True)
class Report:
    """The figures of a scope over a period, and how its datasets are now.

    ``rules`` are the broken ones, the worst first. ``late`` and ``waiting`` (open quarantine) are as
    of ``at``, whatever the period; they are no part of what is signed.
    """

    scope: Scope
    period: Period
    at: datetime
    datasets: Mapping[str, Figures]
    days: Mapping[date, Figures]
    rules: tuple[RuleFigures, ...]
    late: tuple[Summary, ...]
    waiting: tuple[Summary, ...]

    @cached_property
    def total(self) -> Figures:
        """The sums over all datasets."""
        return added(self.datasets.values())

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What is signed: every sum by dataset and every broken rule, as plain values."""
        return {
            "scope": self.scope.subject,
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "datasets": {d: list(f.values) for d, f in self.datasets.items()},
            "broken": [[r.dataset, r.rule, r.severity, r.times, r.breaches]
                       for r in sorted(self.rules, key=lambda r: (r.dataset, r.rule))],
        }  # fmt: skip

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the figures."""
        return digest(self.figures)


@dataclass(frozen=True)
class Standing:
    """A domain or owner in the list of all: how many datasets, their sums, and how they are now."""

    scope: Scope
    datasets: int
    figures: Figures
    late: int
    waiting: int


def report(counts: Counts, known: Known, scope: Scope, period: Period) -> Report:
    """The quality report of a scope over a period."""
    mine = {s.id: s for s in known.datasets.values() if _of(s, scope.kind) == scope.name}
    named, days = list(mine), [period.first, period.last]
    sums = _sums(counts, named, days, "dataset")
    per_day = _sums(counts, named, days, "day")
    every = [period.first + timedelta(days=n) for n in range(period.days)]
    broken = counts.rows(
        "SELECT dataset, rule, any_value(kind), any_value(severity), any_value(field),"
        " bool_and(written), sum(times)::BIGINT, sum(breaches)::BIGINT, max(last_at) FROM broken"
        " WHERE list_contains(?, dataset) AND day BETWEEN ? AND ? GROUP BY 1, 2"
        " ORDER BY 8 DESC, 7 DESC, 1, 2",
        [named, *days],
    )
    return Report(
        scope, period, known.at,
        {d: sums.get(d, Figures()) for d in sorted(mine)},
        {day: per_day.get(day, Figures()) for day in every},
        tuple(RuleFigures(*row) for row in broken),
        tuple(s for s in mine.values() if s.fresh is False),
        tuple(s for s in mine.values() if s.open_quarantine),
    )  # fmt: skip


def standings(counts: Counts, known: Known, kind: str, period: Period) -> list[Standing]:
    """Every domain or every owner, the worst score first, those without any last."""
    sums = _sums(counts, None, [period.first, period.last], "dataset")
    groups: dict[str, list[Summary]] = {}
    for summary in known.datasets.values():
        groups.setdefault(_of(summary, kind), []).append(summary)
    found = [
        Standing(
            Scope(kind, name), len(mine),
            added(sums[s.id] for s in mine if s.id in sums),
            sum(s.fresh is False for s in mine), sum(bool(s.open_quarantine) for s in mine),
        )
        for name, mine in groups.items()
    ]  # fmt: skip
    return sorted(found, key=lambda s: (*_worst(s.figures), s.scope.name))


def _worst(figures: Figures) -> tuple[bool, float]:
    return figures.score is None, figures.score or 0.0


def added(several: Any) -> Figures:
    """The sums of several figures."""
    rows = [f.values for f in several]
    return Figures(*(sum(column) for column in zip(*rows, strict=True))) if rows else Figures()


def digest(figures: Mapping[str, Any]) -> str:
    """SHA-256 of figures in their canonical form."""
    return ids.digest(hjson.dumps(figures))


def signed_figures(figures: Mapping[str, Any]) -> dict[str, Figures]:
    """By dataset, the sums of figures that were signed."""
    return {d: Figures(*values) for d, values in figures["datasets"].items()}


def _of(summary: Summary, kind: str) -> str:
    return summary.domain if kind == "domain" else summary.owner


def _sums(
    counts: Counts, datasets: Sequence[str] | None, days: Sequence[date], by: str
) -> dict[Any, Figures]:
    where, given = "day BETWEEN ? AND ?", list[Any](days)
    if datasets is not None:
        where, given = f"{where} AND list_contains(?, dataset)", [*given, list(datasets)]
    judged = counts.rows(f"SELECT {by}, sum(judged), sum(held) FROM judged WHERE {where} GROUP BY 1", given)  # fmt: skip
    batches = counts.rows(f"SELECT {by}, {_SUMS} FROM batches WHERE {where} GROUP BY 1", given)
    found: dict[Any, tuple[int, ...]] = {key: (int(a), int(b)) for key, a, b in judged}
    sums = {key: tuple(map(int, rest)) for key, *rest in batches}
    return {
        key: Figures(*found.get(key, (0, 0)), *sums.get(key, (0,) * 7))
        for key in found.keys() | sums.keys()
    }
