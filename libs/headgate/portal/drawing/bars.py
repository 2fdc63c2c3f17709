"""Bars: what became of the rows of each batch, and who has how many of something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from headgate.portal import wording
from headgate.portal.drawing import chart
from headgate.portal.drawing.chart import LEFT, RIGHT, Chart, Series

#: What becomes of rows, as accounts have it.
ACCOUNT = (
    Series("published", "published"),
    Series("quarantined", "quarantined"),
    Series("deduplicated", "deduplicated"),
    Series("refused", "refused"),
)
_TOP, _PLOT = 26.0, 170.0
_MOST = 200


def stacked(
    title: str,
    bars: Sequence[tuple[str, Sequence[float]]],
    *,
    series: Sequence[Series] = ACCOUNT,
    of: str = "batch",
    shown: Sequence[Any] = (),
) -> Chart:
    """Bars side by side, each of several quantities on top of one another.

    Args:
        title: what the chart is about.
        bars: a name (under the bar) and a value of each series; the oldest first. The last 200 count.
        series: what the values are.
        of: what a bar is, as head of the first column of figures.
        shown: instead of the names what the table of figures says, such as links.
    """
    begin = max(len(bars) - _MOST, 0)
    names = shown[begin:] if shown else [name for name, _ in bars[begin:]]
    bars = bars[begin:]
    scale = chart.ticks(max((sum(values) for _, values in bars), default=0.0))
    floor = _TOP + _PLOT
    parts = [*chart.legend(series, 12.0), *_grid(scale)]
    step = (RIGHT - LEFT) / max(len(bars), 1)
    wide = min(step * 0.75, 48.0)
    written = set(chart.few([name for name, _ in bars]))
    for number, (name, values) in enumerate(bars):
        middle = LEFT + (number + 0.5) * step
        told = ", ".join(
            f"{one.name} {wording.number(v)}" for one, v in zip(series, values, strict=True) if v
        )
        parts.append(Markup("<g><title>{}: {}</title>").format(name, told or "no rows"))
        y = floor
        for one, value in zip(series, values, strict=True):
            tall = value / scale[-1] * _PLOT
            if value > 0:
                # A handful of rows beside millions is still to be seen.
                tall = max(tall, 1.5)
                parts += chart.swatch(one.kind, middle - wide / 2, y - tall, wide, tall)
                y -= tall
        parts.append(Markup("</g>"))
        if number in written:
            parts.append(chart.text(middle, floor + 16, name))
    totals = [sum(values[n] for _, values in bars) for n in range(len(series))]
    about = f"{len(bars)} bars. In all: " + ", ".join(
        f"{one.name} {wording.number(total)}" for one, total in zip(series, totals, strict=True)
    )
    return Chart(
        chart.drawn(title, about, floor + 24, parts),
        (of, *(one.name for one in series)),
        tuple((name, *values) for name, (_, values) in zip(names, bars, strict=True)),
    )


def ranked(
    title: str,
    bars: Sequence[tuple[str, float]],
    *,
    what: str,
    of: str = "name",
    kind: str = "one",
    shown: Sequence[Any] = (),
) -> Chart:
    """Bars below one another, each with its name and its number; ``what`` is counted."""
    names = shown or [name for name, _ in bars]
    most = max((value for _, value in bars), default=0.0) or 1.0
    parts: list[Markup] = []
    for number, (name, value) in enumerate(bars):
        y = number * 26.0
        long = max(value / most * 400.0, 1.0) if value else 0.0
        short = name if len(name) <= 32 else f"{name[:31]}…"
        parts.append(chart.text(232, y + 17, short, anchor="end"))
        parts += chart.swatch(kind, 240, y + 5, long, 16)
        parts.append(chart.text(246 + long, y + 17, wording.number(value), anchor="start"))
    about = f"{len(bars)} bars, of {what}; the longest is {wording.number(most)}."
    return Chart(
        chart.drawn(title, about, max(len(bars) * 26.0, 26.0), parts),
        (of, what),
        tuple((name, value) for name, (_, value) in zip(names, bars, strict=True)),
    )


def _grid(scale: Sequence[float]) -> list[Markup]:
    parts = []
    for value in scale:
        y = _TOP + _PLOT - value / scale[-1] * _PLOT
        parts.append(chart.line(LEFT, y, RIGHT, y, "axis" if not value else "grid"))
        parts.append(chart.text(LEFT - 6, y + 4, _short(value), anchor="end"))
    return parts


def _short(value: float) -> str:
    """A number that fits beside an axis."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
