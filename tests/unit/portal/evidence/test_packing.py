"""A pack's bytes: the same for the same files, and no change to one of them goes unseen."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.portal.evidence import packing

FILES = [("README.txt", b"read me"), ("verdicts/a.json", b"{}"), ("empty.csv", b""), ("big.csv", b"x,y\n" * 90_000)]  # fmt: skip


def packed(files: list[tuple[str, bytes]] = FILES) -> bytes:
    return b"".join(packing.stream((name, (text,)) for name, text in files))


def test_the_same_files_give_the_same_bytes() -> None:
    assert packed() == packed()
    in_pieces = b"".join(
        packing.stream((n, (t[i : i + 7] for i in range(0, len(t), 7))) for n, t in FILES[:3])
    )
    assert in_pieces == packed(FILES[:3])


def test_it_is_made_as_it_is_read() -> None:
    done = []

    def slow() -> object:
        for number in range(50):
            done.append(number)
            yield bytes([number]) * 100_000

    made = packing.stream([("first.txt", (b"1",)), ("slow.bin", slow())])
    next(made)
    assert not done  # the first file is out before the next is begun


def test_any_tool_unpacks_and_checks_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as pack:
        pack.extractall(tmp_path)
    assert (tmp_path / "big.csv").read_bytes() == FILES[3][1]
    subprocess.run(["sha256sum", "-c", "--strict", packing.SUMS], cwd=tmp_path, check=True)


def test_a_whole_pack_is_told_as_one() -> None:
    assert packing.check(io.BytesIO(packed())) == (len(FILES) + 1, [])


def _changed(change: str) -> bytes:
    """The pack, packed anew by somebody with other things in it."""
    old, new = zipfile.ZipFile(io.BytesIO(packed())), io.BytesIO()
    with zipfile.ZipFile(new, "w") as pack:
        for name in old.namelist():
            data = old.read(name)
            if change == "text" and name == "README.txt":
                data = b"read us"
            if change == "gone" and name == "empty.csv":
                continue
            if change == "sums" and name == packing.SUMS:
                data = data.replace(b"README.txt", b"READTHIS.txt")
            if change == "no sums" and name == packing.SUMS:
                continue
            pack.writestr(name, data)
        if change == "more":
            pack.writestr("verdicts/b.json", "{}")
    return new.getvalue()


@pytest.mark.parametrize(
    ("change", "told"),
    [("text", "README.txt is not as it was packed"), ("gone", "empty.csv is missing"),
     ("more", "verdicts/b.json is not in SHA256SUMS"), ("sums", "READTHIS.txt is missing"),
     ("no sums", "SHA256SUMS is missing")],
)  # fmt: skip
def test_what_was_changed_is_named(change: str, told: str) -> None:
    _, wrong = packing.check(io.BytesIO(_changed(change)))
    assert told in wrong


@given(st.data())
def test_a_pack_that_was_cut_off_is_no_whole_one(data: st.DataObject) -> None:
    whole = packed(FILES[:3])
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert packing.check(io.BytesIO(whole[:cut]))[1]


def test_turned_bytes_are_seen_or_change_nothing_that_is_packed() -> None:
    whole = packed(FILES[:3])
    for place in range(0, len(whole), 3):
        turned = bytearray(whole)
        turned[place] ^= 0x10
        _, wrong = packing.check(io.BytesIO(bytes(turned)))
        if not wrong:  # a field that says nothing of names or texts, such as a date
            with zipfile.ZipFile(io.BytesIO(bytes(turned))) as pack:
                assert {n: pack.read(n) for n in pack.namelist() if n != packing.SUMS} == dict(
                    FILES[:3]
                )
