"""What the reliability suite counted, kept for its report (``python -m tests.reliability``)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "bench_results" / "reliability"


def record(part: str, **figures: object) -> None:
    """Keep the figures of one part (``kills``, ``power`` …), replacing those of its last run."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {"part": part, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **figures}
    draft = FOLDER / f".{part}.{os.getpid()}"
    draft.write_text(json.dumps(found, indent=1, default=str) + "\n")
    draft.replace(FOLDER / f"{part}.json")
