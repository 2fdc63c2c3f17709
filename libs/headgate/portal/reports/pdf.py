"""A quality report as PDF: tables and charts, each page with its number, as of when and by whom."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from headgate.portal.records.exceptions import Granted
from headgate.portal.records.signoffs import SignOff
from headgate.portal.reports import pdf_charts, pdf_fonts, quality
from headgate.portal.reports.quality import Figures, Report

_MOST_DATASETS, _MOST_RULES = 2_000, 200
_LONGEST = 300
_SHADE, _LINE = colors.HexColor("#f3f5f8"), colors.HexColor("#d5dbe3")


def quality_report(
    report: Report,
    *,
    exceptions: Sequence[Granted],
    signed: Sequence[tuple[SignOff, bool | None]],
    by: str,
    font: str = "",
) -> bytes:
    """The PDF of a report; the same figures give the same bytes.

    Args:
        report: what it shows.
        exceptions: those in force.
        signed: sign-offs of the same report, and whether its figures changed since.
        by: who made it, as its pages say.
        font: a TrueType file to write it with.

    Raises:
        SettingError: that file is none.
    """
    writing = _Writing(report, pdf_fonts.letters(font), by)
    story = writing.story(exceptions, signed)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm,
        bottomMargin=18 * mm, title=f"Quality of the {report.scope}, {report.period}",
        author=by, subject="Quality report", creator="Headgate", invariant=1, lang="en",
    )  # fmt: skip
    document.build(story, canvasmaker=writing.canvas)
    return out.getvalue()


class _Writing:
    """A report on its way to paper."""

    def __init__(self, report: Report, letters: pdf_fonts.Letters, by: str) -> None:
        self.report, self.letters, self.by = report, letters, by
        plain = ParagraphStyle("plain", fontName=letters.plain, fontSize=9, leading=12)
        self.plain, self.cell = plain, ParagraphStyle("cell", plain, fontSize=7, leading=9)
        self.cell.splitLongWords = 1
        self.head = ParagraphStyle("head", self.cell, fontName=letters.bold)
        self.h1 = ParagraphStyle("h1", plain, fontName=letters.bold, fontSize=16, leading=20)
        self.h2 = ParagraphStyle("h2", plain, fontName=letters.bold, fontSize=11, leading=15,
                                 spaceBefore=8, keepWithNext=1)  # fmt: skip

    def story(
        self, exceptions: Sequence[Granted], signed: Sequence[tuple[SignOff, bool | None]]
    ) -> list[Flowable]:
        """All of it, in order."""
        report, total = self.report, self.report.total
        score = "nothing was judged" if total.score is None else _percent(total)
        found: list[Flowable] = [
            self._text(f"Quality of the {report.scope}", self.h1),
            self._text(f"{report.period} (UTC days). As of {report.at:%Y-%m-%d %H:%M} UTC."),
            self._text(
                f"Score: {score} ({total.held:,} of {total.judged:,} rule verdicts held). Batches:"
                f" {total.batches:,}, of which {total.refused_batches:,} were refused. Rows: read"
                f" {total.read:,} = published {total.published:,} + quarantined {total.quarantined:,}"
                f" + deduplicated {total.deduplicated:,} + refused {total.refused:,}."
            ),
            self._text(quality.COUNTED),
            self._text(f"Digest of the figures: {report.digest}"),
            self._text("Score by day", self.h2), pdf_charts.scores(report.days, self.letters),
            self._text("Rows by day: published (blue), quarantined (amber), deduplicated (grey),"
                       " refused (red), from below", self.h2),
            pdf_charts.rows(report.days, self.letters),
        ]  # fmt: skip
        found += self._datasets() + self._rules(exceptions) + self._now()
        found += self._exceptions(exceptions) + self._signed(signed)
        if self.letters.note:
            found += [Spacer(1, 6), self._text(self.letters.note)]
        return found

    def _datasets(self) -> list[Flowable]:
        listed = list(self.report.datasets.items())
        rows = [
            (d, _percent(f), f"{f.held:,} of {f.judged:,}", f"{f.batches:,}",
             f"{f.refused_batches:,}", f"{f.read:,}", f"{f.published:,}", f"{f.quarantined:,}")
            for d, f in listed[:_MOST_DATASETS]
        ]  # fmt: skip
        heads = ("dataset", "score", "verdicts held", "batches", "refused", "rows read",
                 "published", "set aside")  # fmt: skip
        return self._table("Datasets", heads, rows, (46, 14, 24, 16, 15, 20, 20, 19), len(listed))

    def _rules(self, exceptions: Sequence[Granted]) -> list[Flowable]:
        excepted = {(e.dataset, e.rule): f"until {e.until}" for e in exceptions}
        rows = [
            (r.dataset, r.rule, r.severity, f"{r.times:,}", f"{r.breaches:,}",
             f"{r.last_at:%Y-%m-%d}", excepted.get((r.dataset, r.rule), ""))
            for r in self.report.rules[:_MOST_RULES]
        ]  # fmt: skip
        heads = ("dataset", "rule", "severity", "batches", "rows", "last", "exception")
        widths = (46, 42, 18, 16, 16, 18, 18)
        title = "Rules that did not hold"
        return self._table(title, heads, rows, widths, len(self.report.rules))

    def _now(self) -> list[Flowable]:
        late = [(s.id, f"{s.published_at:%Y-%m-%d %H:%M}" if s.published_at else "never",
                 f"{s.hours_allowed:g} hours") for s in self.report.late]  # fmt: skip
        waiting = [(s.id, f"{s.open_quarantine:,}",
                    f"{s.oldest_open:%Y-%m-%d %H:%M}" if s.oldest_open else "")
                   for s in self.report.waiting]  # fmt: skip
        return [
            *self._table("Late now", ("dataset", "last published", "allowed"), late, (90, 42, 42)),
            *self._table("Waiting in quarantine now", ("dataset", "rows", "oldest"), waiting,
                         (90, 42, 42)),
        ]  # fmt: skip

    def _exceptions(self, exceptions: Sequence[Granted]) -> list[Flowable]:
        rows = [(e.dataset, e.rule, e.by, str(e.until), e.reason) for e in exceptions]
        heads = ("dataset", "rule", "by", "until", "reason")
        return self._table("Exceptions in force", heads, rows, (42, 36, 30, 18, 48))

    def _signed(self, signed: Sequence[tuple[SignOff, bool | None]]) -> list[Flowable]:
        rows = [
            (f"{s.first} to {s.last}", s.by, f"{s.at:%Y-%m-%d %H:%M}",
             f"withdrawn by {s.withdrawn_by}" if not s.stands else "figures changed since"
             if changed else "stands", s.note, s.digest[:12])
            for s, changed in signed
        ]  # fmt: skip
        heads = ("days", "by", "when (UTC)", "state", "note", "digest")
        return self._table("Sign-offs", heads, rows, (38, 32, 26, 26, 26, 26))

    def _table(
        self, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]],
        widths: Sequence[int], count: int | None = None,
    ) -> list[Flowable]:  # fmt: skip
        """A table under its title, or that there is none; and how many lines were left out."""
        found: list[Flowable] = [self._text(title, self.h2)]
        if not rows:
            return [*found, self._text("None.")]
        body = [[Paragraph(self.letters.text(h), self.head) for h in heads]]
        body += [
            [Paragraph(escape(_cut(self.letters.raw(v))), self.cell) for v in row] for row in rows
        ]
        table = Table(body, colWidths=[w * mm for w in widths], repeatRows=1, splitInRow=1)
        table.setStyle(TableStyle([
            ("BACKGROUND", (0, 0), (-1, 0), _SHADE), ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.3, _LINE), ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ]))  # fmt: skip
        found.append(table)
        if count is not None and count > len(rows):
            found.append(self._text(f"{count - len(rows):,} more are in the portal and its CSV."))
        return found

    def _text(self, text: str, style: ParagraphStyle | None = None) -> Paragraph:
        return Paragraph(self.letters.text(text), style or self.plain)

    def canvas(self, *given: Any, **named: Any) -> Canvas:
        """Pages that know how many there are."""
        foot = (
            f"As of {self.report.at:%Y-%m-%d %H:%M} UTC. Made by {self.by}."
            f" {self.report.period}, {self.report.scope}."
        )
        return _Numbered(self.letters.plain, self.letters.raw(foot), *given, **named)


class _Numbered(Canvas):
    """Writes the foot of every page once all are known."""

    def __init__(self, font: str, foot: str, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._own_font, self._own_foot = font, foot
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self.setFont(self._own_font, 7)
            self.drawString(18 * mm, 9 * mm, self._own_foot[:130])
            self.drawRightString(A4[0] - 18 * mm, 9 * mm, f"Page {number} of {len(self._pages)}")
            super().showPage()
        super().save()


def _percent(figures: Figures) -> str:
    if figures.score is None:
        return "none"
    # What is not quite all is never written as all.
    return f"{min(figures.score, 0.9999) if figures.score < 1 else 1:.2%}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
