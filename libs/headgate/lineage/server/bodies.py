"""Bodies of posts: read within limits, unpacked within limits, parsed as JSON and nothing else."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from headgate.core import json as hjson
from headgate.lineage.server.limits import Limits
from headgate.lineage.server.problems import Problem

#: Bigger bodies are unpacked and parsed beside the loop that answers everybody.
_ASIDE = 65_536
_JSON = "application/json"
#: How much more than is allowed is read and thrown away, so that the answer is still heard.
_DRAINED = 4


async def aside(size: int, function: Any, *arguments: Any) -> Any:
    """What the function gives for something of that size; of much, another thread finds it."""
    if size < _ASIDE:
        return function(*arguments)
    return await run_in_threadpool(function, *arguments)


class Bodies:
    """Reads bodies; those that are being read together never hold more than ``limits.bodies``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def whole(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request that sends JSON, unpacked; it counts as held until the block ends.

        Raises:
            Problem: it is too long, too slow, of another type, or packed in another way.
        """
        kind = request.headers.get("content-type", _JSON).partition(";")[0].strip().lower()
        if kind not in (_JSON, "text/json") and not kind.endswith("+json"):
            raise Problem(
                415, f"A body is JSON, and this is {kind or 'of no type'}.",
                remedy="Send Content-Type: application/json.",
            )  # fmt: skip
        packed = request.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("identity", "gzip", "x-gzip", ""):
            raise Problem(
                415, f"A body that is packed by {packed} is not read.",
                remedy="Pack it by gzip, or not at all.", headers={"Accept-Encoding": "gzip"},
            )  # fmt: skip
        held = [0]
        try:
            data = await self._read(request, held)
            if "gzip" in packed:
                data = await aside(len(data), unpack, data, self._limits.body)
                self._hold(held, len(data))
            yield data
        finally:
            self._held -= held[0]

    async def _read(self, request: Request, held: list[int]) -> bytes:
        most = self._limits.body
        told = request.headers.get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told) > _DRAINED * most:
            raise _too_long(most)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for part in request.stream():
                    size += len(part)
                    if size > _DRAINED * most:
                        break
                    if size <= most:
                        self._hold(held, len(part))
                        parts.append(part)
        except TimeoutError:
            raise Problem(408, "The body took too long to come.", headers=_CLOSE) from None
        except ClientDisconnect:
            raise Problem(400, "The body ended early.", headers=_CLOSE) from None
        if size > most:
            raise _too_long(most)
        return b"".join(parts)

    def _hold(self, held: list[int], size: int) -> None:
        self._held += size
        held[0] += size
        if self._held > self._limits.bodies:
            raise Problem(
                429, "Too much is being posted at the same time.", remedy="Post it again.", wait=1.0
            )


_CLOSE = {"Connection": "close"}


def _too_long(most: int) -> Problem:
    return Problem(
        413, f"A body may have {most:,} bytes, packed and unpacked, and this has more.",
        remedy="Post fewer events at once, or raise HEADGATE_LINEAGE_MAX_BODY.", headers=_CLOSE,
    )  # fmt: skip


def unpack(data: bytes, most: int) -> bytes:
    """What was packed by gzip, of one part or several.

    Raises:
        Problem: it is no gzip, is cut, or unpacks to more than ``most`` bytes.
    """
    parts: list[bytes] = []
    left = most
    while data:
        packed = zlib.decompressobj(wbits=31)
        try:
            part = packed.decompress(data, left + 1)
        except zlib.error as error:
            raise Problem(400, f"The body is no gzip: {error}.") from None
        left -= len(part)
        if left < 0:
            raise _too_long(most)
        if not packed.eof:
            raise Problem(400, "The body is gzip that ends early.")
        parts.append(part)
        data = packed.unused_data
    return b"".join(parts)


def parse(data: bytes, deepest: int) -> Any:
    """The JSON value that is all of the data.

    Raises:
        Problem: there is none, or it is nested deeper than ``deepest``.
    """
    try:
        value = hjson.read_finite(data)
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is no UTF-8: {error.reason} at byte {error.start}.") from None
    except RecursionError:
        raise _too_deep(deepest) from None
    except ValueError as error:
        raise Problem(400, f"The body is no JSON: {error}.") from None
    if hjson.deeper(data, deepest):
        raise _too_deep(deepest)
    return value


def _too_deep(deepest: int) -> Problem:
    return Problem(400, f"The body is nested deeper than {deepest} times.")
