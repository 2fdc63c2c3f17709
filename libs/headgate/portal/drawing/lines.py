"""Lines: how something went over time, such as the share of rules that held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup

from headgate.portal import wording
from headgate.portal.drawing import chart
from headgate.portal.drawing.chart import LEFT, RIGHT, Chart, Series

_TOP, _PLOT = 26.0, 150.0
#: Where there are no more points than that each gets a mark.
_MARKED = 80
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 4")


def series(
    title: str,
    points: Sequence[tuple[datetime, Sequence[float | None]]],
    *,
    series: Sequence[Series],
    as_share: bool = False,
    limit: float | None = None,
    limit_name: str = "promised",
    of: str = "time (UTC)",
) -> Chart:
    """Lines over time, as far from one another as the moments are.

    Args:
        title: what the chart is about.
        points: a moment and a value of each series, None where it is not known; the oldest first.
        series: what the values are.
        as_share: values are shares of 1, written in per cent; the scale ends at 100 %.
        limit: a value that is marked by a line across, such as what a contract promises.
        limit_name: what that value is.
        of: head of the first column of figures.
    """
    write: Callable[[float | None], Any] = wording.share if as_share else wording.number
    known = [v for _, values in points for v in values if v is not None]
    most = 1.0 if as_share else max([*known, limit or 0.0], default=0.0)
    scale = [0.0, 0.25, 0.5, 0.75, 1.0] if as_share else chart.ticks(most)
    place = _Place([at for at, _ in points], scale[-1])
    parts = [*chart.legend(series, 12.0), *_grid(scale, write)]
    if limit is not None:
        y = place.y(limit)
        parts.append(chart.line(LEFT, y, RIGHT, y, "limit"))
        label = f"dashed across: {limit_name} {write(limit)}"
        parts.append(chart.text(RIGHT, 12, label, anchor="end", kind="key"))
    for number, one in enumerate(series):
        own = [(at, values[number]) for at, values in points]
        parts += _line(own, one, place, _DASHES[number % len(_DASHES)], write)
    days = [at.strftime("%Y-%m-%d") for at, _ in points]
    for number in chart.few(days, 5):
        anchor = "start" if number == 0 else "end" if number == len(days) - 1 else "middle"
        anchor = "middle" if len(days) == 1 else anchor
        parts.append(
            chart.text(place.x(points[number][0]), _TOP + _PLOT + 16, days[number], anchor=anchor)
        )
    return Chart(
        chart.drawn(title, _about(points, series, write), _TOP + _PLOT + 24, parts),
        (of, *(one.name for one in series)),
        tuple((wording.time(at), *(write(v) for v in values)) for at, values in points),
    )


class _Place:
    """Where a moment and a value stand."""

    def __init__(self, moments: Sequence[datetime], most: float) -> None:
        self._first = min(moments, default=None)
        last = max(moments, default=None)
        self._seconds = (last - self._first).total_seconds() if last and self._first else 0.0
        self._most = most

    def x(self, at: datetime) -> float:
        if self._first is None or self._seconds <= 0:
            return (LEFT + RIGHT) / 2
        return LEFT + 6 + (at - self._first).total_seconds() / self._seconds * (RIGHT - LEFT - 12)

    def y(self, value: float) -> float:
        return _TOP + _PLOT - min(max(value / self._most, 0.0), 1.0) * _PLOT


def _line(
    own: Sequence[tuple[datetime, float | None]],
    one: Series,
    place: _Place,
    dashes: str,
    write: Callable[[float | None], Any],
) -> list[Markup]:
    """One line, with a gap wherever nothing is known."""
    strokes, marks, begins = [], [], True
    for at, value in own:
        if value is None:
            begins = True
            continue
        x, y = place.x(at), place.y(value)
        strokes.append(f"{'M' if begins else 'L'}{chart.trim(x)} {chart.trim(y)}")
        begins = False
        if len(own) <= _MARKED:
            told = f"{one.name}, {at:%Y-%m-%d %H:%M} UTC: {write(value)}"
            marks.append(
                Markup(
                    '<circle class="fill {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>'
                ).format(one.kind, chart.trim(x), chart.trim(y), told)
            )
    dashed = Markup(' stroke-dasharray="{}"').format(dashes) if dashes else ""
    path = Markup('<path class="stroke {}" d="{}"{}/>').format(one.kind, "".join(strokes), dashed)
    return [path, *marks] if strokes else []


def _grid(scale: Sequence[float], write: Callable[[float | None], Any]) -> list[Markup]:
    parts = []
    for value in scale:
        y = _TOP + _PLOT - value / scale[-1] * _PLOT
        parts.append(chart.line(LEFT, y, RIGHT, y, "axis" if not value else "grid"))
        parts.append(chart.text(LEFT - 6, y + 4, write(value), anchor="end"))
    return parts


def _about(
    points: Sequence[tuple[datetime, Sequence[float | None]]],
    series: Sequence[Series],
    write: Callable[[float | None], Any],
) -> str:
    told = [f"{len(points)} points in time."]
    for number, one in enumerate(series):
        own = [values[number] for _, values in points if values[number] is not None]
        if own:
            told.append(f"{one.name}: from {write(own[0])} to {write(own[-1])}.")
    return " ".join(told)
