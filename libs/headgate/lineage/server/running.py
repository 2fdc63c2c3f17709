"""The server process: an address that is bound first, limits on connections, and an orderly end."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from headgate.core import collecting
from headgate.core.errors import UsageError
from headgate.core.secrets import redact
from headgate.lineage.server.guard import is_loopback

#: How long requests that are going on may take when the server is told to stop.
_GRACE_SECONDS = 20
#: The portal is served by this too.
_LOGS = ("headgate.lineage.server", "headgate.portal", "uvicorn.error")


class Sizes(Protocol):
    """What one connection, and all of them together, may take: bytes and seconds."""

    @property
    def head(self) -> int: ...
    @property
    def head_seconds(self) -> float: ...
    @property
    def idle_seconds(self) -> float: ...
    @property
    def connections(self) -> int: ...


@dataclass(frozen=True)
class Bound:
    """An address that is ours, though nobody is answered there yet."""

    socket: socket.socket
    host: str
    port: int

    @property
    def is_own_machine(self) -> bool:
        """Whether nobody else can reach it."""
        return is_loopback(self.socket.getsockname()[0])

    @property
    def address(self) -> str:
        """Where to point a client."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def bind(host: str, port: int, *, guarded: bool) -> Bound:
    """Take an address. ``guarded``: somebody holds a token, so that others may be let near.

    Raises:
        UsageError: the address is taken or none of this machine's; or others could reach it and
            there is no token.
    """
    if not guarded and not is_loopback(host):  # a name may mean another address tomorrow
        raise UsageError(
            f"without a token nothing is served at {host}, where others can reach it.",
            remedy="headgate lineage token create NAME --role producer (or reader, admin) makes one;"
            " or leave out --host.",
        )
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = infos[0]
        found = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"{host} is no address: {error}.", remedy="Choose another --host."
        ) from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(where)
        found.listen(2048)
    except OSError as error:
        found.close()
        taken = error.errno == errno.EADDRINUSE
        raise UsageError(
            f"port {port} of {host} is in use." if taken else f"{host}:{port}: {error.strerror}.",
            remedy="Choose another with --port, or stop what serves there."
            if taken
            else "Choose another --host or --port.",
        ) from None
    return Bound(found, host, found.getsockname()[1])


class _Redacted(logging.Formatter):
    """No line of the log tells a secret."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def log_to(write: Callable[[str], object], level: int = logging.WARNING) -> None:
    """Have what the server says to whoever runs it written line by line."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write(self.format(record))

    handler = Lines()
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(message)s"))
    for name in _LOGS:
        log = logging.getLogger(name)
        log.handlers[:] = [handler]
        log.setLevel(level)
        log.propagate = False


def leave_on_signals() -> None:
    """Have SIGINT, SIGTERM and the end of the terminal raise KeyboardInterrupt, until requests are
    answered: what was opened by then is closed in order, whichever came."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, leave)


def serve(
    app: FastAPI, bound: Bound, limits: Sizes, *, ready: Callable[[], object] = lambda: None
) -> None:
    """Answer at the address until SIGTERM or SIGINT; then finish what was begun.

    ``ready`` is called once requests are answered.
    """

    class Head(_TimedHead):
        seconds = limits.head_seconds

    config = uvicorn.Config(
        app,
        # Of the two parsers that there are, the one that bounds request line and headers.
        http=Head,
        ws="none",
        loop="auto",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=limits.head,
        limit_concurrency=limits.connections,
        timeout_keep_alive=int(limits.idle_seconds),
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)

    async def answer() -> None:
        # Of the signals that end it uvicorn minds two; where its terminal is gone it ends as well.
        with suppress(RuntimeError, ValueError):  # not in the main thread
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, server.handle_exit, signal.SIGTERM, None
            )
        telling = asyncio.create_task(_tell(server, ready))
        try:
            await server.serve(sockets=[bound.socket])
        finally:
            telling.cancel()

    try:
        with (
            collecting.seldom(),
            asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
        ):
            runner.run(answer())
    except KeyboardInterrupt:
        return


async def _tell(server: uvicorn.Server, ready: Callable[[], object]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()


class _TimedHead(H11Protocol):
    """Lets go of a connection on which no whole request head came in time, so that nobody can hold
    many of them by sending a byte now and then."""

    seconds = 10.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        before = self.cycle
        if idle and self._timer is None:
            self._wait()
        super().data_received(data)
        if self.cycle is not before:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self._give_up)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
