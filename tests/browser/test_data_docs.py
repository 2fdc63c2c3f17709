"""Data Docs in a real browser, opened from disk: styled, readable, and asking nobody for anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.main import invoke
from tests.browser.conftest import Browser
from tests.judged_lake import DATASET, HOSTILE, judged_lake

pytestmark = pytest.mark.servers

#: Colours of an element and of what is behind it, as the browser computed them.
COLOURS = """element => {
  let behind = element;
  while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)')
    behind = behind.parentElement;
  const paper = getComputedStyle(behind || document.documentElement).backgroundColor;
  return [getComputedStyle(element).color, paper];
}"""


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a lake with a batch published in part, one refused, and hostile values."""
    folder = tmp_path_factory.mktemp("browser")
    project = judged_lake(folder / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADGATE_ROOT", str(project.settings.root))
        assert invoke(["docs", "--out", str(folder / "docs")]) == 0
    return folder / "docs"


@pytest.fixture(scope="module")
def pages(docs: Path) -> list[Path]:
    """One page of each sort first, then all others."""
    first = [docs / "index.html", docs / DATASET / "index.html", docs / DATASET / "suite.html"]
    first += sorted((docs / DATASET).glob("*-*.html"))
    return first + sorted(set(docs.rglob("*.html")) - set(first))


@pytest.fixture(scope="module")
def partly(docs: Path) -> Path:
    """The verdict of the batch that was published in part."""
    return next(p for p in (docs / DATASET).glob("*-*.html") if "in part" in p.read_text("utf-8"))


def test_the_recorder_would_notice_a_request(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "loose.html"
    path.write_text('<img src="https://evil.example/a.png"><script>missing()</script>')
    watched = browser.watch()
    watched.open(path)
    assert watched.outside == ["https://evil.example/a.png"]
    assert any("missing" in c for c in watched.complaints)


def test_no_page_asks_another_host_or_complains(browser: Browser, pages: list[Path]) -> None:
    watched = browser.watch()
    for path in pages:
        page = watched.open(path)
        assert (watched.outside, watched.complaints) == ([], []), path
        assert page.evaluate("performance.getEntriesByType('resource').length") == 0, path


def test_values_of_the_data_run_nothing(browser: Browser, partly: Path) -> None:
    page = browser.watch().open(partly)
    assert page.title() == f"{DATASET}: published in part"
    assert HOSTILE in page.inner_text("main")
    assert page.locator("main img, main script, main link").count() == 0


def test_pages_are_styled(browser: Browser, pages: list[Path], tmp_path: Path) -> None:
    watched = browser.watch()
    for number, path in enumerate(pages[:5]):
        page = watched.open(path)
        page.screenshot(path=tmp_path / f"{number}.png", full_page=True)
        found = page.evaluate(
            "() => { const of = (s, p) => getComputedStyle(document.querySelector(s))[p];"
            " return {font: of('body', 'fontFamily'), weight: of('h1', 'fontWeight'),"
            " line: of('header', 'borderBottomStyle'),"
            " sheets: document.styleSheets.length}; }"
        )
        assert found["font"].startswith("system-ui")
        assert (found["line"], found["sheets"]) == ("solid", 1)
        assert int(found["weight"]) >= 600
    page = watched.open(pages[1])
    ok, bad = (page.locator(f".badge.{k}").first.evaluate(COLOURS)[0] for k in ("ok", "bad"))
    assert ok != bad


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_can_be_read(browser: Browser, pages: list[Path], dark: bool) -> None:
    watched = browser.watch(dark=dark)
    for path in pages[:5]:
        page = watched.open(path)
        paper = luminance(page.locator("body").evaluate(COLOURS)[1])
        assert (paper < 0.1) is dark
        for wanted in ("body", "a", "th", ".badge", ".sign", ".quiet", ".alert", ".text-danger"):
            for element in page.locator(wanted).all()[:10]:
                ink, paper_behind = element.evaluate(COLOURS)
                assert contrast(ink, paper_behind) >= 4.5, (path, wanted, ink, paper_behind)


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_needs_no_sideways_scrolling(
    browser: Browser, pages: list[Path], width: int, tmp_path: Path
) -> None:
    watched = browser.watch(width=width)
    for number, path in enumerate(pages):
        page = watched.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        if number < 5:
            page.screenshot(path=tmp_path / f"{number}.png", full_page=True)


def test_without_scripts_nothing_is_missing(
    browser: Browser, pages: list[Path], partly: Path
) -> None:
    with_scripts, without = browser.watch(), browser.watch(scripts=False)
    for path in pages[:5]:
        said = with_scripts.open(path).inner_text("body")
        assert len(said) > 100
        assert without.open(path).inner_text("body") == said
    page = without.open(partly)
    details = page.locator("details").first
    assert details.get_attribute("open") is None
    details.locator("summary").click()
    assert details.get_attribute("open") is not None
    assert "Great Expectations Version" in details.inner_text()


def test_a_reader_finds_the_way(browser: Browser, docs: Path) -> None:
    page = browser.watch(scripts=False).open(docs / "index.html")
    assert "refused" in page.locator("tr", has_text=DATASET).inner_text()
    page.get_by_role("link", name=DATASET).click()
    assert page.locator("h1").inner_text() == DATASET
    page.locator("tr", has_text="partly.jsonl").get_by_role("link").click()
    assert "malformed_json" in page.inner_text("main")
    page.locator(".contents").get_by_role("link", name="type").click()
    assert page.url.rpartition("#")[2].startswith("section-")
    page.locator("main").get_by_role("link", name=DATASET).click()
    assert page.locator("h1").inner_text() == f"What {DATASET} promises"
    page.get_by_role("link", name="All datasets").click()
    assert "Data quality of lake" in page.title()


def test_what_a_screen_reader_needs_is_there(browser: Browser, pages: list[Path]) -> None:
    watched = browser.watch()
    for path in pages[:5]:
        page = watched.open(path)
        assert page.get_attribute("html", "lang") == "en"
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids)), path
        for sign in page.locator(".sign").all():
            assert sign.get_attribute("aria-label") in ("held", "broken", "no answer")


def luminance(colour: str) -> float:
    """Relative luminance of ``rgb(…)``, as WCAG 2 defines it."""
    parts = [float(p) / 255 for p in re.findall(r"[\d.]+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(ink: str, paper: str) -> Any:
    """The contrast of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
