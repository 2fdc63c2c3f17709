"""Receivers of lineage on this machine that behave as told: well, or in each way that networks do not."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: How the n-th request (from 0) with these events is answered: a status, a status and headers, or:
#: "close" (the connection, without an answer), "cut" (in the middle of the answer), "hang" (until the
#: receiver ends), "trickle" (a byte now and then).
Behaviour = Callable[[int, list[dict[str, Any]]], Any]


def well(_: int, __: list[dict[str, Any]]) -> Any:
    """Takes everything."""
    return 201


@dataclass
class Receiver:
    """What a receiver was sent. ``taken`` are the events that it took, in the order in which it did,
    also where its answer never arrived."""

    port: int = 0
    scheme: str = "http"
    behaviour: Behaviour = well
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}"

    def names(self) -> list[str]:
        """The runs of the events that were taken."""
        return [event["run"]["runId"] for event in self.taken]

    def once(self) -> list[str]:
        """The runs in the order in which each was first taken: what an idempotent store keeps."""
        return list(dict.fromkeys(self.names()))


def port_of_nobody() -> int:
    """A port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def receiver(
    behaviour: Behaviour = well, *, port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[Receiver]:
    """A receiver that is up within the block."""
    found = Receiver(behaviour=behaviour, scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            number = len(found.requests)
            found.requests.append((self.path, dict(self.headers), body))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            sent = json.loads(body)
            events = sent if isinstance(sent, list) else [sent]
            self.answer(found.behaviour(number, events), events)

        def answer(self, how: Any, events: list[dict[str, Any]]) -> None:
            status, headers, text = how if isinstance(how, tuple) else (how, {}, "")
            if status == "close":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if status == "hang":
                found.over.wait(60)
                self.close_connection = True
                return
            if not isinstance(status, int) or 200 <= status < 300:
                told = json.loads(text)["refused"] if status == 200 and text else ()
                refused = {r["index"] for r in told}
                found.taken += [e for i, e in enumerate(events) if i not in refused]
            if status == "cut":
                self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Le")
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if status == "trickle":
                self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
                while not found.over.wait(0.02):
                    self.wfile.write(b".")
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", port), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        found.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield found
        finally:
            found.over.set()
            server.shutdown()
            thread.join()


def event(number: int | str, **more: Any) -> dict[str, Any]:
    """An event as small as one can be."""
    return {
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "eventType": "COMPLETE",
        "job": {"name": "a.job", "namespace": "somewhere"},
        "producer": "https://example.com/producer",
        "run": {"runId": f"00000000-0000-7000-8000-{number:>012}"},
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        **more,
    }


def run_of(number: int | str) -> str:
    """The run of :func:`event`."""
    return str(event(number)["run"]["runId"])


def write(path: Path, events: list[dict[str, Any]], *, mode: str = "a") -> None:
    """Append events to a file, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(mode) as out:
        out.writelines(json.dumps(e, sort_keys=True, separators=(",", ":")) + "\n" for e in events)


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
