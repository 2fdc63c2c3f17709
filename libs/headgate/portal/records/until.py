"""The log as it was when some entry was its last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headgate.portal.records.chain import Entry


def upto(entries: Iterable[Entry], number: int | None) -> Iterator[Entry]:
    """The entries up to that number; all, if it is None. They come the oldest first."""
    for entry in entries:
        if number is not None and entry.number > number:
            return
        yield entry
