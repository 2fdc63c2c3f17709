"""Pages of the portal as paper: a real browser prints them to PDF, and what can be read there is the facts."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

import pytest
from pypdf import PdfReader

from headgate.orchestration.project import Project
from tests.browser.conftest import Browser
from tests.browser.portal_process import Portal
from tests.shown_lake import IRC, OWNER

pytestmark = pytest.mark.servers

#: What is for the screen alone: where else one can go, what to press, and what to skip.
NOT_PRINTED = ("Skip to the content", "Search datasets and columns", "Catalogue", "Personal data", "Sign off")  # fmt: skip


@pytest.fixture
def printed(browser: Browser, portal: Portal, tmp_path: Path) -> Printed:
    """``printed(address)``: what is on the paper, as whoever prints the page has it."""
    return Printed(browser, portal, tmp_path)


class Printed:
    """Prints pages, and reads what was printed."""

    def __init__(self, browser: Browser, portal: Portal, folder: Path) -> None:
        self.watched = browser.watch(home=portal.address, dark=True)
        self.portal, self.folder = portal, folder

    def pages(self, address: str) -> list[str]:
        """The text of each sheet of A4; blanks are single, and letters that are set as one are two."""
        page = self.watched.go(self.portal.address + address)
        made = page.pdf(format="A4")
        (self.folder / "printed.pdf").write_bytes(made)
        sheets = PdfReader(io.BytesIO(made)).pages
        texts = [unicodedata.normalize("NFKC", sheet.extract_text()) for sheet in sheets]
        return [re.sub(r"\s+", " ", text) for text in texts]

    def text(self, address: str) -> str:
        """All of it, as one text without any blank: a name may be broken over lines."""
        return squeezed(" ".join(self.pages(address)))


def squeezed(text: str) -> str:
    """A text without blanks."""
    return re.sub(r"\s+", "", text)


def test_a_dataset_is_printed_with_its_facts(printed: Printed, shown: Project) -> None:
    sheets = printed.pages(f"/datasets/{IRC}")
    assert IRC in sheets[0] and f"Owner: {OWNER}" in sheets[0]
    text = squeezed(" ".join(sheets))
    contract = shown.contracts[IRC]
    assert squeezed(contract.description) in text
    for column in contract.columns:
        assert column.name in text
    for rule in ("type.accepted", "author.max_length", "channel.pattern"):
        assert rule in text
    # The account of the batch of which rows were set aside: read, published, set aside.
    assert "44404" in text
    assert "publishedinpart" in text and "refused" in text
    assert "Exceptionstoitsrules" in text and "Releasesthatmovedit" in text


def test_a_quality_report_is_printed_with_its_figures(printed: Printed) -> None:
    sheets = printed.pages("/quality/domains/irc")
    assert "Quality of the domain irc" in sheets[0]
    text = squeezed(" ".join(sheets))
    screen = printed.watched.page
    screen.emulate_media(media="screen")
    counts = re.findall(r"[\d,]+ of [\d,]+", screen.inner_text("main .figures"))
    assert counts and all(squeezed(count) in text for count in counts)
    account = re.search(r"Rows: read [^.]+", screen.inner_text("main"))
    assert account is not None and squeezed(account[0]) in text
    for rule in ("type.accepted", "author.max_length", "channel.pattern"):
        assert rule in text
    assert IRC in text and "Exceptionsinforce" in text


@pytest.mark.parametrize("address", [f"/datasets/{IRC}", "/quality/domains/irc", "/quality"])
def test_what_is_for_the_screen_alone_is_not_printed(printed: Printed, address: str) -> None:
    text = printed.text(address)
    page = printed.watched.page
    assert "Audit" in page.inner_text("header nav")
    for words in NOT_PRINTED:
        assert squeezed(words) not in text, words
    assert all(squeezed(place) not in text[:200] for place in ("Lineage", "Runs", "Releases", "People"))  # fmt: skip
