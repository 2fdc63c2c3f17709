"""CSV that a spreadsheet opens as what it says, and as no formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from headgate.core import clock

#: What makes a spreadsheet compute a cell; behind a quote it is text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file: RFC 4180, texts that begin as a formula behind a quote."""
    yield _line(heads)
    for row in rows:
        yield _line(row)


def text(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The whole file."""
    return "".join(lines(heads, rows))


def cell(value: Any) -> str:
    """A value as it stands in the file: numbers plain, times ISO 8601, nothing empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, tuple | list | set | frozenset):
        value = ", ".join(map(str, value))
    told = str(value)
    # A blank before it does not keep a spreadsheet from seeing a formula.
    return f"'{told}" if told.lstrip(" \u00a0").startswith(_FORMULA) else told


def _line(values: Sequence[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([cell(v) for v in values])
    return out.getvalue()
