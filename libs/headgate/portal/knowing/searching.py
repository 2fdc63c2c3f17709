"""Searching what is known: words, filters, how many there are of each, and pages of what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headgate.portal.knowing.summary import Health, Summary
from headgate.portal.knowing.texts import words

if TYPE_CHECKING:
    from headgate.portal.knowing.known import Known

#: What one may filter by, and the values of it that a dataset has.
FILTERS: Mapping[str, Callable[[Summary], Iterable[str]]] = {
    "layer": lambda s: (s.layer,),
    "domain": lambda s: (s.domain,),
    "owner": lambda s: (s.owner,),
    "classification": lambda s: s.classes,
    "personal": lambda s: ("yes" if s.personal else "no",),
    "tag": lambda s: s.tags,
    "health": lambda s: s.states,
}
_WORST_FIRST = {health: rank for rank, health in enumerate(Health)}
#: By what found datasets may be sorted; with "-" before it, the other way round.
SORTS: Mapping[str, Callable[[Summary], Any]] = {
    "name": lambda s: s.id,
    "owner": lambda s: (s.owner, s.id),
    "health": lambda s: (_WORST_FIRST[s.health], s.id),
    "rows": lambda s: (s.rows, s.id),
    "published": lambda s: (s.published_at.timestamp() if s.published_at else 0, s.id),
    "quarantine": lambda s: (s.open_quarantine, s.id),
}
_LAYERS = ("bronze", "silver", "gold")
MOST = 200

__all__ = ["FILTERS", "SORTS", "Found", "Page", "Sets", "search"]


@dataclass(frozen=True, slots=True)
class Found:
    """A value that one may filter by, and how many of what was found have it."""

    value: str
    count: int


@dataclass(frozen=True)
class Page:
    """Some of what was found.

    ``after`` is the key of the next page, None on the last; ``first`` the number of the first that is
    shown, from 1. ``values`` are by filter those that occur, each with how many datasets one would
    find with it (and the other filters), most first. ``words`` are those that were looked for;
    ``meant`` is what to look for instead if nothing was found, if anything is near.
    """

    found: tuple[Summary, ...]
    total: int
    after: str | None = None
    first: int = 1
    values: Mapping[str, tuple[Found, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    meant: str | None = None


class Sets:
    """For each value of each filter the datasets that have it, as the bits of a number."""

    def __init__(self, summaries: Sequence[Summary]) -> None:
        self.every = (1 << len(summaries)) - 1
        self.of: dict[str, dict[str, int]] = {}
        for name, values_of in FILTERS.items():
            members: dict[str, bytearray] = {}
            for at, summary in enumerate(summaries):
                for value in values_of(summary):
                    bits = members.get(value)
                    if bits is None:
                        bits = members[value] = bytearray(len(summaries) // 8 + 1)
                    bits[at >> 3] |= 1 << (at & 7)
            self.of[name] = {v: int.from_bytes(b, "little") for v, b in members.items()}

    def chosen(self, filters: Mapping[str, str], besides: str = "") -> int:
        """The datasets that all filters but one let through."""
        found = self.every
        for name, value in filters.items():
            if name != besides:
                found &= self.of[name].get(value, 0)
        return found

    def counts(self, name: str, among: int) -> tuple[Found, ...]:
        """How many of ``among`` have each value, most first; layers and healths in their order."""
        found = [Found(v, (bits & among).bit_count()) for v, bits in self.of[name].items()]
        if name == "layer":
            order = {value: rank for rank, value in enumerate(_LAYERS)}
            found.sort(key=lambda f: order[f.value])
        elif name == "health":
            found.sort(key=lambda f: _WORST_FIRST[Health(f.value)])
        else:
            found.sort(key=lambda f: (-f.count, f.value))
        return tuple(f for f in found if f.count)


def search(
    known: Known, text: str, *, after: str | None, limit: int, sort: str,
    filters: Mapping[str, str | None],
) -> Page:  # fmt: skip
    """See :meth:`headgate.portal.knowing.known.Known.search`."""
    wanted = {n: v for n, v in filters.items() if v and n in FILTERS}
    listed, sets = known.in_order, known.sets
    ranked: Sequence[int] = known.texts.ranked(text) if text.strip() else range(len(listed))
    hits = _bits(ranked, len(listed)) if text.strip() else sets.every
    let_through = (sets.chosen(wanted) & hits).to_bytes(len(listed) // 8 + 1, "little")
    found = [listed[at] for at in ranked if let_through[at >> 3] >> (at & 7) & 1]
    if sort.removeprefix("-") in SORTS:
        found.sort(key=SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
    start = next((n for n, s in enumerate(found, 1) if s.id == after), 0) if after else 0
    shown = tuple(found[start : start + max(1, min(limit, MOST))])
    more = start + len(shown) < len(found)
    return Page(
        shown, len(found), shown[-1].id if more else None, start + 1,
        {n: sets.counts(n, sets.chosen(wanted, besides=n) & hits) for n in FILTERS},
        words(text), known.texts.meant(text) if text.strip() and not hits else None,
    )  # fmt: skip


def _bits(positions: Iterable[int], size: int) -> int:
    bits = bytearray(size // 8 + 1)
    for at in positions:
        bits[at >> 3] |= 1 << (at & 7)
    return int.from_bytes(bits, "little")
