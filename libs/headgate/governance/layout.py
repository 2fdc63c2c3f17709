"""The frame of every report page: one small stylesheet inside it, no script, and no other host."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib import resources

#: Whatever a value of the data might smuggle in: the page may load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"

#: Where the links above a page's title begin: what serves the pages may put one of its own there.
TRAIL = '<nav aria-label="Where this is">'


def page(title: str, body: str, trail: Sequence[tuple[str, str]] = ()) -> str:
    """A whole page around ``body`` (HTML); ``trail`` are links ``(text, target)`` above the title."""
    crumbs = " / ".join(link(text, target) for text, target in trail)
    style = resources.files("headgate.governance").joinpath("reports.css").read_text("utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header>{TRAIL}{crumbs}</nav>"
        f"<h1>{html.escape(title)}</h1></header>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def link(text: str, target: str) -> str:
    """A link."""
    return f'<a href="{html.escape(target)}">{html.escape(text)}</a>'


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are HTML, the caption and the columns are texts."""
    head = "".join(f'<th scope="col">{html.escape(c)}</th>' for c in columns)
    labels = [html.escape(c) for c in columns]
    lines = [
        "<tr>"
        + "".join(f'<td data-label="{n}">{c}</td>' for n, c in zip(labels, row, strict=True))
        + "</tr>"
        for row in rows
    ]
    return (
        f'<div class="wide"><table class="own"><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def badge(text: str, good: bool) -> str:
    """A word that stands out, and does not say it by its colour alone."""
    mark, kind = ("✓", "ok") if good else ("✗", "bad")
    return f'<span class="badge {kind}">{mark} {html.escape(text)}</span>'
