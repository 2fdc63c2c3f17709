"""The refused rows of one dataset, a page at a time, and how many there are of each reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.core import json as hjson
from headgate.core.errors import UsageError
from headgate.lake.engines.duckdb import literal
from headgate.lineage.questions import paging
from headgate.quality import quarantine
from headgate.quality.quarantine import STATES, QuarantinedRow

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking

#: Of a row's raw text no more is read than this: a page shows no more.
LONGEST = 20_000


@dataclass(frozen=True)
class RefusedPage:
    """Refused rows by source and position. ``next`` gives the page behind; ``total`` are all of them."""

    rows: tuple[QuarantinedRow, ...]
    next: str | None
    total: int


@dataclass(frozen=True)
class Reason:
    """How many rows were refused for one reason, by what became of them since."""

    code: str
    states: Mapping[str, int]

    @property
    def total(self) -> int:
        """All rows that were ever refused for it."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Those that wait for somebody."""
        return self.states.get("open", 0)


@dataclass(frozen=True)
class Counted:
    """All refused rows: by state each row once; by reason a row under each of its reasons."""

    states: Mapping[str, int]
    reasons: tuple[Reason, ...]

    @property
    def open(self) -> int:
        """Rows that wait for somebody."""
        return self.states.get("open", 0)

    @property
    def total(self) -> int:
        """All rows that were ever refused."""
        return sum(self.states.values())


def counted(asking: Asking, dataset: str) -> Counted:
    """How many rows there are by state and by reason; most open ones first."""
    base = asking.snapshot(dataset, quarantine=True)
    if base is None:
        return Counted({}, ())
    states: dict[str, int] = {}
    by_code: dict[str, dict[str, int]] = {}
    for row in asking.rows(
        f"SELECT state, codes, count(*) AS n FROM {base.relation(['state', 'codes'])} GROUP BY ALL"
    ):
        state, n = row["state"], int(row["n"])
        states[state] = states.get(state, 0) + n
        for code in row["codes"] or ():
            found = by_code.setdefault(code, {})
            found[state] = found.get(state, 0) + n
    reasons = sorted(
        (Reason(code, told) for code, told in by_code.items()),
        key=lambda r: (-r.open, -r.total, r.code),
    )
    return Counted(states, tuple(reasons))


def page(
    asking: Asking,
    dataset: str,
    *,
    state: str | None = "open",
    reason: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> RefusedPage:
    """Refused rows of a state (None: of any) and a reason (None: of any).

    Raises:
        UsageError: there is no such state.
        NotFoundError: ``after`` is no ``next`` of a page.
    """
    if state is not None and state not in STATES:
        raise UsageError(f"no state {state[:80]!r}.", remedy=f"Use one of {', '.join(STATES)}.")
    begin = paging.values(after, str, int, str) if after is not None else None
    base = asking.snapshot(dataset, quarantine=True)
    if base is None:
        return RefusedPage((), None, 0)
    where = quarantine.where_clause(reason=reason)
    if state:
        where += f" AND state = {literal(state)}"
    total = asking.rows(f"SELECT count(*) AS n FROM {base.relation()} WHERE {where}")[0]["n"]
    if begin is not None:
        where += f" AND (source, position, row_id) > ({', '.join(map(literal, begin))})"
    found = asking.rows(
        "SELECT row_id AS id, dataset, source, content_hash, position,"
        f" left(raw, {LONGEST}) AS raw, reasons, state, state_by, state_why, state_at,"
        f" _quarantined_at AS quarantined_at FROM {base.relation()} WHERE {where}"
        f" ORDER BY source, position, row_id LIMIT {int(limit) + 1}"
    )
    rows = tuple(_row(row) for row in found[:limit])
    more = len(found) > limit
    following = paging.key((rows[-1].source, rows[-1].position, rows[-1].id)) if more else None
    return RefusedPage(rows, following, int(total))


def _row(row: Mapping[str, Any]) -> QuarantinedRow:
    return QuarantinedRow(**{**row, "reasons": tuple(hjson.loads(row["reasons"]))})
