"""`headgate portal` as a process of its own, over the lake that is shown."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

PATIENCE = 120.0


class Portal:
    """A running portal; ``arguments`` are its own."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.root, self.arguments = root, arguments
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        self.said: list[str] = []

    @property
    def log(self) -> Path:
        """What it says on stderr."""
        return self.root / "portal.log"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "headgate.cli.main", "portal", "--port", "0"]
        self.process = subprocess.Popen(
            [*command, *self.arguments],
            env={**os.environ, "HEADGATE_ROOT": str(self.root)},
            stdout=subprocess.PIPE, stderr=self.log.open("a"), text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            found = re.search(r"served at (http://\S+)", line)
            if found is not None:
                self.address = found[1]
                return
        raise AssertionError(self.log.read_text())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and give its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        os.killpg(process.pid, number)
        code = process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()
        return code
