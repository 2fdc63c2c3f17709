"""How long the portal's pages take, in one process and over HTTP: by the clock, and by the processor."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.testclient import TestClient

from headgate.portal import addresses
from headgate.portal.knowing.known import Known

#: A page by name: its addresses, asked in turn.
Pages = Mapping[str, Sequence[str]]
_PATIENCE = 600.0
_WORDS = (
    "orders",
    "payments team",
    "status",
    "customer",
    "od03",
    "shipments finance",
    "amount",
    "refnds",
)


def pages(known: Known, opened: Sequence[str], runs: Sequence[str], domain: str) -> Pages:
    """The pages that are measured; ``opened`` are datasets with tables, ``runs`` ids of runs."""
    some = list(opened[:: max(1, len(opened) // 20)])
    gold = [d for d in some if d.startswith("gold.")] or some
    waiting = [s.id for s in known.quarantined][:20]
    owners = list(known.owners)[:20]
    return {
        "home": ["/"],
        "catalogue": ["/catalogue", "/catalogue?sort=-rows", "/catalogue?health=late&sort=published"],
        "catalogue, words": [f"/catalogue?q={quote(w)}" for w in _WORDS],
        "catalogue, words and filters": [
            f"/catalogue?q={quote(w)}&layer=gold&owner={quote(o)}"
            for w, o in zip(_WORDS, cycle(owners), strict=False)
        ],
        "dataset": [addresses.dataset(d) for d in some],
        "column": [addresses.column(d, known.datasets[d].columns[1]) for d in some],
        "contract": [addresses.contract(d) for d in some],
        "batches": [addresses.batches(d) for d in some],
        "quarantine": [addresses.quarantine(d) for d in waiting],
        "lineage of a dataset": [addresses.graph(d) for d in some],
        "lineage of a column": [
            addresses.graph(d, known.datasets[d].columns[1], direction="up") for d in gold
        ],
        "lineage": ["/lineage"],
        "runs": ["/runs", "/runs?outcome=refused"],
        "run": [addresses.run(r) for r in runs],
        "releases": ["/releases"],
        "release": [addresses.release(r.number) for r in known.releases[:5]],
        "quality": ["/quality"],
        "quality of an owner": [addresses.owner(o) for o in owners],
        "quality of a domain": [addresses.domain(d) for d in list(known.domains)[:20]],
        "personal data": ["/personal-data", f"/personal-data?domain={quote(domain)}"],
    }  # fmt: skip


def in_process(client: TestClient, wanted: Pages, rounds: int) -> list[dict[str, Any]]:
    """Each page so many times; the first time of each address is told apart, and not counted."""
    found = []
    for name, listed in wanted.items():
        first = {address: _asked(client, address) for address in listed}
        there = _there(first)
        spent = [_asked(client, address) for address in islice(cycle(there), rounds)]
        found.append(_figures(name, first, spent))
        print(f"{name}: {found[-1]}", file=sys.stderr, flush=True)
    return found


def over_http(root: Path, wanted: Pages, rounds: int) -> list[dict[str, Any]]:
    """The same of a server process, one client after another page."""
    found = []
    with _served(root) as (address, process), closing(_connected(address)) as connection:
        for name, listed in wanted.items():
            first = {one: _got(connection, process, one) for one in listed}
            there = _there(first)
            spent = [_got(connection, process, one) for one in islice(cycle(there), rounds)]
            found.append(_figures(name, first, spent))
            print(f"{name}, over HTTP: {found[-1]}", file=sys.stderr, flush=True)
        found.append({"page": "(memory of the server, MB)", "p95_ms": _memory(process.pid)})
    return found


#: Wall and processor seconds, status and bytes of an answer.
_Spent = tuple[float, float, int, int]


def _asked(client: TestClient, address: str) -> _Spent:
    began, worked = time.perf_counter(), time.process_time()
    answer = client.get(address)
    spent = time.perf_counter() - began
    return spent, time.process_time() - worked, answer.status_code, len(answer.content)


def _got(
    connection: http.client.HTTPConnection, process: subprocess.Popen[str], address: str
) -> _Spent:
    while True:
        worked, began = _processor(process.pid), time.perf_counter()
        connection.request("GET", address)
        answer = connection.getresponse()
        body = answer.read()
        spent = time.perf_counter() - began
        if answer.status != 429:
            return spent, _processor(process.pid) - worked, answer.status, len(body)
        time.sleep(0.5)  # nobody may ask that often for long


def _there(first: Mapping[str, _Spent]) -> list[str]:
    """The addresses at which there is a page; of some datasets no event of lineage tells yet."""
    return [a for a, s in first.items() if s[2] != 404] or list(first)


def _figures(name: str, first: Mapping[str, _Spent], spent: Sequence[_Spent]) -> dict[str, Any]:
    wrong = sorted({s[2] for s in spent if s[2] != 200})
    return {
        "page": name,
        "p50_ms": _rank([s[0] for s in spent], 50),
        "p95_ms": _rank([s[0] for s in spent], 95),
        "cpu_p50_ms": _rank([s[1] for s in spent], 50),
        "cpu_p95_ms": _rank([s[1] for s in spent], 95),
        "first_ms": round(1000 * max(s[0] for s in first.values()), 1),
        "kB": round(sum(s[3] for s in spent) / len(spent) / 1000, 1),
        **({"not 200": wrong} if wrong else {}),
    }


def _rank(seconds: Sequence[float], share: int) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 1)


def _processor(pid: int) -> float:
    """Processor seconds of a process until now, in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Resident megabytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1000, 1)


def _connected(address: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(address).netloc, timeout=_PATIENCE)


@contextmanager
def _served(root: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server process as `headgate portal` starts it, and its address."""
    command = [str(Path(sys.executable).with_name("headgate")), "portal", "--port", "0"]
    process = subprocess.Popen(
        command, env={**os.environ, "HEADGATE_ROOT": str(root)}, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = next((told for told in process.stdout if "http://" in told), "")
        assert line, "the server did not start"
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield "http://" + line.partition("http://")[2].split()[0], process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
