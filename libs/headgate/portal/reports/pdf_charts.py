"""The charts of a report as drawings in a PDF: the same figures that its page draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from reportlab.graphics.shapes import Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import HexColor

from headgate.portal.reports.pdf_fonts import Letters
from headgate.portal.reports.quality import Figures

#: What is stacked in a bar of rows, and its colour.
PARTS = (("published", "#2f6fb3"), ("quarantined", "#d08700"), ("deduplicated", "#7b8494"),
         ("refused", "#b3322c"))  # fmt: skip
_WIDTH, _HEIGHT, _LEFT, _BELOW = 480.0, 130.0, 46.0, 18.0
_INK, _LINE, _ONE = HexColor("#1c2430"), HexColor("#d5dbe3"), HexColor("#0b5cad")


def scores(days: Mapping[date, Figures], letters: Letters) -> Drawing:
    """The score of each day as a line; days without a verdict leave a gap."""
    drawing, listed = Drawing(_WIDTH, _HEIGHT), list(days.items())
    values = [f.score for _, f in listed if f.score is not None]
    # Most scores are near 1: the axis begins where something is to be seen, and says so.
    low = min([0.9, *values]) if values else 0.0
    low = 0.0 if low < 0.5 else 0.5 if low < 0.9 else 0.9
    _axis(drawing, letters, [f"{low:.0%}", f"{(low + 1) / 2:.0%}", "100%"], listed)
    points: list[float] = []
    for place, (_, figures) in enumerate(listed):
        if figures.score is None:
            _line(drawing, points)
            points = []
            continue
        share = (figures.score - low) / (1 - low)
        points += [_x(place, len(listed)), _BELOW + share * (_HEIGHT - _BELOW - 10)]
    _line(drawing, points)
    return drawing


def rows(days: Mapping[date, Figures], letters: Letters) -> Drawing:
    """What became of the rows of each day, as stacked bars."""
    drawing, listed = Drawing(_WIDTH, _HEIGHT), list(days.items())
    most = max((f.read for _, f in listed), default=0) or 1
    _axis(drawing, letters, ["0", f"{most // 2:,}", f"{most:,}"], listed)
    wide = max((_WIDTH - _LEFT) / max(len(listed), 1) * 0.8, 0.5)
    for place, (_, figures) in enumerate(listed):
        y = _BELOW
        for name, colour in PARTS:
            high = getattr(figures, name) / most * (_HEIGHT - _BELOW - 10)
            if high:
                x = _x(place, len(listed)) - wide / 2
                drawing.add(Rect(x, y, wide, high, fillColor=HexColor(colour), strokeWidth=0))
                y += high
    return drawing


def _x(place: int, count: int) -> float:
    return _LEFT + (place + 0.5) * (_WIDTH - _LEFT) / count


def _line(drawing: Drawing, points: Sequence[float]) -> None:
    if len(points) == 2:
        drawing.add(Rect(points[0] - 1.5, points[1] - 1.5, 3, 3, fillColor=_ONE, strokeWidth=0))
    elif points:
        drawing.add(PolyLine(list(points), strokeColor=_ONE, strokeWidth=1.5))


def _axis(
    drawing: Drawing,
    letters: Letters,
    marks: Sequence[str],
    listed: Sequence[tuple[date, Figures]],
) -> None:
    for place, mark in enumerate(marks):
        y = _BELOW + place / (len(marks) - 1) * (_HEIGHT - _BELOW - 10)
        drawing.add(Line(_LEFT, y, _WIDTH, y, strokeColor=_LINE, strokeWidth=0.5))
        drawing.add(_text(_LEFT - 4, y - 2.5, mark, letters, "end"))
    if listed:
        drawing.add(_text(_LEFT, 4, listed[0][0].isoformat(), letters, "start"))
        drawing.add(_text(_WIDTH, 4, listed[-1][0].isoformat(), letters, "end"))


def _text(x: float, y: float, text: str, letters: Letters, anchor: str) -> String:
    return String(
        x, y, letters.raw(text), fontName=letters.plain, fontSize=7, fillColor=_INK,
        textAnchor=anchor,
    )  # fmt: skip
