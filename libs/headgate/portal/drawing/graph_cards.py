"""A card of a drawn graph as SVG: what it is called, whose it is, how it is, and its columns."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import escape

from headgate.portal.drawing.graph_layout import Place
from headgate.portal.drawing.graph_picture import HEAD_HEIGHT, ROW_HEIGHT, Card, Mark, Row

#: How many letters of the three sizes there is room for, also in a wide font.
_NAME, _NOTE, _ROW, _ROW_NOTE = 24, 36, 31, 9


def card(one: Card, place: Place, number: int) -> str:
    """A card at its place; ``number`` is the one that edges call it by."""
    words = ["card", one.kind, f"layer-{_word(one.layer)}", one.change]
    if one.is_start:
        words.append("start")
    return "".join(
        [
            f'<g class="{" ".join(w for w in words if w)}" data-card="{number}"',
            f' transform="translate({place.x:g} {place.y:g})">',
            *_body(one, place),
            _name(one),
            f'<text class="note" x="14" y="38">{escape(shortened(one.note, _NOTE))}</text>',
            _marks(one.marks),
            *_controls(one, place),
            *(_row(row, n, place, number) for n, row in enumerate(one.rows)),
            "</g>",
        ]
    )


def _body(one: Card, place: Place) -> Iterator[str]:
    size = f'width="{place.width:g}" height="{place.height:g}" rx="6"'
    if one.kind == "group":
        # A pile of cards.
        yield f'<rect class="pile" x="6" y="6" {size}/><rect class="pile" x="3" y="3" {size}/>'
    yield f'<rect class="body" {size}/>'
    yield f'<rect class="band" width="5" height="{place.height:g}" rx="2"/>'


def _name(one: Card) -> str:
    title = one.name if one.kind == "group" else one.key
    text = f'<text class="name" x="14" y="21">{escape(shortened(one.name, _NAME))}</text>'
    told = [title, one.note, *(m.title or m.text for m in one.marks)]
    if one.change:
        told.append("new" if one.change == "added" else "gone")
    said = f"<title>{escape(', '.join(t for t in told if t))}</title>"
    if not one.address:
        return f"<g>{said}{text}</g>"
    return f'<a class="to" href="{escape(one.address)}">{said}{text}</a>'


def _marks(marks: tuple[Mark, ...]) -> str:
    """One behind the other, as wide as the reader's font makes them."""
    if not marks:
        return ""
    spans = "".join(
        f'<tspan class="mark {_word(mark.kind)}" dx="{12 if number else 0}">{escape(mark.text)}'
        f"<title>{escape(mark.title or mark.text)}</title></tspan>"
        for number, mark in enumerate(marks)
    )
    return f'<text class="marks" x="14" y="56">{spans}</text>'


def _controls(one: Card, place: Place) -> Iterator[str]:
    x = place.width - 20
    if one.opens:
        yield _control(one.opens, "open", x, f"Show what is in {one.name}", "M-5 0H5M0 -5V5")
        x -= 24
    if one.centre and not one.is_start:
        yield _control(
            one.centre, "centre", x, f"Lineage around {one.name}",
            "M-3 0A3 3 0 1 0 3 0A3 3 0 1 0 -3 0M0 -7V-3M0 3V7M-7 0H-3M3 0H7",
        )  # fmt: skip


def _control(address: str, kind: str, x: float, told: str, drawn: str) -> str:
    return (
        f'<a class="control {kind}" href="{escape(address)}" data-swap="" aria-label="{escape(told)}">'
        f'<title>{escape(told)}</title><g transform="translate({x:g} 16)">'
        f'<rect class="button" x="-11" y="-11" width="22" height="22" rx="4"/>'
        f'<path d="{drawn}" fill="none"/></g></a>'
    )


def _row(row: Row, number: int, place: Place, of: int) -> str:
    y = HEAD_HEIGHT + ROW_HEIGHT * number
    words = ["row", row.kind, "start" if row.is_start else "", row.change]
    room = _ROW - min(len(row.note), _ROW_NOTE) - 1 if row.note else _ROW
    text = f'<text x="16" y="{y + 15:g}">{escape(shortened(row.text, room))}</text>'
    if row.note:
        text += (
            f'<text class="mark" x="{place.width - 10:g}" y="{y + 15:g}" text-anchor="end">'
            f"{escape(shortened(row.note, _ROW_NOTE))}</text>"
        )
    drawn = (
        f'<title>{escape(row.title or row.text)}</title><rect class="line" x="6" y="{y:g}"'
        f' width="{place.width - 12:g}" height="{ROW_HEIGHT - 2:g}" rx="3"/>{text}'
    )
    if row.address:
        swap = ' data-swap=""' if row.kind == "more" else ""
        drawn = f'<a href="{escape(row.address)}"{swap}>{drawn}</a>'
    return f'<g class="{" ".join(w for w in words if w)}" data-row="{of}.{number}">{drawn}</g>'


def shortened(text: str, most: int) -> str:
    """A text of no more than so many letters, without what would move others about: its begin and its
    end, since names that are alike differ in either."""
    clean = "".join(c if c.isprintable() else "·" for c in text)
    if len(clean) <= most:
        return clean
    end = (most - 1) // 3
    return f"{clean[: most - 1 - end]}…{clean[len(clean) - end :]}"


def _word(text: str) -> str:
    """A text as a class: whatever it is, it can end neither the class nor its quotes."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in text) or "none"
