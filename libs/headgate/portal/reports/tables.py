"""Reports as CSV: one table a file, each line with what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headgate.portal.records.exceptions import Granted
from headgate.portal.reports import quality, spreadsheet
from headgate.portal.reports.personal_map import Held
from headgate.portal.reports.quality import Report


def of_report(report: Report, granted: Sequence[Granted]) -> str:
    """The figures by dataset; ``excepted`` names the rules that an exception is in force for."""
    excepted: dict[str, list[str]] = {}
    for one in granted:
        excepted.setdefault(one.dataset, []).append(f"{one.rule} until {one.until}")
    heads = ("scope", "from", "to", "as_of", "dataset", "score", *quality.NAMES, "excepted")
    return spreadsheet.text(
        heads,
        (
            (
                report.scope.subject, report.period.first, report.period.last, report.at, dataset,
                figures.score, *figures.values, excepted.get(dataset, []),
            )
            for dataset, figures in report.datasets.items()
        ),
    )  # fmt: skip


def of_personal(columns: Iterable[Held]) -> Iterable[str]:
    """The lines of the map of personal data."""
    heads = ("dataset", "column", "type", "classification", "personal", "owner", "domain",
             "seen_by", "retention_days", "anonymized", "description")  # fmt: skip
    return spreadsheet.lines(
        heads,
        (
            (c.dataset, c.column, c.type, c.classification, c.personal, c.owner, c.domain,
             c.seen_by, c.retention_days, c.anonymized, c.description)
            for c in columns
        ),
    )  # fmt: skip
