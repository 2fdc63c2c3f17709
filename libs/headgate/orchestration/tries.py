"""Which runs a task of a scheduler began: what an earlier try did is the task's as well.

A try may be killed after its commit and before anybody was told. The next one finds nothing left to
do, and has to tell of what the first did: so a part that is given its task's name notes its run
under it, before it does anything.
"""

from __future__ import annotations

from headgate.core import ids
from headgate.core import json as hjson
from headgate.orchestration.context import RunContext

#: Tasks whose runs are remembered, for each part and what it is about; the newest stay.
_KEPT = 64


def begin(context: RunContext, part: str, task: str) -> frozenset[str]:
    """Note this run as one of ``task``; gives the runs of its earlier tries.

    ``part`` says what is done to what (``take bronze.irc.messages``); without a task, nothing is
    noted.
    """
    if not task:
        return frozenset()
    storage = context.project.lake.storage
    key = f"_state/tries-{ids.digest(part)[:32]}.json"
    data = storage.read(key)
    noted: dict[str, list[str]] = hjson.loads(data)["tasks"] if data else {}
    earlier = noted.pop(task, [])
    noted[task] = [*earlier, context.run_id]
    kept = dict(list(noted.items())[-_KEPT:])
    storage.put(key, hjson.dumps({"part": part, "tasks": kept}).encode())
    return frozenset(earlier)
