"""What the reliability suite counted last, part by part: `python -m tests.reliability`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.reliability.figures import FOLDER


def main() -> int:
    """Print the figures as a table; exit 1 if there are none."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    if not found:
        print("Nothing was counted yet: make reliability")
        return 1
    table = Table("part", "figure", "value", title="Reliability")
    for told in found:
        part = str(told.pop("part")) + (" (short form)" if told.pop("short", False) else "")
        told.pop("at")
        for index, (name, value) in enumerate(flat(told).items()):
            table.add_row("" if index else part, name, value)
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return 0


def flat(figures: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Figures within figures, by their path."""
    told: dict[str, str] = {}
    for name, value in figures.items():
        path = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            told |= flat(value, f"{path}: ")
        else:
            told[path] = f"{value:,}" if isinstance(value, int) else str(value)
    return told


if __name__ == "__main__":
    sys.exit(main())
