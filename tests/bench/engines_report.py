"""The engines' figures as a table, and as curves over the number of rows (SVG, both axes logarithmic)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDTH, _HEIGHT, _LEFT, _TOP, _PLOT = 340, 260, 56, 34, (260, 170)
#: Colours that differ in lightness too, and how each line is broken, for who sees no colours.
_LOOKS = {"duckdb": ("#0b6e99", ""), "spark": ("#c2571a", "6 3")}
_NAMES = {"duckdb": "DuckDB", "spark": "Spark, local[2]"}
_MEASURES = {
    "seconds": "seconds", "processor_seconds": "processor seconds", "peak_mib": "MiB at once"
}  # fmt: skip


def medians(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each engine and size: the medians of its runs."""
    kept: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for one in found:
        kept.setdefault((one["engine"], one["rows"]), []).append(one)
    return [
        {"engine": engine, "rows": rows, "runs": len(runs)}
        | {m: statistics.median(r[m] for r in runs) for m in _MEASURES}
        for (engine, rows), runs in kept.items()
    ]


def show(found: Sequence[dict[str, Any]]) -> None:
    """The medians as a table."""
    table = Table(title="The same pipeline, whole processes: medians")
    for name in ("rows", "engine", "runs", *_MEASURES.values()):
        table.add_column(name, justify="left" if name == "engine" else "right")
    for one in medians(found):
        figures = (f"{one[m]:,.0f}" for m in _MEASURES)
        table.add_row(f"{one['rows']:,}", _NAMES[one["engine"]], str(one["runs"]), *figures)
    Console().print(table)


def curves(found: Sequence[dict[str, Any]]) -> str:
    """A chart beside a chart, one for each measure, as SVG that needs nothing else."""
    rows = medians(found)
    parts = [_chart(rows, measure, n * _WIDTH) for n, measure in enumerate(_MEASURES)]
    told = "; ".join(
        f"{_NAMES[r['engine']]}, {r['rows']:,} rows: {r['seconds']:,.0f} seconds,"
        f" {r['peak_mib']:,.0f} MiB" for r in rows
    )  # fmt: skip
    width = _WIDTH * len(_MEASURES)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="11">\n'
        f"<title>The same pipeline on both engines. {told}.</title>\n"
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>\n' + "".join(parts) + "</svg>\n"
    )


def _chart(rows: Sequence[dict[str, Any]], measure: str, left: int) -> str:
    """One measure over the number of rows, its left edge at ``left``."""
    highest = max(r[measure] for r in rows)
    lowest = min(r[measure] for r in rows)
    bottom, top = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    sizes = sorted({r["rows"] for r in rows})
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(value: float) -> float:
        share = (math.log10(value) - first) / ((last - first) or 1)
        return left + _LEFT + 12 + share * (_PLOT[0] - 24)

    def y(value: float) -> float:
        share = (math.log10(value) - bottom) / ((top - bottom) or 1)
        return _TOP + _PLOT[1] * (1 - share)

    out = [f'<text x="{left + _LEFT}" y="20" font-weight="bold">{_MEASURES[measure]}</text>\n']
    for power in range(bottom, top + 1):
        at = y(10**power)
        out.append(f'<path d="M{left + _LEFT} {at:.1f}h{_PLOT[0]}" stroke="#ccc"/>\n')
        out.append(
            f'<text x="{left + _LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>\n'
        )
    foot = _TOP + _PLOT[1] + 16
    for size in sizes:
        named = f"{size / 1e6:g} M" if size >= 1e6 else f"{size:,}"
        out.append(f'<text x="{x(size):.1f}" y="{foot}" text-anchor="middle">{named}</text>\n')
    for number, engine in enumerate(_NAMES):
        colour, dashes = _LOOKS[engine]
        mine = sorted((r["rows"], r[measure]) for r in rows if r["engine"] == engine)
        line = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in mine)
        out.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{dashes}"/>\n'
        )
        out += [
            f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{colour}"/>\n' for a, b in mine
        ]
        at = left + _LEFT + number * 90
        out.append(
            f'<path d="M{at} {foot + 20}h24" stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{dashes}"/>\n'
            f'<text x="{at + 30}" y="{foot + 24}">{_NAMES[engine]}</text>\n'
        )
    return "".join(out)
