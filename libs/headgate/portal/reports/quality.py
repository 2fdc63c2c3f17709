"""How well the data of a domain or an owner held what was promised, over some days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headgate.core import ids
from headgate.core import json as hjson
from headgate.portal.reports.periods import KINDS, Period, Scope

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
#: The tables of sums, and which of them each has.
_COUNTED_IN = (("day_judged", NAMES[:2]), ("day_batches", NAMES[2:]))


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
    sums, per_day = _sums(counts, named, days)
    every = [period.first + timedelta(days=n) for n in range(period.days)]
    broken = counts.rows(
        "SELECT dataset, rule, any_value(kind), any_value(severity), any_value(field),"
        " bool_and(written), sum(times)::BIGINT, sum(breaches)::BIGINT, max(last_at) FROM broken"
        " WHERE dataset IN (SELECT unnest(?)) AND day BETWEEN ? AND ? GROUP BY 1, 2"
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


def standings(counts: Counts, known: Known, period: Period) -> dict[str, list[Standing]]:
    """By ``domain`` and ``owner``: every one of them, the worst score first, those without any last."""
    groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in known.datasets.values():
        groups.setdefault((summary.domain, summary.owner), []).append(summary)
    sums = _by_group(counts, groups, period)
    return {kind: _standings(groups, sums, place) for place, kind in enumerate(KINDS)}


def _by_group(
    counts: Counts, groups: Mapping[tuple[str, str], Sequence[Summary]], period: Period
) -> dict[tuple[str, str], Figures]:
    """Sums by domain and owner at once: there are few of these, and ten thousand datasets."""
    keys, numbers = list(groups), counts.numbers
    mine = [
        (numbers[s.id], place)
        for place, key in enumerate(keys)
        for s in groups[key]
        if s.id in numbers
    ]
    given = [period.first, period.last, [n for n, _ in mine], [g for _, g in mine]]
    asked = (
        "WITH s AS (SELECT n, {sums} FROM {table} WHERE day BETWEEN ? AND ? GROUP BY n)"
        " SELECT g, {again} FROM s JOIN"
        " (SELECT unnest(?::INT[]) AS n, unnest(?::INT[]) AS g) m ON m.n = s.n GROUP BY g"
    )
    found = {place: [0] * len(NAMES) for place in range(len(keys))}
    for table, names in _COUNTED_IN:
        sums = ", ".join(f"sum({n}) AS {n}" for n in names)
        again = ", ".join(f"sum(s.{n})::BIGINT" for n in names)
        for place, *values in counts.rows(asked.format(table=table, sums=sums, again=again), given):
            start = NAMES.index(names[0])
            found[place][start : start + len(names)] = values
    return {key: Figures(*found[place]) for place, key in enumerate(keys)}


def _standings(
    groups: Mapping[tuple[str, str], Sequence[Summary]],
    sums: Mapping[tuple[str, str], Figures],
    place: int,
) -> list[Standing]:
    parts: dict[str, list[tuple[str, str]]] = {}
    for key in groups:
        parts.setdefault(key[place], []).append(key)
    found = []
    for name, keys in parts.items():
        mine = [s for key in keys for s in groups[key]]
        found.append(
            Standing(
                Scope(KINDS[place], name), len(mine), added(sums[key] for key in keys),
                sum(s.fresh is False for s in mine), sum(bool(s.open_quarantine) for s in mine),
            )
        )  # fmt: skip
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
    counts: Counts, datasets: Sequence[str], days: Sequence[date]
) -> tuple[dict[str, Figures], dict[date, Figures]]:
    """Sums over some datasets, by dataset and by day."""
    numbers = counts.numbers
    names = {numbers[d]: d for d in datasets if d in numbers}
    asked = (
        "SELECT n, day, {sums} FROM {table} WHERE day BETWEEN ? AND ?"
        " AND n IN (SELECT unnest(?::INT[])) GROUP BY GROUPING SETS ((n), (day))"
    )
    found: dict[int | date, list[int]] = {}
    for table, columns in _COUNTED_IN:
        sums, start = ", ".join(f"sum({c})" for c in columns), NAMES.index(columns[0])
        query = asked.format(table=table, sums=sums)
        for n, day, *values in counts.rows(query, [*days, list(names)]):
            into = found.setdefault(day if n is None else n, [0] * len(NAMES))
            into[start : start + len(columns)] = map(int, values)
    figures = {key: Figures(*values) for key, values in found.items()}
    return (
        {names[key]: one for key, one in figures.items() if isinstance(key, int)},
        {key: one for key, one in figures.items() if isinstance(key, date)},
    )
