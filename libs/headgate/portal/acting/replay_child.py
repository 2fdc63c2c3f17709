"""The process in which a replay that was asked for on a page runs: told on its stdin, telling on its stdout.

It is no part of the portal's process: a replay builds and releases what follows, which takes memory
and time that pages need, and it goes on to its end when the portal ends.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.core.errors import HeadgateError
from headgate.core.settings import Settings
from headgate.quality.outcome import BatchOutcome

_COUNTS = ("read", "published", "quarantined", "deduplicated", "refused")


class _Telling:
    """Progress as lines of JSON. Nobody may be listening any more."""

    def step(self, dataset: str, what: str) -> None:
        tell(step={"dataset": dataset, "what": what})

    def rows(self, dataset: str, done: int, total: int | None) -> None:
        """Not told: there may be very many."""

    def done(self, outcome: BatchOutcome) -> None:
        tell(done={"dataset": outcome.dataset, "outcome": outcome.outcome})


def tell(**what: Any) -> None:
    """Write one line; if the portal is gone, to nobody."""
    with suppress(OSError):
        os.write(1, (hjson.dumps(what) + "\n").encode())


def main() -> int:
    """Run what stdin asks for, and tell what it came to."""
    asked = hjson.loads(sys.stdin.buffer.read())
    from headgate.orchestration.project import Project
    from headgate.orchestration.replay import replay

    try:
        project = Project(_settings(Path(asked["root"]), Path(asked["lake"])))
        found = replay(
            project, asked["dataset"], ids=asked["ids"], reason=asked["reason"], progress=_Telling()
        )
    except HeadgateError as error:
        tell(failed={"message": error.message, "remedy": error.remedy})
        return 1
    own = [b for b in found.batches if b.dataset == asked["dataset"]]
    tell(
        ended={
            "run_id": found.run_id,
            "release": found.release_id,
            "counts": {name: sum(getattr(b, name) for b in own) for name in _COUNTS},
            "built": len(found.models),
            "held": list(found.held),
            "problems": list(found.problems),
            "batches": [dataclasses.asdict(b)["batch_id"] for b in own],
        }
    )
    return 0


def _settings(root: Path, lake: Path) -> Settings:
    """The project's own, with the lake that the portal serves."""
    found = core_settings.load(root, lake=core_settings.MAIN)
    return found if found.lake_path == lake else core_settings.load(root, lake=str(lake))


if __name__ == "__main__":
    sys.exit(main())
