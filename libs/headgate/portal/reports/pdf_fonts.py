"""The letters of PDFs: a font that is embedded, and what to do with a character that it lacks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from headgate.core import ids
from headgate.core.errors import SettingError

#: What the package brings: Latin letters and signs.
_OWN = ("HeadgateSans", "Vera.ttf"), ("HeadgateSansBold", "VeraBd.ttf")


@dataclass
class Letters:
    """A font to write with. ``missing`` collects the characters that it lacked: each is written as
    its code, so that none becomes a box without a word."""

    plain: str
    bold: str
    missing: set[str] = field(default_factory=set)

    def text(self, value: object) -> str:
        """A text as the PDF can show it, escaped for its paragraphs."""
        return escape(self.raw(value))

    def raw(self, value: object) -> str:
        """The same, not escaped, for drawings."""
        known = pdfmetrics.getFont(self.plain).face.charToGlyph
        return "".join(self._shown(c, known) for c in str(value))

    def _shown(self, char: str, known: object) -> str:
        if char in "\n\t\r":
            return " "
        if char == "\u202f":
            char = "\u00a0"
        assert isinstance(known, dict)
        if (ord(char) in known and char.isprintable()) or char == "\u00a0":
            return char
        self.missing.add(char)
        return f"[U+{ord(char):04X}]"

    @property
    def note(self) -> str:
        """What to say of characters that the font lacked; nothing if it had all."""
        if not self.missing:
            return ""
        codes = ", ".join(f"U+{ord(c):04X}" for c in sorted(self.missing)[:12])
        more = f" and {len(self.missing) - 12} more" if len(self.missing) > 12 else ""
        return (
            f"The font of this document lacks {len(self.missing)} of the characters that its texts hold"
            f" ({codes}{more}); they are written as their codes. The setting portal_pdf_font names"
            " another font."
        )


def letters(font: str = "") -> Letters:
    """The letters of the font in the file ``font``; of the one that the package brings, if empty.

    Raises:
        SettingError: the file is no TrueType font.
    """
    if font:
        path = Path(font).expanduser()
        name = f"font-{ids.digest(str(path))[:12]}"
        _register(name, str(path))
        return Letters(name, name)
    for name, file in _OWN:
        _register(name, file)
    return Letters(_OWN[0][0], _OWN[1][0])


def _register(name: str, file: str) -> None:
    if name in pdfmetrics.getRegisteredFontNames():
        return
    try:
        pdfmetrics.registerFont(TTFont(name, file))
    except (TTFError, OSError) as error:
        raise SettingError(
            f"portal_pdf_font: {file} is no font that a PDF can hold ({error}).",
            remedy="Name a TrueType file (.ttf), or leave it out.",
        ) from None
