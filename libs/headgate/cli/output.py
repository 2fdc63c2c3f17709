"""What a terminal gets: tables and sentences for people, JSON for programs; rich is imported when drawn."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headgate.core import json as hjson
from headgate.core.secrets import redact

if TYPE_CHECKING:
    from rich.console import Console

#: Columns of a table that is drawn into a file or a pipe, where nothing says how wide it may be.
PIPE_WIDTH = 200
#: Columns wider than this may be folded, down to this width, when a table has no room.
FOLDED_WIDTH = 24
#: The colour of each word that says how something went.
COLOURS = {
    "published": "green",
    "unchanged": "dim",
    "quarantined": "yellow",
    "refused": "red",
    "failed": "red",
    "late": "yellow",
    "fresh": "green",
}


def say(text: str) -> None:
    """One line on stderr, for a person."""
    sys.stderr.write(redact(text) + "\n")


def out(text: str) -> None:
    """Text on stdout, as it is."""
    sys.stdout.write(redact(text if text.endswith("\n") else text + "\n"))


#: What most values are, and needs no closer look.
_SCALARS = (str, int, bool)


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: dataclasses become mappings; NaN and infinities, text."""
    if value is None or type(value) in _SCALARS:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return hjson.loads(hjson.dumps(value)) if _has_json_form(value) else str(value)


def _has_json_form(value: Any) -> bool:
    try:
        hjson.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def json(value: Any) -> None:
    """``value`` on stdout as indented JSON with sorted keys."""
    out(hjson.dumps(plain(value), indent=2))


def console() -> Console:
    """A rich console on stdout; what goes to a file or pipe is drawn :data:`PIPE_WIDTH` wide."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
) -> None:
    """A table for people: numbers grouped and to the right, nothing as a dash, long text folded.

    Where the terminal is too narrow for that, a paragraph a row.
    """
    values = [list(row) for row in rows]
    texts = [[cell(value) for value in row] for row in values]
    target = console()
    folds = [i > 0 and w > FOLDED_WIDTH for i, w in enumerate(_widths(columns, texts))]
    if _least_width(columns, texts, folds) > target.width:
        out("\n".join([title] * bool(title) + list(_paragraphs(columns, texts, target.width))))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for index, (name, fold) in enumerate(zip(columns, folds, strict=True)):
        numbers = all(_is_number(row[index]) for row in values if row[index] is not None)
        side: Literal["left", "right"] = "right" if numbers and values else "left"
        drawn.add_column(name, justify=side, overflow="fold", no_wrap=not fold)
    for row in texts:
        drawn.add_row(*(Text(text, style=COLOURS.get(text.split(" ")[0], "")) for text in row))
    target.print(drawn)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _widths(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column is if nothing is folded."""
    return [max(map(len, column)) for column in zip(columns, *texts, strict=True)]


def _least_width(
    columns: Sequence[str], texts: Sequence[Sequence[str]], folds: Sequence[bool]
) -> int:
    widths = _widths(columns, texts)
    least = [FOLDED_WIDTH if fold else w for w, fold in zip(widths, folds, strict=True)]
    return sum(least) + 2 * len(least) + 2


def _paragraphs(
    columns: Sequence[str], texts: Sequence[Sequence[str]], width: int
) -> Iterator[str]:
    for row in texts:
        yield row[0]
        line = ""
        for name, text in zip(columns[1:], row[1:], strict=True):
            item = f"  {name}: {text}"
            if line and len(line) + len(item) > width:
                yield line
                line = ""
            line += item
        yield line


def cell(value: Any) -> str:
    """``value`` as a table shows it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if hasattr(value, "strftime") and hasattr(value, "hour"):
        return str(value.strftime("%Y-%m-%d %H:%M:%S"))
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    return str(value)


def near(path: Path | str) -> str:
    """``path`` as a person in the working folder would type it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)
