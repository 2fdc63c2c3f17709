"""A pack as bytes: a ZIP that is written as it goes, the same for the same files, with their checksums."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import IO, Any

from headgate.core import ids

SUMS = "SHA256SUMS"
_WHEN = (1980, 1, 1, 0, 0, 0)
_AT_ONCE = 64 * 1024
#: A file of a pack: its path, and its bytes in pieces.
File = tuple[str, Iterable[bytes]]


class _Sink(RawIOBase):
    """Takes what is written, to be handed on; it cannot go back, so that nothing is kept."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since."""
        found, self.pieces = b"".join(self.pieces), []
        return found


def stream(files: Iterable[File]) -> Iterator[bytes]:
    """The bytes of a ZIP of these files, and of the list of their checksums as the last one.

    They are written in the order in which they come. Nothing but the files decides the bytes.
    """
    sink, sums = _Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as pack:
        for name, pieces in files:
            hasher = ids.content_hasher()
            with pack.open(_info(name), "w") as out:
                for piece in pieces:
                    hasher.update(piece)
                    out.write(piece)
                    if sum(map(len, sink.pieces)) > _AT_ONCE:
                        yield sink.taken()
            sums.append(f"{hasher.hexdigest()}  {name}\n")
            yield sink.taken()
        pack.writestr(_info(SUMS), "".join(sums))
    yield sink.taken()


def check(file: IO[bytes]) -> tuple[int, list[str]]:
    """How many files a pack holds, and what is wrong with it, as sentences; none if nothing is."""
    try:
        pack = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        return 0, [f"it is no whole ZIP file: {error}"]
    with pack:
        names = pack.namelist()
        if SUMS not in names:
            return len(names), [f"{SUMS} is missing"]
        wrong = [f"{n} is in it twice" for n in sorted({n for n in names if names.count(n) > 1})]
        try:
            told = _sums(pack.read(SUMS).decode("utf-8"))
        except Exception as error:  # damage shows itself in many ways
            return len(names), [f"{SUMS} cannot be read: {error or type(error).__name__}"]
        for name in names:
            if name != SUMS and name not in told:
                wrong.append(f"{name} is not in {SUMS}")
        for name, digest in told.items():
            if name not in names:
                wrong.append(f"{name} is missing")
            elif _digest(pack, name) != digest:
                wrong.append(f"{name} is not as it was packed")
    return len(names), wrong


def _sums(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        digest, mark, name = line.partition("  ")
        if not mark or len(digest) != 64 or name in found:
            raise ValueError(f"a line is not as it should be: {line[:100]}")
        found[name] = digest
    return found


def _digest(pack: zipfile.ZipFile, name: str) -> str | None:
    hasher = ids.content_hasher()
    try:
        with pack.open(name) as file:
            while piece := file.read(_AT_ONCE):
                hasher.update(piece)
    except Exception:  # as above
        return None
    return hasher.hexdigest()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _WHEN)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info
