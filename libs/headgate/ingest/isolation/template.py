"""The process that reading processes are forked from: it has everything loaded and reads no file.

Forking a process that has threads is unsafe, and a run's engine has some. So the template is forked
off before there are any, or started as a program of its own; it never has a thread itself.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys

from headgate.core import environment
from headgate.ingest.isolation import worker

#: What is asked of the template: a letter and a number of eight bytes.
FORK, STATUS, LOAD = b"F", b"S", b"L"
ASKED = 9
#: Libraries that would start threads when they are loaded are told not to.
SINGLE = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_PR_SET_PDEATHSIG = 1


def main(sock: socket.socket, parent: int) -> None:
    """Fork a reading process whenever ``parent`` asks for one; never returns before it is gone."""
    _die_with(parent)
    worker.ignore_interrupts()
    own = os.getpid()
    loaded = False
    while True:
        asked, fds, _, _ = socket.recv_fds(sock, ASKED, 1)
        if len(asked) < ASKED:
            return
        if not loaded:
            worker.load_everything()
            gc.collect()
            gc.freeze()
            loaded = True
        if asked[:1] == FORK:
            pid = os.fork()
            if pid == 0:
                sock.close()
                _die_with(own)
                worker.serve(socket.socket(fileno=fds[0]))
                return
            os.close(fds[0])
            sock.sendall(pid.to_bytes(8, "big", signed=True))
        elif asked[:1] == STATUS:
            sock.sendall(_status(int.from_bytes(asked[1:], "big")).to_bytes(8, "big", signed=True))


def _status(pid: int) -> int:
    """How a process ended, waiting for it: its exit status, or the signal as a negative number."""
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return -signal.SIGKILL


def _die_with(parent: int) -> None:
    """End when the parent does, however it ends; where the system cannot say so, its socket does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def run_and_exit(sock: socket.socket, parent: int) -> None:
    """The whole life of a template or of what it forked: nothing of the parent's is cleaned up."""
    code = 1
    try:
        main(sock, parent)
        code = 0
    except BaseException as error:
        if environment.debugging():
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(code)


if __name__ == "__main__":
    run_and_exit(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
