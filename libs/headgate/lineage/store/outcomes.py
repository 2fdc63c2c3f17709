"""What runs found and did: verdicts on data, and releases of a lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.lineage.store.keys import Keys
from headgate.lineage.store.runs import Run
from headgate.lineage.store.told import Told


def write(keys: Keys, told: Sequence[Told], runs: Mapping[str, Run]) -> None:
    """Write the verdicts and releases that events tell of."""
