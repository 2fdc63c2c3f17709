"""A page as a test asks it: what stands where, by simple selectors, from HTML that is well formed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_STEP = re.compile(r"([a-z][a-z0-9]*)?((?:[.#][\w-]+|\[[\w-]+(?:=[^\]]*)?\])*)")
_PART = re.compile(r"([.#])([\w-]+)|\[([\w-]+)(?:=([^\]]*))?\]")


@dataclass(repr=False)
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    inside: list[Element | str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.tag} {self.attributes}>"

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    @property
    def text(self) -> str:
        """What a reader sees of it, with single blanks."""
        told = " ".join(self._texts())
        return re.sub(r"\s+", " ", told).replace("\u00a0", " ").strip()

    def _texts(self) -> list[str]:
        if self.tag in ("script", "style"):
            return []
        found = []
        for one in self.inside:
            found += [one] if isinstance(one, str) else one._texts()
        inline = {"a", "b", "span", "time", "code", "mark", "strong", "em", "wbr", "text"}
        return (
            ["".join(found)] if self.tag in inline | {"th", "td", "h1", "h2", "h3", "p"} else found
        )

    def below(self) -> list[Element]:
        """All elements within it, in order."""
        found: list[Element] = []
        for one in self.inside:
            if isinstance(one, Element):
                found += [one, *one.below()]
        return found

    def fits(self, step: str) -> bool:
        """Whether it is what ``tag.class#id[name=value]`` says."""
        match = _STEP.fullmatch(step)
        assert match is not None, step
        if match[1] and match[1] != self.tag:
            return False
        for sign, name, attribute, value in _PART.findall(match[2]):
            if sign == "." and name not in self.get("class", "").split():
                return False
            if sign == "#" and self.get("id") != name:
                return False
            if attribute and (
                attribute not in self.attributes or (value and self.get(attribute) != value)
            ):
                return False
        return True

    def all(self, selector: str) -> list[Element]:
        """Every element within it that the selector (steps with blanks between) means."""
        found = [self]
        for step in selector.split():
            found = [e for one in found for e in one.below() if e.fits(step)]
        return list({id(e): e for e in found}.values())


class Page(Element):
    """A whole page."""

    def one(self, selector: str) -> Element:
        """The only element that the selector means."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} of {selector}"
        return found[0]

    def text(self, selector: str = "body") -> str:  # type: ignore[override]
        """What a reader sees of that."""
        return self.one(selector).text

    def links(self, selector: str = "main") -> list[Element]:
        """The links within that, in order."""
        return [e for e in self.one(selector).below() if e.tag == "a" and "href" in e.attributes]

    def link(self, text: str, selector: str = "main") -> str:
        """Where the link with that text leads."""
        found = [a.get("href") for a in self.links(selector) if a.text == text]
        assert found, f"no link {text!r}: {[a.text for a in self.links(selector)]}"
        return str(found[0])

    def table(self, caption: str) -> list[dict[str, str]]:
        """The rows of the table that is called so, by the heads of its columns."""
        for table in self.all("table"):
            if [c.text for c in table.all("caption")][:1] == [caption]:
                heads = [e.text for e in table.all("thead th")]
                rows = [[c.text for c in row.below() if c.tag in ("th", "td")]
                        for row in table.all("tbody tr")]  # fmt: skip
                return [dict(zip(heads, row, strict=True)) for row in rows]
        raise AssertionError(f"no table {caption!r}: {[c.text for c in self.all('caption')]}")

    def classes(self) -> set[str]:
        """Every class that stands anywhere."""
        return {c for e in self.below() for c in e.get("class", "").split()}


class _Parser(HTMLParser):
    """Takes a page in, and lets nothing pass that is not closed where it was opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page("", {})
        self.at: Element = self.page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, self.at)
        assert len(element.attributes) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.at.inside.append(element)
        if tag not in _VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, (
            f"</{tag}> where <{self.at.tag}> is open, line {self.getpos()[0]}"
        )
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.inside.append(data)


def read(answer: Any) -> Page:
    """The page of an answer (or of a text)."""
    parser = _Parser()
    parser.feed(answer if isinstance(answer, str) else answer.text)
    parser.close()
    assert parser.at is parser.page, f"<{parser.at.tag}> is not closed"
    return parser.page
