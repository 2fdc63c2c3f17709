"""A picture of a graph as SVG: every card is a link, nothing is coloured by a style, whatever it says is escaped."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup, escape

from headgate.portal.drawing.graph_cards import card
from headgate.portal.drawing.graph_layout import Join, Laid, Place, lay
from headgate.portal.drawing.graph_picture import CARD_WIDTH, Card, Line, Picture

_MARGIN = 24.0
#: How far an edge of a card to itself reaches out.
_LOOP = 20.0
_ARROWS = ("direct", "indirect", "added", "gone")


def draw(picture: Picture, *, name: str = "graph") -> Markup:
    """The picture; ``name`` tells its parts from those of another one on the same page."""
    laid = lay([(CARD_WIDTH, c.height) for c in picture.cards], _joins(picture))
    width, height = laid.width + 2 * _MARGIN, laid.height + 2 * _MARGIN
    parts = [
        f'<svg class="graph" xmlns="http://www.w3.org/2000/svg" role="group"'
        f' aria-label="{_attribute(picture.title)}" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}" preserveAspectRatio="xMidYMid meet">',
        "<defs>",
        *(_arrow(name, kind) for kind in _ARROWS),
        f'</defs><g transform="translate({_MARGIN:g} {_MARGIN:g})">',
        '<g class="edges" aria-hidden="true">',
        *_edges(picture, laid, name),
        '</g><g class="cards">',
        *(card(picture.cards[n], laid.places[n], n) for n in _in_reading_order(laid)),
        "</g></g></svg>",
    ]
    return Markup("".join(parts))  # noqa: S704 - every part escapes what it is given


def _joins(picture: Picture) -> Iterator[Join]:
    for line in picture.lines:
        source, target = picture.cards[line.source], picture.cards[line.target]
        yield Join(
            line.source,
            line.target,
            source.port(line.from_row) - source.height / 2,
            target.port(line.to_row) - target.height / 2,
        )


def _in_reading_order(laid: Laid) -> list[int]:
    """From the left, each column from above: as the keyboard goes through it."""
    places = laid.places
    return sorted(range(len(places)), key=lambda n: (places[n].rank, places[n].y))


def _edges(picture: Picture, laid: Laid, name: str) -> Iterator[str]:
    for line in picture.lines:
        source, target = picture.cards[line.source], picture.cards[line.target]
        back = (line.source, line.target) in laid.turned
        kind = "direct" if line.direct else "indirect"
        arrow = line.change or kind
        words = [kind, "back" if back else "", "several" if line.count > 1 else "", line.change]
        told = f"{_end(source, line.from_row)} → {_end(target, line.to_row)}"
        if line.how:
            told += f": {line.how}"
        if line.change:
            told += f" ({'new' if line.change == 'added' else 'gone'})"
        yield (
            f'<path class="edge {" ".join(w for w in words if w)}" d="{_way(line, picture, laid, back)}"'
            f' fill="none" marker-end="url(#{name}-{arrow})"'
            f' data-from="{line.source}.{line.from_row}" data-to="{line.target}.{line.to_row}">'
            f"<title>{escape(told)}</title></path>"
        )


def _end(card: Card, row: int) -> str:
    return f"{card.name}.{card.rows[row].text}" if row >= 0 else card.name


def _way(line: Line, picture: Picture, laid: Laid, back: bool) -> str:
    source, target = laid.places[line.source], laid.places[line.target]
    begin = source.y + picture.cards[line.source].port(line.from_row)
    end = target.y + picture.cards[line.target].port(line.to_row)
    if line.source == line.target:
        return _loop(source, begin, end)
    # One that leads back leaves at the left and comes in at the right.
    x = source.x if back else source.x + source.width
    until = target.x + target.width if back else target.x
    stops = [
        (p.end, p.begin, p.y) if back else (p.begin, p.end, p.y)
        for p in laid.passages[line.source, line.target]
    ]
    path, y = [f"M{x:g} {begin:g}"], begin
    for enter, leave, height in stops:
        path.append(f"{_bend(x, y, enter, height)}H{leave:g}")
        x, y = leave, height
    path.append(_bend(x, y, until, end))
    return "".join(path)


def _bend(x: float, y: float, until: float, end: float) -> str:
    half = (x + until) / 2
    return f"C{half:g} {y:g} {half:g} {end:g} {until:g} {end:g}"


def _loop(place: Place, begin: float, end: float) -> str:
    """From a row of a card to another of it, on its left."""
    out = place.x - _LOOP
    return f"M{place.x:g} {begin:g}C{out:g} {begin:g} {out:g} {end:g} {place.x:g} {end:g}"


def _arrow(name: str, kind: str) -> str:
    return (
        f'<marker id="{name}-{kind}" class="arrow {kind}" viewBox="0 0 8 8" refX="7.5" refY="4"'
        ' markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker>'
    )


def _attribute(text: str) -> str:
    return str(escape(text))
