"""The process that serves one mounted file system: ``BACKING AT SOCKET [JOURNAL]``."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path

from tests.reliability.filesystem.faults import Counting, Faults
from tests.reliability.filesystem.journal import Writer
from tests.reliability.filesystem.passing import serve


def main(backing: str, at: str, address: str, journal: str = "") -> None:
    """Serve until unmounted, and answer at the socket meanwhile."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(address)
    door.listen(8)

    def started(counting: Counting, writer: Writer | None) -> None:
        threading.Thread(target=_answer, args=(door, counting, writer), daemon=True).start()

    os.umask(0)
    serve(Path(backing), Path(at), Path(journal) if journal else None, started)


def _answer(door: socket.socket, counting: Counting, writer: Writer | None) -> None:
    while True:
        caller, _ = door.accept()
        with caller, caller.makefile("rw") as lines:
            for line in lines:
                told = json.loads(line)
                if "faults" in told:
                    found = told["faults"]
                    if found is not None:
                        found = Faults(**{**found, "kinds": tuple(found["kinds"])})
                    counting.set(found)
                if writer is not None:
                    writer.flush()
                lines.write(json.dumps(counting.counted()) + "\n")
                lines.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
