"""A page of Great Expectations' Data Docs, made one that asks nothing of any other host.

Their pages are styled and opened by scripts from eight hosts, and put values of the data into
the page as they are. What is kept is the report itself: elements and attributes that are known
to be harmless; everything that needed a script is open.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: What stays; the text of any other element stays, and its tag goes.
_KEPT = {
    *("div", "section", "h1", "h2", "h3", "h4", "h5", "h6", "p", "span", "strong", "em", "b", "i"),
    *("br", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"),
    *("a", "details", "summary", "small", "blockquote"),
}
#: What goes with everything in it.
_DROPPED = {"script", "style", "head", "title", "nav", "footer", "button", "form", "svg", "iframe",
            "object", "template", "noscript", "textarea", "select"}  # fmt: skip
_VOID = {"br", "hr", "img", "input", "link", "meta"}
_ATTRIBUTES = {"id", "class", "colspan", "rowspan", "hidden"}
#: Signs of the icon font, by the class that names them: a sign, and what it says.
_SIGNS = {
    "fa-check-circle": ("ok", "✓", "held"),
    "fa-times": ("bad", "✗", "broken"),
    "fa-exclamation-triangle": ("bad", "!", "no answer"),
}


@dataclass
class Body:
    """What is kept of a page: its inner HTML, and its sections as ``(id, heading)``."""

    html: str = ""
    sections: list[tuple[str, str]] = field(default_factory=list)


def body_of(page: str, link: Callable[[str], str | None]) -> Body:
    """The report in a Data Docs page.

    Args:
        page: the page as Great Expectations wrote it.
        link: gives a link's new target, or None if it leads nowhere here (its text stays).
    """
    reader = _Reader(link)
    reader.feed(page)
    reader.close()
    return Body("".join(reader.kept), [s for s in reader.sections if s[1]])


class _Reader(HTMLParser):
    """Keeps what is within the page's main column, and drops what is not known to be harmless."""

    def __init__(self, link: Callable[[str], str | None]) -> None:
        super().__init__(convert_charrefs=True)
        self.link = link
        self.kept: list[str] = []
        self.sections: list[tuple[str, str]] = []
        self.open: list[tuple[str, str]] = []  # (tag as given, what closes it)
        self.dropping = 0  # depth within an element that is dropped
        self.main = 0  # depth of `open` at which the main column began
        self.label = ""  # of the next part that was folded
        self.folding = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        if self.dropping or tag in _DROPPED:
            self.dropping += tag in _DROPPED
            return
        if tag in _VOID:
            if self.main and tag in _KEPT:
                self.kept.append(f"<{tag}>")
            return
        if not self.main:
            self.open.append((tag, ""))
            if "col-md-10" in classes:
                self.main = len(self.open)
            return
        opening, closing = self._tags(tag, given, classes)
        self.kept.append(opening)
        self.open.append((tag, closing))

    def _tags(self, tag: str, given: dict[str, str], classes: list[str]) -> tuple[str, str]:
        """What opens and what closes the element in our page."""
        sign = next((_SIGNS[c] for c in classes if c in _SIGNS), None)
        if tag == "i" and sign:
            kind, mark, says = sign
            return f'<span class="sign {kind}" role="img" aria-label="{says}">{mark}', "</span>"
        if tag == "a" and given.get("data-toggle") == "collapse":
            self.folding, self.label = True, ""
            return "", "fold"
        if tag == "a":
            target = self.link(given.get("href", ""))
            if target is None:
                return "", ""
            return f'<a href="{html.escape(target)}">', "</a>"
        if tag not in _KEPT:
            return "", ""
        if "ge-section" in classes:
            self.sections.append((given.get("id", ""), ""))
        attributes = "".join(
            f' {name}="{html.escape(value)}"'
            for name, value in given.items()
            if name in _ATTRIBUTES
        )
        if tag == "div" and "collapse" in classes:
            label = html.escape(self.label.strip() or "More")
            return f"<details{attributes}><summary>{label}</summary>", "</details>"
        return f"<{tag}{attributes}>", f"</{tag}>"

    def handle_endtag(self, tag: str) -> None:
        if self.dropping:
            self.dropping -= tag in _DROPPED
            return
        if tag in _VOID or not any(t == tag for t, _ in self.open[self.main :]):
            # Nothing of ours to close: a stray end, or the end of the main column.
            if self.open and self.open[-1][0] == tag:
                self.open.pop()
                if len(self.open) < self.main:
                    self.main = 0
            return
        while self.open:
            opened, closing = self.open.pop()
            self._close(closing)
            if opened == tag:
                break

    def _close(self, closing: str) -> None:
        if closing == "fold":
            self.folding = False
        elif self.main:
            self.kept.append(closing)

    def handle_data(self, data: str) -> None:
        if self.dropping or not self.main:
            return
        if self.folding:
            self.label += data
            return
        if self.sections and not self.sections[-1][1] and any(t == "h5" for t, _ in self.open):
            self.sections[-1] = (self.sections[-1][0], data.strip())
        self.kept.append(html.escape(data, quote=False))
