"""Named places where a test can kill the process, so that recovery is proved and not supposed.

``HEADGATE_FAILPOINT=name`` kills the process (SIGKILL: no clean-up runs) the first time it gets
there; ``name:3`` the third time. Unset, a failpoint costs one comparison.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

#: Every failpoint in the order in which a run passes them, and what is true when it is reached.
NAMES: Mapping[str, str] = {
    "run.started": "the lake is locked; nothing is read yet",
    "ingest.staged": "a file's rows are staged; no log names them",
    "gate.judged": "the verdict is known; nothing is committed",
    "commit.files_published": "data files lie in the table's folder, not yet synced there",
    "commit.files_fsynced": "data files would survive power loss; the log does not name them",
    "commit.log_written": "the log names the files; the entry may not survive power loss",
    "commit.log_fsynced": "the commit is durable and not yet acknowledged",
    "commit.quarantine_committed": "refused rows are committed, the accepted ones are not",
    "ledger.before_append": "tables are committed; the ledger does not know it",
    "ledger.appended": "the ledger knows the batches",
    "curate.before": "sources are committed; models are stale",
    "curate.after": "models are committed; nothing is released",
    "release.before_publish": "the release is decided",
    "release.written": "the release is published; the ledger does not know it",
    "release.published": "the ledger knows the release; the catalogue is the old one",
    "catalog.before_rename": "the new catalogue is written beside the old one",
    "catalog.renamed": "all is done but saying so",
}

#: Those that only maintenance passes, in its order.
MAINTENANCE: Mapping[str, str] = {
    "maintain.releases_expired": "old releases are gone; what they needed lies there",
    "maintain.before_compaction": "rows are staged in fewer files; no log names them",
    "maintain.compacted": "a table's files are put together; the ledger does not know it",
    "maintain.logs_cut": "logs begin later; files that nothing names any more lie there",
    "maintain.swept": "the files of one table that nobody can read are gone",
}

_armed, _left = "", 1


def arm(text: str) -> None:
    """From now on die at ``name`` or ``name:nth``; nowhere, if the text is empty."""
    global _armed, _left
    _armed, _, nth = text.partition(":")
    _left = int(nth or 1)


arm(os.environ.get("HEADGATE_FAILPOINT", ""))


def reach(name: str) -> None:
    """Die here if ``name`` is the armed failpoint and its turn has come."""
    global _left
    if not _armed or name != _armed:
        return
    if name not in NAMES and name not in MAINTENANCE:
        raise AssertionError(f"failpoint {name!r} is not listed")
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
