"""Reading processes start, are kept, end, and leave with the process that had them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from headgate.ingest.isolation import processes
from tests.reliability.descendants import gone, of

STARTS = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has what it starts behind it ignore it
from headgate.ingest.isolation import processes
if sys.argv[1] == "threaded":
    import threading
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
process = processes.obtain()
print(process.pid, flush=True)
time.sleep(60)
"""


def test_a_process_is_kept_and_its_end_is_told() -> None:
    process = processes.obtain()
    processes.give_back(process)
    assert processes.obtain() is process
    assert process.used().memory > 10 << 20
    assert process.end() == -signal.SIGKILL


def test_one_that_ended_meanwhile_is_not_given_out() -> None:
    process = processes.obtain()
    processes.give_back(process)
    os.kill(process.pid, signal.SIGKILL)
    assert gone([process.pid])
    until = time.monotonic() + 20  # a thread of it may hold the socket a moment longer
    while not process.gone and time.monotonic() < until:
        time.sleep(0.01)
    another = processes.obtain()
    assert another.pid != process.pid
    another.end()


def test_a_template_that_was_killed_is_replaced() -> None:
    processes.obtain().end()
    template = processes.ready_template()
    os.kill(template.pid, signal.SIGKILL)
    assert gone([template.pid])
    process = processes.obtain()
    assert processes.ready_template() is not template
    assert process.used().memory
    process.end()


@pytest.mark.parametrize(
    ("how", "by"),
    [("alone", signal.SIGKILL), ("alone", signal.SIGINT), ("threaded", signal.SIGKILL)],
)
def test_nothing_outlives_the_process_that_started_it(how: str, by: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTS, how]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        reader = int(parent.stdout.readline())
        started = of(parent.pid)
        assert reader in started
        assert len(started) == 2
        parent.send_signal(by)
        parent.wait()
    assert gone(started)
