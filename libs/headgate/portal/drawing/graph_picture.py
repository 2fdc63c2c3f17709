"""What a drawn graph shows, before it is laid out: cards of datasets or groups, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: In which of two moments that are compared something was there; empty: in both, or none is compared.
Change = Literal["", "added", "gone"]

CARD_WIDTH, HEAD_HEIGHT, ROW_HEIGHT = 256.0, 66.0, 22.0


@dataclass(frozen=True)
class Mark:
    """A word on a card, with the class that colours it; ``title`` says it in a sentence."""

    text: str
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Row:
    """A column on a card. ``address`` is where it leads, if anywhere; ``note`` is a word behind it."""

    text: str
    address: str = ""
    title: str = ""
    note: str = ""
    kind: Literal["column", "rows", "more"] = "column"
    is_start: bool = False
    change: Change = ""


@dataclass(frozen=True)
class Card:
    """A dataset or a group of them.

    ``key`` names it in the picture; ``address`` is its page, ``centre`` the picture around it, and
    ``opens`` the picture in which a group is shown dataset by dataset; empty where there is none.
    """

    key: str
    name: str
    note: str
    layer: str
    kind: Literal["dataset", "source", "group"] = "dataset"
    address: str = ""
    centre: str = ""
    opens: str = ""
    marks: tuple[Mark, ...] = ()
    rows: tuple[Row, ...] = ()
    is_start: bool = False
    change: Change = ""

    @property
    def height(self) -> float:
        """How high it is drawn."""
        return HEAD_HEIGHT + (ROW_HEIGHT * len(self.rows) + 6 if self.rows else 0)

    def port(self, row: int) -> float:
        """How far below its upper edge the edges of a row end; of row -1, of the card itself."""
        return HEAD_HEIGHT / 2 if row < 0 else HEAD_HEIGHT + ROW_HEIGHT * (row + 0.5)


@dataclass(frozen=True)
class Line:
    """An edge from a row of a card to one of another, both by number (row -1: the card itself).

    ``how`` is told in words; ``count`` is for how many edges it stands.
    """

    source: int
    target: int
    from_row: int = -1
    to_row: int = -1
    direct: bool = True
    how: str = ""
    count: int = 1
    change: Change = ""


@dataclass(frozen=True)
class Picture:
    """Cards and the edges between them; ``title`` says what it is a picture of."""

    title: str
    cards: tuple[Card, ...]
    lines: tuple[Line, ...]

    @property
    def drawn(self) -> int:
        """How many nodes it has: rows of columns, and cards that show none."""
        return sum(len(card.rows) or 1 for card in self.cards)
