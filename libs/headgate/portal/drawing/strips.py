"""Strips: how each rule did in each batch, a row a rule and a box a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from headgate.portal.drawing import chart
from headgate.portal.drawing.chart import Chart

#: What an outcome is drawn as: the class that colours it, and the sign in the box.
SIGNS: Mapping[str, tuple[str, str]] = {
    "held": ("good", ""),
    "published": ("good", ""),
    "warned": ("warn", "!"),
    "broken": ("bad", "×"),
    "quarantined": ("warn", "!"),
    "refused": ("bad", "×"),
    "unknown": ("none", "?"),
}
_NAMES = 230.0
_TALL, _MOST_WIDE = 22.0, 26.0
_MOST = 60


def outcomes(
    title: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str | None]]],
    *,
    of: str = "rule",
    shown: Sequence[Any] = (),
    heads: Sequence[str] = (),
) -> Chart:
    """A grid of boxes, each with a sign where its outcome is not good.

    Args:
        title: what the chart is about.
        columns: names of batches or moments, the oldest first; the last 60 count.
        rows: a rule and its outcome in each of them (a key of :data:`SIGNS`, or other words), None
            where it was not judged.
        of: what a row is.
        shown: instead of the rules' names what the table of figures says, such as links.
        heads: heads of the table's columns, if other than the names.
    """
    begin = max(len(columns) - _MOST, 0)
    columns, heads = columns[begin:], (heads or columns)[begin:]
    cells = [(name, list(found)[begin:]) for name, found in rows]
    step = min((chart.WIDTH - _NAMES) / max(len(columns), 1), _MOST_WIDE)
    parts: list[Markup] = []
    for number, (name, found) in enumerate(cells):
        y = number * _TALL
        short = name if len(name) <= 34 else f"{name[:33]}…"
        parts.append(chart.text(_NAMES - 8, y + 15, short, anchor="end"))
        for at, outcome in enumerate(found):
            parts += _box(_NAMES + at * step, y, step, outcome, f"{name}, {columns[at]}")
    floor = len(cells) * _TALL
    for number in chart.few(columns, max(int(len(columns) * step // 90), 1)):
        anchor = "start" if number == 0 else "end" if number == len(columns) - 1 else "middle"
        x = _NAMES + (number + (0.0 if number == 0 else 1.0)) * step
        parts.append(chart.text(x, floor + 14, columns[number], anchor=anchor))
    counts = Counter(o for _, found in cells for o in found if o is not None)
    about = f"{len(cells)} of {of}, {len(columns)} columns. " + ", ".join(
        f"{word}: {count}" for word, count in sorted(counts.items())
    )
    names = shown or [name for name, _ in rows]
    return Chart(
        chart.drawn(title, about, floor + 22, parts),
        (of, *heads),
        tuple(
            (name, *(o or "–" for o in found))
            for name, (_, found) in zip(names, cells, strict=True)
        ),
    )


def _box(x: float, y: float, step: float, outcome: str | None, where: str) -> list[Markup]:
    if outcome is None:
        return [chart.text(x + step / 2, y + 15, "·")]
    kind, sign = SIGNS.get(outcome, ("none", "?"))
    box = Markup(
        '<rect class="box {}" x="{}" y="{}" width="{}" height="18" rx="2"><title>{}: {}</title></rect>'
    ).format(
        kind, chart.trim(x + 1), chart.trim(y + 2), chart.trim(max(step - 2, 1.0)), where, outcome
    )
    return [box, chart.text(x + step / 2, y + 15, sign, kind="sign")] if sign else [box]
