"""A part of a run as a command: ``take DATASET PATH``, ``curate GROUP``, ``build DATASET``, ``release GROUP``.

It does what a task of a scheduler does, and says what that would tell of.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from headgate.core import json as hjson
from headgate.core.errors import HeadgateError

#: All tries are of one task.
TASK = "the same task"


def do(arguments: Sequence[str]) -> int:
    """Do the part; prints its accounts and states as JSON, and gives 1 if it did not go well."""
    from headgate.orchestration import parts
    from headgate.orchestration.project import Project

    what, name, *paths = arguments
    project = Project.open()
    try:
        if what == "take":
            found = parts.take(project, name, paths=paths, task=TASK)
        elif what == "curate":
            found = parts.curate(project, name, task=TASK)
        elif what == "build":
            found = parts.build_from(project, name, task=TASK)
        else:
            found = parts.release(project, name, task=TASK)
    except HeadgateError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    told = {
        "accounts": sorted(
            [a.dataset, a.version, a.read, a.published, a.quarantined, a.deduplicated, a.verdict]
            for a in found.accounts
        ),
        "nodes": [[n.dataset, n.state] for n in found.nodes],
        "release": found.release, "released": found.released,
        "held": found.held, "problems": found.problems,
    }  # fmt: skip
    sys.stdout.write(hjson.dumps(told) + "\n")
    return 0 if found.well else 1
