"""What a lake must hold after deliveries, told from their records alone; and whether it does."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.reliability.fuzz.judge import JsonText, Row, number
from tests.reliability.fuzz.promises import Promise
from tests.reliability.fuzz.records import Ended

Counts = tuple[int, int, int, int, int]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Stored:
    """A row of the table: where it comes from, its values, and what no column took."""

    source: str
    position: int
    row: Row
    rescued: Any
    raw: object = None


@dataclass
class Account:
    """One dataset: its table by key, and every row set aside, by source, delivery and position."""

    promise: Promise
    table: dict[Key, Stored] = field(default_factory=dict)
    aside: dict[tuple[str, str, int], tuple[str, frozenset[str]]] = field(default_factory=dict)
    raws: dict[tuple[str, str, int], object] = field(default_factory=dict)
    records: int = 0

    def take(
        self, source: str, content: str, found: Sequence[Ended], *, total: bool = True
    ) -> Counts:
        """Account for a delivery; gives read, published, quarantined, deduplicated, refused."""
        self.records += len(found)
        for one in found:
            self.raws[source, content, one.position] = one.raw
        refused = {e.position: e.codes for e in found if e.row is None}
        standing, repeated, conflicts = self._settled([e for e in found if e.row is not None])
        refused |= dict.fromkeys(conflicts, frozenset({"conflicting_key"}))
        if not total or (found and len(refused) / len(found) > self.promise.share):
            return len(found), 0, 0, 0, len(found)
        published = sum(self._merged(source, one) for one in standing)
        for (name, earlier, position), (state, codes) in list(self.aside.items()):
            if name == source and earlier != content and state == "open":
                self.aside[name, earlier, position] = ("superseded", codes)
        for position, codes in refused.items():
            self.aside[source, content, position] = ("open", codes)
        return len(found), published, len(refused), repeated + len(standing) - published, 0

    def _settled(self, good: list[Ended]) -> tuple[list[Ended], int, list[int]]:
        """One row a key; how many repeat it; and the positions of those that contradict."""
        by_key: dict[Key, list[Ended]] = defaultdict(list)
        for one in good:
            assert one.row is not None
            by_key[self._key(one.row)].append(one)
        standing: list[Ended] = []
        conflicts: list[int] = []
        repeated, order = 0, self.promise.order
        for rows in by_key.values():
            newest = rows
            if order:
                # A tombstone may lack its time; then all others are newer.
                last = max((t for r in rows if r.row and (t := r.row[order])), default=None)
                newest = [r for r in rows if r.row and r.row[order] == last]
            contents = {content(r.row) for r in newest if r.row}
            if self.promise.last_stays:
                standing.append(newest[-1])
                repeated += len(rows) - 1
            elif len(contents) > 1:
                conflicts += [r.position for r in newest]
                repeated += len(rows) - len(newest)
            else:
                standing.append(newest[0])
                repeated += len(rows) - 1
        return sorted(standing, key=lambda r: r.position), repeated, conflicts

    def _merged(self, source: str, one: Ended) -> bool:
        """Put a row into the table; whether that changed anything."""
        assert one.row is not None
        key, order = self._key(one.row), self.promise.order
        before = self.table.get(key)
        times = (one.row[order], before.row[order]) if order and before else (None, None)
        older = None not in times and times[0] < times[1]
        if self.promise.tombstone and one.row["kind"] == "gone":
            if before is None or older:
                return False
            del self.table[key]
            return True
        if before is not None and (older or content(before.row) == content(one.row)):
            return False
        self.table[key] = Stored(source, one.position, one.row, one.rescued, one.raw)
        return True

    def _key(self, row: Row) -> Key:
        return tuple(row[k] for k in self.promise.key)


def content(row: Row) -> tuple[str, ...]:
    """A row's values as they are compared."""
    return tuple(shown(v) for v in row.values())


def shown(value: Any) -> str:
    """A value as text: equal texts for equal values."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value + 0.0)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return repr(str(value)) if isinstance(value, str | JsonText) else repr(value)


def rescued(value: Any) -> Any:
    """What no column took, numbers exact: of a JSON text, or of the values themselves."""
    if isinstance(value, str):
        return json.loads(value, parse_float=number)
    return value
