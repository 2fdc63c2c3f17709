"""A real Chromium, and everything that its pages ask for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headgate.orchestration.project import Project
from tests.browser.portal_process import Portal
from tests.shown_lake import shown_lake

#: Chromium itself must ask nobody for anything.
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--disable-dev-shm-usage"]  # fmt: skip


@dataclass
class Watched:
    """A page, and what happened in it: requests beyond the disk (or its own server), and complaints."""

    page: Any
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Any:
        """The page at ``path``, loaded from disk."""
        return self.go(path.as_uri())

    def go(self, address: str) -> Any:
        """The page at an address."""
        self.page.goto(address, wait_until="load")
        return self.page


class Browser:
    """A browser whose pages are watched."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium

    def watch(
        self,
        *,
        width: int = 1200,
        dark: bool = False,
        scripts: bool = True,
        home: str = "file://",
    ) -> Watched:
        """A fresh page of that width in CSS pixels; no request of it leaves the machine, and none
        leaves ``home``, where addresses of its own begin."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        watched = Watched(context.new_page())

        def judge(route: Any) -> None:
            if route.request.url.startswith(home):
                route.continue_()
            else:
                watched.outside.append(route.request.url)
                route.abort()

        context.route("**/*", judge)
        watched.page.on("console", lambda m: watched.complaints.append(m.text))
        watched.page.on("pageerror", lambda e: watched.complaints.append(str(e)))
        return watched


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next((p for p in (shutil.which(n) for n in names if n) if p), None)
    if path is None:
        pytest.fail("no Chromium: run tests/browser/chromium.sh, or set CHROMIUM")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield Browser(chromium)
        chromium.close()


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small lake that pages are shown of; who changes it takes a copy."""
    return shown_lake(tmp_path_factory.mktemp("shown") / "project")


@pytest.fixture(scope="module")
def portal(shown: Project) -> Iterator[Portal]:
    """A portal over it, as a process of its own."""
    served = Portal(Path(shown.settings.root))
    served.start()
    yield served
    assert served.stop() == 0
    assert "Traceback" not in served.log.read_text()
