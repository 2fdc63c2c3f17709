"""The server process of a measured store, and clients that post to it and ask it at the same time."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from headgate.core import json as hjson
from tests.bench.lineage_databases import Place
from tests.bench.lineage_taking import figures

API = "/api/v1"
_PATIENCE = 120.0


@contextmanager
def served(place: Place) -> Iterator[str]:
    """The address of a server process of the store; it is one as `headgate lineage serve` starts it."""
    with tempfile.TemporaryDirectory(prefix="headgate-bench-") as folder:
        Path(folder, "headgate.toml").write_text('lake = "lake"\n')
        env = {
            **os.environ, "HEADGATE_ROOT": folder, "HEADGATE_LINEAGE_STORE": place.where,
            "HEADGATE_LINEAGE_RATE": "1000000",
        }  # fmt: skip
        command = [
            str(Path(sys.executable).with_name("headgate")),
            "lineage",
            "serve",
            "--port",
            "0",
        ]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            line = next((told for told in process.stdout if "http://" in told), "")
            assert line, "the server did not start"
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield "http://" + line.partition("http://")[2].split()[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE)


def post_rates(
    addresses: Mapping[str, str],
    events: Iterator[Any],
    size: int,
    count: int,
    clients: int,
    what: str,
) -> list[dict[str, Any]]:
    """Post ``count`` requests of ``size`` events by so many clients at once, the same to each server."""
    path = f"{API}/lineage/batch" if size > 1 else f"{API}/lineage"
    bodies = []
    for _ in range(count):
        told = list(islice(events, size))
        bodies.append(hjson.dumps(told if size > 1 else told[0]).encode())
    found = []
    for kind, address in addresses.items():
        seconds, took = _at_once(
            address, clients, bodies, lambda connection, body: _post(connection, path, body)
        )
        rate = round(size * count / took, 1)
        found.append({
            "what": what, "database": kind, "batch": size, "clients": clients,
            **figures(seconds, size), "per_second": rate,
        })  # fmt: skip
    return found


def ask_times(
    addresses: Mapping[str, str], questions: Sequence[tuple[str, Mapping[str, str]]], what: str
) -> list[dict[str, Any]]:
    """Ask each question (path, parameters) of each server, one after the other by one client."""
    found = []
    for kind, address in addresses.items():
        sizes: list[int] = []
        paths = [f"{API}{path}?{urlencode(given)}" for path, given in questions]
        _at_once(address, 1, paths[:1], _get)  # which loads the graph
        seconds, _ = _at_once(address, 1, paths, lambda c, path, s=sizes: s.append(_get(c, path)))
        found.append({
            "what": what, "database": kind, **figures(seconds), "bytes": max(sizes),
        })  # fmt: skip
    return found


def _at_once(
    address: str, clients: int, given: Sequence[Any],
    do: Callable[[http.client.HTTPConnection, Any], object],
) -> tuple[list[float], float]:  # fmt: skip
    """Seconds of each request, and of all of them from the first to the last."""
    place, waiting, lock = urlsplit(address), list(reversed(given)), threading.Lock()
    seconds: list[float] = []
    problems: list[Exception] = []

    def client() -> None:
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=_PATIENCE)
        try:
            while True:
                with lock:
                    if not waiting or problems:
                        return
                    one = waiting.pop()
                began = time.perf_counter()
                do(connection, one)
                seconds.append(time.perf_counter() - began)
        except Exception as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    if problems:
        raise problems[0]
    return seconds, took


def _post(connection: http.client.HTTPConnection, path: str, body: bytes) -> None:
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.read()
    if answer.status not in (200, 201) or b'"refused":[]' not in told.replace(b" ", b""):
        raise AssertionError(f"{answer.status}: {told[:500]!r}")


def _get(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer.status}: {told[:500]!r}")
    return len(told)
