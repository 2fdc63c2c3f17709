"""The file system that the reliability tests mount: it keeps what it is given, notes it down, and fails when told."""

from __future__ import annotations

import errno
import mmap
import os
import signal
from pathlib import Path

import pytest

from tests.reliability.filesystem import Faults, journal, mounted


def test_what_is_done_is_passed_on_and_noted_in_order(tmp_path: Path) -> None:
    with mounted(tmp_path / "real", tmp_path / "disk", journal=tmp_path / "journal") as disk:
        draft, name = disk.at / "draft", disk.at / "name"
        draft.write_bytes(b"rows")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.link(draft, name)
        draft.unlink()
        folder = os.open(disk.at, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        assert os.listdir(disk.at) == ["name"] and name.read_bytes() == b"rows"
    assert (tmp_path / "real/name").read_bytes() == b"rows"

    found = [(o.kind, o.path, o.data) for o in journal.read(tmp_path / "journal")]
    assert found == [
        ("create", "/draft", b""), ("write", "/draft", b"rows"), ("fsync", "/draft", b""),
        ("link", "/draft", b""), ("unlink", "/draft", b""), ("fsyncdir", "/", b""),
    ]  # fmt: skip


def test_appends_and_mapped_writes_land_where_they_belong(tmp_path: Path) -> None:
    with mounted(tmp_path / "real", tmp_path / "disk") as disk:
        with (disk.at / "log").open("ab") as one, (disk.at / "log").open("ab") as two:
            for file, text in ((one, b"1\n"), (two, b"2\n"), (one, b"3\n")):
                file.write(text)
                file.flush()
        with (disk.at / "mapped").open("wb+") as file:
            file.truncate(8192)
            with mmap.mmap(file.fileno(), 8192) as memory:
                memory[5000:5005] = b"hello"
    assert (tmp_path / "real/log").read_bytes() == b"1\n2\n3\n"
    assert (tmp_path / "real/mapped").read_bytes()[4999:5006] == b"\0hello\0"


def test_the_nth_operation_fails_once_or_from_then_on(tmp_path: Path) -> None:
    with mounted(tmp_path / "real", tmp_path / "disk") as disk:
        for lasting, expected in ((False, "o-o"), (True, "o--")):
            disk.set(Faults(nth=2, kinds=("write",), error="ENOSPC", lasting=lasting))
            found = ""
            for _ in range(3):
                try:
                    (disk.at / "file").write_bytes(b"x")
                    found += "o"
                except OSError as error:
                    found += "-" if error.errno == errno.ENOSPC else "?"
            assert found == expected
            assert disk.counted()["failed"] == expected.count("-")
        disk.set(None)
        (disk.at / "file").write_bytes(b"x")


def test_whoever_asks_can_be_killed_by_it(tmp_path: Path) -> None:
    with mounted(tmp_path / "real", tmp_path / "disk") as disk:
        disk.set(Faults(nth=1, kinds=("write",), kill=True, under="/mine"))
        child = os.fork()
        if child == 0:
            try:
                (disk.at / "other").write_bytes(b"x")
                (disk.at / "mine").write_bytes(b"x")
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert (disk.at / "mine").read_bytes() == b"x"


def test_a_file_system_that_cannot_be_mounted_says_what_was_not_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("FUSE_LIBRARY_PATH", str(tmp_path / "none"))
    with (
        pytest.raises(pytest.skip.Exception, match="power cuts and full disks not tried"),
        mounted(tmp_path / "real", tmp_path / "disk"),
    ):
        raise AssertionError
    monkeypatch.setenv("CI", "1")
    with (
        pytest.raises(pytest.fail.Exception, match="not tried"),
        mounted(tmp_path / "real", tmp_path / "disk"),
    ):
        raise AssertionError
