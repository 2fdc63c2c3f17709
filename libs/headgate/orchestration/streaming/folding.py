"""Having what is made from a stream's dataset built every so often, by a run of its own process."""

from __future__ import annotations

import subprocess
import sys

from headgate.core import clock
from headgate.orchestration.project import Project


class Folder:
    """Starts `headgate run --select DATASET+` at most every ``seconds`` (0: never) while rows come.

    A run that finds the lake held is tried again; what it says goes nowhere, and of a failure the
    exit code is told.
    """

    def __init__(self, project: Project, dataset: str, seconds: float) -> None:
        self._project, self._dataset, self._seconds = project, dataset, seconds
        self._at, self._folded = clock.monotonic(), -1
        self._process: subprocess.Popen[bytes] | None = None
        self.problem = ""

    def fold(self, version: int | None) -> None:
        """Begin a run if it is time, there is something new, and none goes on."""
        if self._process is not None and self._process.poll() is not None:
            code, self._process = self._process.returncode, None
            if code:  # the lake may have been held: it is tried again when it is time
                self.problem, self._folded = f"the run that folds ended with {code}", -1
            else:
                self.problem = ""
        if not self._seconds or version is None or self._process is not None:
            return
        if version == self._folded or clock.monotonic() - self._at < self._seconds:
            return
        self._at, self._folded = clock.monotonic(), version
        settings = self._project.settings
        self._process = subprocess.Popen(
            [sys.executable, "-m", "headgate.cli.main", "--lake", str(settings.lake_path),
             "run", "--select", f"{self._dataset}+", "--json"],
            cwd=settings.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        """Wait for the run that goes on, if any."""
        if self._process is not None:
            self._process.wait()
