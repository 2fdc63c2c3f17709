"""Putting a stream's many small files together while it goes on, in a thread and an engine of its own."""

from __future__ import annotations

import dataclasses
import queue
import threading

from headgate.contracts.model import Contract
from headgate.core import clock
from headgate.core.errors import HeadgateError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.lake.maintenance import compaction
from headgate.lake.maintenance.compaction import Compacted

_LEDGERS = (ledger.BATCHES, ledger.VERDICTS, ledger.RELEASES)


class Tidier:
    """Compacts the stream's table, its quarantine and the ledgers that it fills, every so often.

    Appends go on meanwhile: the files that are put together are not those that come in. What could
    not be done is done the next time.
    """

    def __init__(self, lake: Lake, contract: Contract, run_id: str, seconds: float) -> None:
        # One thread: what comes in is worth more.
        self._settings = dataclasses.replace(lake.settings, threads=1)
        self._contract, self._run_id, self._seconds = contract, run_id, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidying", daemon=True)
        self._done: queue.SimpleQueue[Compacted] = queue.SimpleQueue()
        self.problem = ""

    def start(self) -> None:
        """Begin, unless it is not wanted."""
        if self._seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """End after what is being done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def done(self) -> list[Compacted]:
        """What was put together of the stream's own table since it was asked last."""
        found = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def _run(self) -> None:
        with connect(self._settings) as con:
            lake = Lake(self._settings)  # what it remembers of logs is no matter of two threads
            ledgers_at = clock.monotonic()
            while not self._stop.wait(self._seconds):
                tables = [(self._contract.id, False), (self._contract.id, True)]
                if clock.monotonic() - ledgers_at > 10 * self._seconds:
                    tables += [(name, False) for name in _LEDGERS]
                    ledgers_at = clock.monotonic()
                for dataset, quarantine in tables:
                    if self._stop.is_set():
                        return
                    try:
                        found = compaction.compact(
                            con, lake, dataset, run_id=self._run_id, quarantine=quarantine,
                            order=() if quarantine else ledger.ORDER.get(dataset, ()),
                            key=() if quarantine else self._key(dataset),
                        )  # fmt: skip
                        self.problem = ""
                    except (HeadgateError, OSError) as error:
                        self.problem = str(error)
                        continue
                    if found is not None and dataset == self._contract.id and not quarantine:
                        self._done.put(found)

    def _key(self, dataset: str) -> tuple[str, ...]:
        return self._contract.key if dataset == self._contract.id else ()
