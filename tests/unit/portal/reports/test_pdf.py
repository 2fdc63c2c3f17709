"""PDFs: every text reaches the page, or says that it could not; the same figures, the same bytes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from headgate.core.errors import SettingError
from headgate.portal.records.exceptions import Granted
from headgate.portal.records.signoffs import SignOff
from headgate.portal.reports import pdf, pdf_fonts
from headgate.portal.reports.periods import Period, Scope
from headgate.portal.reports.quality import Figures, Report, RuleFigures

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
PERIOD = Period(date(2026, 3, 1), date(2026, 3, 9))
FIGURES = Figures(10, 9, 3, 1, 100, 80, 10, 5, 5)


def report(owner: str = "ада & <b>co</b>", datasets: int = 3) -> Report:
    names = [f"gold.shop.d{n:04}" for n in range(datasets)]
    rules = [RuleFigures(names[0], "rule_1", "sql", "warn", None, True, 1, 4, AT)]
    days = {PERIOD.first + timedelta(days=n): FIGURES if n % 2 else Figures() for n in range(9)}
    return Report(Scope("owner", owner), PERIOD, AT, dict.fromkeys(names, FIGURES), days,
                  tuple(rules), (), ())  # fmt: skip


def made(found: Report, reason: str = "plain") -> bytes:
    granted = Granted(
        3, "gold.shop.d0000", "rule_1", reason, "ada@example.org", AT, date(2026, 4, 1)
    )
    signed = SignOff(4, "owner:x", PERIOD.first, PERIOD.last, "d" * 64, {}, "ada", "reviewer", AT)
    return pdf.quality_report(
        found, exceptions=[granted], signed=[(signed, True)], by="ada@example.org"
    )


def pages_of(found: bytes) -> int:
    """How many pages a PDF has."""
    return len(re.findall(rb"/Type /Page\b(?!s)", found))


def test_the_same_figures_give_the_same_bytes() -> None:
    assert made(report()) == made(report())
    assert made(report()) != made(report(datasets=4))


def test_every_page_has_its_number_and_who_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    for name in ("drawString", "drawRightString"):
        old = getattr(Canvas, name)
        monkeypatch.setattr(
            Canvas, name,
            lambda self, x, y, text, *a, _old=old, **k: (told.append(text), _old(self, x, y, text, *a, **k))[1],
        )  # fmt: skip
    pages = pages_of(made(report(datasets=400)))
    assert pages > 5
    for number in range(1, pages + 1):
        assert f"Page {number} of {pages}" in told
    feet = [t for t in told if "Made by ada@example.org" in t]
    assert len(feet) == pages and "As of 2026-03-10 12:00 UTC" in feet[0]


def test_what_the_font_lacks_is_told_as_a_code_and_said() -> None:
    letters = pdf_fonts.letters()
    assert letters.text("Ärger & ½ <b>") == "Ärger &amp; ½ &lt;b&gt;"
    assert not letters.note
    assert letters.text("中文") == "[U+4E2D][U+6587]"
    assert letters.raw("a\x00b\u202e") == "a[U+0000]b[U+202E]"
    assert "U+4E2D" in letters.note and "portal_pdf_font" in letters.note


def test_hostile_texts_end_no_page() -> None:
    for reason in (
        "<para>",
        "&nope;",
        "</font><img src='x'/>",
        "x" * 5_000,
        "中" * 900,
        "\n" * 200,
    ):
        assert made(report(), reason).startswith(b"%PDF-"), reason


def test_nothing_is_fetched_and_nothing_runs() -> None:
    found = made(report(), "https://example.org/x <a href='https://example.org'>")
    assert not re.search(rb"/URI|/JavaScript|/Launch|/Annots", found)


def test_a_file_that_is_no_font_is_refused_with_the_setting(tmp_path: Path) -> None:
    wrong = tmp_path / "font.ttf"
    wrong.write_text("no font")
    with pytest.raises(SettingError, match="portal_pdf_font"):
        pdf_fonts.letters(str(wrong))
    with pytest.raises(SettingError, match="portal_pdf_font"):
        pdf_fonts.letters(str(tmp_path / "missing.ttf"))
