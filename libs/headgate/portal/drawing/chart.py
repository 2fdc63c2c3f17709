"""What every chart is made of: a drawing with a title and a description, and its figures as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

WIDTH = 720.0
#: Where the plot begins and ends; left of it stand the numbers, below it the names.
LEFT, RIGHT = 52.0, WIDTH - 8.0
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Chart:
    """A chart as SVG, and the same in figures: ``rows`` begin with what each is about."""

    svg: Markup
    heads: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def __html__(self) -> str:
        """The drawing, where a template writes the chart itself."""
        return str(self.svg)


@dataclass(frozen=True)
class Series:
    """One quantity of a chart: what it is called, and the class that colours it.

    The portal's style sheet colours ``published``, ``quarantined``, ``deduplicated``, ``refused``
    and ``one`` to ``five``.
    """

    name: str
    kind: str = "one"


def drawn(
    title: str, about: str, height: float, parts: Iterable[str], width: float = WIDTH
) -> Markup:
    """A drawing of that height in units of its own; ``about`` is its description in words."""
    name = slug(title)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="drawing" viewBox="0 0 {w} {h}" width="{w}"'
        ' height="{h}" role="img" aria-labelledby="{n}-title {n}-about">'
        '<title id="{n}-title">{title}</title><desc id="{n}-about">{about}</desc>{parts}</svg>'
    ).format(
        w=trim(width), h=trim(height), n=name, title=title, about=about, parts=Markup("").join(parts)
    )  # fmt: skip


def slug(title: str) -> str:
    """A title as the beginning of ids."""
    return "chart-" + _NAME.sub("-", title.lower()).strip("-")


def trim(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, told: object, *, anchor: str = "middle", kind: str = "tick") -> Markup:
    """Some words in a drawing."""
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, trim(x), trim(y), anchor, told
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Markup:
    """A straight line."""
    return Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        kind, trim(x1), trim(y1), trim(x2), trim(y2)
    )


def ticks(most: float, count: int = 4) -> list[float]:
    """Round numbers from 0 up to at least ``most``."""
    if most <= 0 or not math.isfinite(most):
        return [0.0, 1.0]
    rough = most / count
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * n for n in (1, 2, 5, 10) if base * n >= rough * 0.999_999)
    return [step * n for n in range(math.ceil(most / step * 0.999_999) + 1)]


def few(names: Sequence[str], most: int = 7) -> list[int]:
    """Which of the names along an axis are written: the first, the last, and some between; of one
    alone the last."""
    if len(names) <= most:
        return list(range(len(names)))
    if most == 1:
        return [len(names) - 1]
    return sorted({round(n * (len(names) - 1) / (most - 1)) for n in range(most)})


def legend(series: Sequence[Series], y: float) -> list[Markup]:
    """What each colour (or pattern) stands for, in one line at ``y``."""
    parts: list[Markup] = []
    x = LEFT
    for one in series:
        parts += swatch(one.kind, x, y - 9, 12, 10)
        parts.append(text(x + 17, y, one.name, anchor="start", kind="key"))
        x += 17 + 7.2 * len(one.name) + 18
    return parts


def swatch(kind: str, x: float, y: float, width: float, height: float) -> list[Markup]:
    """A filled box. Whatever stands for rows that were not published has lines in it besides."""
    where = Markup('x="{}" y="{}" width="{}" height="{}"').format(
        trim(x), trim(y), trim(width), trim(height)
    )
    parts = [Markup('<rect class="fill {}" {}/>').format(kind, where)]
    slope = {"quarantined": 1, "refused": -1}.get(kind)
    if slope and width >= 2 and height >= 2:
        parts.append(
            Markup('<path class="hatch" d="{}"/>').format(_hatch(x, y, width, height, slope))
        )
    return parts


def _hatch(x: float, y: float, width: float, height: float, slope: int) -> str:
    """Lines across a box, 6 units apart, from side to side: no pattern, which would need an id."""
    strokes = []
    at = 0.0
    while at < width + height:
        # Where the falling diagonal that begins at `at` enters and leaves the box.
        begin, end = (
            (max(at - height, 0.0), min(at, height)),
            (min(at, width), max(at - width, 0.0)),
        )
        if slope < 0:
            begin, end = (width - begin[0], begin[1]), (width - end[0], end[1])
        strokes.append(
            f"M{trim(x + begin[0])} {trim(y + begin[1])}L{trim(x + end[0])} {trim(y + end[1])}"
        )
        at += 6.0
    return "".join(strokes)
