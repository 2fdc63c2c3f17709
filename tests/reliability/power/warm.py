"""The warm process of the power cuts: as the harness has it, with checkpoints every few commits."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.reliability.harness import states
from tests.reliability.harness import warm as harness

#: Often enough that a short history has some.
CHECKPOINT_EVERY = 3


class Warm(harness.Warm):
    """The process, from the outside."""

    def __enter__(self) -> Warm:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.power.warm"], cwd=harness.REPOSITORY,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={k: v for k, v in os.environ.items() if not k.startswith("HEADGATE_")}
            | harness._QUIET,
        )  # fmt: skip
        return self


if __name__ == "__main__":
    from headgate.lake import checkpoint
    from tests.reliability.power import seen

    checkpoint.EVERY = CHECKPOINT_EVERY
    states.TOLD["promised"] = seen.promised
    harness._serve()
