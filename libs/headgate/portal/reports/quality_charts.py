"""The charts of a quality report on its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from headgate.portal.drawing import bars, lines
from headgate.portal.drawing.chart import Chart, Series
from headgate.portal.reports.quality import Figures, Report, added

#: Days beyond which weeks are drawn.
_MOST_DAYS = 100


@dataclass(frozen=True)
class Charts:
    """The score over time, and what became of the rows."""

    scores: Chart
    rows: Chart


def of(report: Report) -> Charts:
    """The charts of a report: by day, or by week where there are many days."""
    weekly = len(report.days) > _MOST_DAYS
    points = weeks(report.days) if weekly else report.days
    word = "week from" if weekly else "day"
    told = points if report.total.judged else {}
    scores = lines.series(
        f"Score by {word}",
        [(datetime.combine(day, time(), UTC), (f.score,)) for day, f in told.items()],
        series=(Series("rule verdicts that held", "one"),),
        as_share=True,
        of=f"{word} (UTC)",
    )
    rows = bars.stacked(
        f"Rows by {word}",
        [
            (day.isoformat()[5:], (f.published, f.quarantined, f.deduplicated, f.refused))
            for day, f in (points if report.total.read else {}).items()
        ],
        of=word,
        shown=[day.isoformat() for day in (points if report.total.read else {})],
    )
    return Charts(scores, rows)


def weeks(days: Mapping[date, Figures]) -> dict[date, Figures]:
    """Sums by week, each known by its Monday."""
    found: dict[date, list[Figures]] = {}
    for day, figures in days.items():
        found.setdefault(day - timedelta(days=day.weekday()), []).append(figures)
    return {monday: added(several) for monday, several in found.items()}
