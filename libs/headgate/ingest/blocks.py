"""A source file's bytes in blocks: plain, gzip or zstd, hashed as delivered, damage told."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from typing import Any

from headgate.core import ids
from headgate.core.errors import RefusedError
from headgate.ingest.plainfile import open_plain
from headgate.ingest.readers.base import Reason, SourceFile, Unsafe

#: Bytes a block has, about.
BLOCK = 1 << 20
_COMPRESSED = 1 << 16
_GZIP = zlib.MAX_WBITS | 16
_ZEROS = re.compile(rb"\0*+")
#: Unpacked bytes from which on they are compared with what they were packed in.
_FLOOR = 16 << 20
#: Gzip members that may come before each must hold something worth a header, and that many bytes.
_MEMBERS, _WORTH = 10_000, 32
#: Bytes a gzip member is given first; the next are given more while it goes on.
_TASTE = 1 << 10


class Blocks:
    """The content of one open file.

    After :meth:`stream` to its end, ``content_hash`` is the SHA-256 of the file's bytes as stored
    and ``damage`` says why a compressed stream ended early (None if it did not).

    ``max_ratio`` is how many times what is packed may be unpacked.

    Raises:
        OSError: the file cannot be opened or read.
        UsageError: it is no plain file.
        RefusedError: the file was changed while it was read.
        Unsafe: it unpacks to too much.
    """

    def __init__(self, source: SourceFile, max_ratio: int = 200) -> None:
        self.source = source
        self.content_hash = ""
        self.damage: str | None = None
        self.max_ratio = max_ratio
        self._taken = 0  # stored bytes that were read
        self._file = open_plain(source.path, source.name)
        self._state = self._stat()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def stream(self, *, hashed: bool = False) -> Iterator[bytes]:
        """The content from its beginning, decompressed; one stream at a time."""
        self.damage = None
        self._file.seek(0)
        hasher = ids.content_hasher() if hashed else None
        stored = self._stored(hasher)
        kind = self.source.compression
        if kind == "none":
            yield from stored
        else:
            unpacked = {"gzip": self._gzip, "zstd": self._zstd}[kind](stored)
            yield from _gathered(self._bounded(unpacked))
        if hasher:
            for _ in stored:  # what lies behind a damage still counts for the hash
                pass
            self.content_hash = hasher.hexdigest()
        self.check_unchanged()

    def at(self, offset: int, size: int) -> bytes:
        """``size`` bytes of a plain file from ``offset``, fewer at its end."""
        found = os.pread(self._file.fileno(), size, offset)
        while len(found) < size:
            piece = os.pread(self._file.fileno(), size - len(found), offset + len(found))
            if not piece:
                break
            found += piece
        return found

    def check_unchanged(self) -> None:
        """Demand that nobody has written to the file since it was opened."""
        if self._stat() != self._state:
            raise RefusedError(
                f"{self.source.name} was changed while it was read.",
                remedy="Run again when it is complete; nothing of it was published.",
            )

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def _stored(self, hasher: ids.Hasher | None) -> Iterator[bytes]:
        size = BLOCK if self.source.compression == "none" else _COMPRESSED
        self._taken = 0
        while data := self._file.read(size):
            self._taken += len(data)
            if hasher:
                hasher.update(data)
            yield data

    def _bounded(self, unpacked: Iterator[bytes]) -> Iterator[bytes]:
        """What was unpacked, as long as it is no more than the file's size can account for."""
        given = 0
        for block in unpacked:
            given += len(block)
            if given > _FLOOR and given > self.max_ratio * self._taken:
                raise self._too_far(
                    f"its first {self._taken:,} bytes unpack to over {given:,}, more than"
                    f" {self.max_ratio} times as much"
                )
            yield block

    def _too_far(self, told: str) -> Unsafe:
        remedy = "raise the setting max_unpack_ratio if it is meant to be so"
        return Unsafe(Reason("unpacks_too_far", None, f"{told}: nothing was taken; {remedy}"))

    def _gzip(self, stored: Iterator[bytes]) -> Iterator[bytes]:
        member = zlib.decompressobj(_GZIP)
        inside = False  # a member has begun and not ended
        members, given = 0, 0
        taste = _TASTE
        for piece in stored:
            at = 0
            while at < len(piece):
                if not inside and members:
                    at = _padded(piece, at)  # padding between and after members is allowed
                    if at == len(piece):
                        break
                if not inside:
                    members, inside = members + 1, True
                    if members > _MEMBERS and given < _WORTH * members:
                        told = f"its first {members:,} gzip members hold {given:,} bytes"
                        raise self._too_far(told)
                before = member.copy()
                data = piece[at : at + taste]
                try:
                    out = member.decompress(data, BLOCK)
                except zlib.error as error:
                    self.damage = f"gzip: {str(error).partition(': ')[2]}"
                    yield from _until_damage(before, data)
                    return
                given += len(out)
                if out:
                    yield out
                at += len(data) - len(member.unconsumed_tail)
                taste = min(2 * taste, _COMPRESSED)
                if member.eof:
                    at -= len(member.unused_data)
                    inside, taste = False, _TASTE
                    member = zlib.decompressobj(_GZIP)
        if inside or not members:
            self.damage = "gzip: the stream ends early"

    def _zstd(self, stored: Iterator[bytes]) -> Iterator[bytes]:
        import pyarrow as pa

        pieces = _Pieces(stored)
        given = 0
        try:
            with pa.CompressedInputStream(pa.PythonFile(pieces, mode="r"), "zstd") as unpacked:
                while data := unpacked.read(BLOCK):
                    given += len(data)
                    yield data
            if not pieces.given:
                self.damage = "zstd: the stream ends early"
        except (OSError, pa.ArrowInvalid) as error:
            self.damage = f"zstd: {str(error).splitlines()[0]}"
            # A read that fails gives nothing of what it had: ask again for less at a time.
            for size in (4096, 1):
                for data in self._zstd_behind(given, size):
                    given += len(data)
                    yield data

    def _zstd_behind(self, start: int, size: int) -> Iterator[bytes]:
        """What a damaged zstd stream gives behind its first ``start`` bytes, ``size`` at a time."""
        import pyarrow as pa

        try:
            with open_plain(self.source.path, self.source.name) as file:
                pieces = _Pieces(iter(lambda: file.read(_COMPRESSED), b""))
                with pa.CompressedInputStream(pa.PythonFile(pieces, mode="r"), "zstd") as unpacked:
                    while start and (passed := unpacked.read(min(start, BLOCK))):
                        start -= len(passed)
                    while data := unpacked.read(size):
                        yield data
        except (OSError, pa.ArrowInvalid):
            return


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces put together to about a block each: what is proven at a time, and sampled first."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _padded(piece: bytes, at: int) -> int:
    """Where the zeros end that stand at a place."""
    found = _ZEROS.match(piece, at)
    return found.end() if found else at


def _until_damage(member: Any, data: bytes) -> Iterator[bytes]:
    """What a gzip member gives before the byte at which it breaks."""
    out = bytearray()
    for at in range(len(data)):
        try:
            out += member.decompress(data[at : at + 1])
        except zlib.error:
            break
        if len(out) >= BLOCK:
            yield bytes(out)
            out.clear()
    if out:
        yield bytes(out)


class _Pieces:
    """A file to read from, over an iterator of bytes; what Arrow's decompressor asks for."""

    closed = False

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.given = False

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        self.given = self.given or bool(self._rest)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self, *_: Any) -> None:
        self.closed = True
