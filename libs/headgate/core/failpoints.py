"""Named places where a test can kill the process, so that recovery is proved and not supposed.

``HEADGATE_FAILPOINT=name`` kills the process (SIGKILL: no clean-up runs) the first time it gets
there; ``name:3`` the third time. Unset, a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal

#: Every failpoint, in the order in which a run passes them.
NAMES = (
    "run.started",
    "ingest.staged",
    "gate.judged",
    "commit.files_published",
    "commit.files_fsynced",
    "commit.quarantine_committed",
    "commit.log_written",
    "commit.log_fsynced",
    "ledger.before_append",
    "ledger.appended",
    "curate.before",
    "curate.after",
    "release.before_publish",
    "release.written",
    "release.published",
    "catalog.before_rename",
    "catalog.renamed",
)

_armed, _, _nth = os.environ.get("HEADGATE_FAILPOINT", "").partition(":")
_left = int(_nth or 1)


def reach(name: str) -> None:
    """Die here if ``name`` is the armed failpoint and its turn has come."""
    global _left
    if not _armed or name != _armed:
        return
    if name not in NAMES:
        raise AssertionError(f"failpoint {name!r} is not listed")
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
