"""Mounting the tests' file system, in a process of its own, and talking to it while it is mounted."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.filesystem.faults import Faults

_REPOSITORY = Path(__file__).resolve().parents[3]


class Mounted:
    """A mounted file system, as its tests speak to it."""

    def __init__(self, at: Path, door: socket.socket) -> None:
        self.at = at
        self._lines = door.makefile("rw")

    def set(self, faults: Faults | None) -> None:
        """Let operations fail from now on (None: no more); the counts begin anew."""
        self._ask({"faults": dataclasses.asdict(faults) if faults else None})

    def counted(self) -> dict[str, Any]:
        """Operations since the faults were set: ``total``, ``by_kind``, and of the kinds that may
        fail ``seen`` and ``failed``. The journal can be read up to here afterwards."""
        return self._ask({})

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        self._lines.write(json.dumps(what) + "\n")
        self._lines.flush()
        found: dict[str, Any] = json.loads(self._lines.readline())
        return found


@contextmanager
def mounted(
    backing: Path, at: Path, *, journal: Path | None = None, faults: Faults | None = None
) -> Iterator[Mounted]:
    """Mount ``backing`` (a folder) at ``at`` (an empty folder; both are made if they are not there).

    With ``journal`` every change and every sync is noted there. Where nothing can be mounted the
    test fails in CI and is skipped elsewhere.
    """
    backing.mkdir(parents=True, exist_ok=True)
    at.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="headgate-fs-") as folder:
        address = f"{folder}/door"
        command = [sys.executable, "-m", "tests.reliability.filesystem",
                   str(backing), str(at), address, *([str(journal)] if journal else [])]  # fmt: skip
        told = open(f"{folder}/told", "w+")  # noqa: SIM115
        served = subprocess.Popen(command, cwd=_REPOSITORY, stdout=told, stderr=told)
        try:
            _wait(served, at, told)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
                door.connect(address)
                found = Mounted(at, door)
                if faults is not None:
                    found.set(faults)
                yield found
        finally:
            _unmount(served, at)
            told.close()


def _wait(served: subprocess.Popen[bytes], at: Path, told: Any) -> None:
    until = time.monotonic() + 20
    while not os.path.ismount(at):
        if served.poll() is not None or time.monotonic() > until:
            told.seek(0)
            why = told.read().strip().splitlines()
            _cannot(why[-1] if why else "it does not answer")
        time.sleep(0.01)


def _cannot(why: str) -> None:
    text = f"no file system of our own can be mounted here ({why}): power cuts and full disks not tried"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def _unmount(served: subprocess.Popen[bytes], at: Path) -> None:
    tool = shutil.which("fusermount3") or shutil.which("fusermount") or "umount"
    for options in (["-u"], ["-u", "-z"]) if "fuser" in tool else ([], ["-l"]):
        if os.path.ismount(at):
            subprocess.run([tool, *options, str(at)], check=False, capture_output=True)
    try:
        served.wait(timeout=10)
    except subprocess.TimeoutExpired:
        served.kill()
        served.wait()
