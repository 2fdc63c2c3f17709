"""What was measured of the lineage store, as tables to read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

#: The aims, by what is measured: events a second at least, or milliseconds of the slowest hundredth.
AIMS = {"batches of 100": "1,000/s", "singly": "300/s", "trace": "p99 20 ms"}


def show(found: Mapping[str, Any]) -> None:
    """Print the figures."""
    console = Console(width=150)
    before, after = (", ".join(f"{n:.1f}" for n in found[k]) for k in ("load_before", "load_after"))
    console.print(
        f"{found['datasets']:,} datasets, {found['column_edges']:,} column edges, {found['cores']} cores;"
        f" load average before {before}, after {after}"
    )
    console.print("Aims: " + "; ".join(f"{what} {aim}" for what, aim in AIMS.items()))
    for told in found["stores"]:
        largest = ", ".join(f"{n} {b / 1e6:,.0f}" for n, b in list(told["tables"].items())[:5])
        console.print(
            f"{told['database']}: {told['events']:,} events, {told['bytes'] / 1e6:,.0f} MB (in MB: {largest})"
        )
    for section in ("fill", "take", "post", "load", "trace", "ask", "questions", "sql"):
        if rows := [row for row in found.get(section, ()) if row]:
            _table(console, section, rows)


def note(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell what was just measured, one line each, while more is; gives the same."""
    for row in rows:
        told = ", ".join(f"{name} {_cell(v)}" for name, v in row.items() if name != "what")
        print(f"{row['what']}: {told}", file=sys.stderr, flush=True)
    return rows


def _table(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify="left")
    for name in columns:
        text = isinstance(rows[0].get(name), str)
        table.add_column(name.replace("_", " "), justify="left" if text else "right")
    for row in rows:
        table.add_row(*(_cell(row.get(name, "")) for name in columns))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"{v:,}" for v in (value if len(value) < 6 else [*value[:2], *value[-3:]]))
    return f"{value:,}" if isinstance(value, int | float) else str(value)
