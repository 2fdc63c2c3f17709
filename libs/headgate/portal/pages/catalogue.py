"""The catalogue: every dataset, searched and filtered, by links that can be kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from markupsafe import Markup, escape

from headgate.portal import served, showing
from headgate.portal.knowing.searching import FILTERS, SORTS, Found
from headgate.portal.knowing.summary import Health, Summary
from headgate.portal.reports import asked

routes = APIRouter()
#: Of each filter so many values are offered as links, and so many in the form.
_FEW, _MANY = 6, 200
_COLUMNS = 6
_LABELS = {
    "health": "Health", "layer": "Layer", "domain": "Domain", "owner": "Owner",
    "classification": "Class", "personal": "Personal data", "tag": "Tag",
}  # fmt: skip
_SORTS = {
    "": "best match", "name": "name", "health": "health, worst first",
    "-quarantine": "most rows in quarantine", "-rows": "most rows",
    "-published": "published last", "published": "published longest ago",
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A filter: its values, the few that are links first, and the one that is chosen."""

    name: str
    label: str
    few: Sequence[Found]
    more: Sequence[Found]
    chosen: str

    @property
    def values(self) -> Sequence[Found]:
        """All that are offered."""
        return (*self.few, *self.more)


@dataclass(frozen=True)
class Row:
    """A dataset that was found: its description with the words marked, and the columns that have them."""

    summary: Summary
    description: Markup
    columns: Sequence[Markup]


@routes.get("/catalogue")
def catalogue(request: Request) -> Response:
    """The datasets in which what was asked for occurs."""
    query = request.query_params
    text, sort = (query.get("q") or "")[:200], query.get("sort") or ""
    sort = sort if sort.removeprefix("-") in SORTS else ""
    chosen = {name: (query.get(name) or "")[:200] for name in FILTERS}
    known = served.of(request).knowing.now()
    page = known.search(
        text, after=query.get("after") or None, limit=asked.limit(query), sort=sort, **chosen
    )
    return showing.page(
        request,
        "catalogue.html",
        page=page,
        rows=[_row(s, page.words) for s in page.found],
        text=text,
        sort=sort,
        sorts=_SORTS,
        choices=_choices(page.values, chosen),
        chosen={_LABELS[n]: (n, v) for n, v in chosen.items() if v},
        is_empty=not known.datasets,
        meanings={h.value: h.meaning for h in Health},
    )


def marked(text: str, words: Sequence[str]) -> Markup:
    """A text with the beginnings of words that were looked for marked; all of it is escaped."""
    if not words:
        return escape(text)
    pattern = "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))
    parts = re.split(rf"((?<![^\W_])(?:{pattern}))", text, flags=re.IGNORECASE)
    return Markup().join(
        Markup("<mark>{}</mark>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _row(summary: Summary, words: Sequence[str]) -> Row:
    """How a dataset is shown, with those of its columns first that have a word."""
    having = [c for c in summary.columns if words and "<mark>" in marked(c, words)]
    return Row(
        summary,
        marked(summary.description, words),
        [marked(c, words) for c in having[:_COLUMNS]],
    )


def _choices(values: Mapping[str, Sequence[Found]], chosen: Mapping[str, str]) -> Sequence[Choice]:
    found = []
    for name, label in _LABELS.items():
        among = list(values[name][:_MANY])
        picked = chosen[name]
        # What is chosen stands among the few, also if it is rare or finds nothing.
        first = [f for f in values[name] if f.value == picked] or [Found(picked, 0)] * bool(picked)
        among = [*first, *(f for f in among if f.value != picked)]
        found.append(Choice(name, label, among[:_FEW], among[_FEW:], picked))
    return found
