"""The batches of one dataset as the ledgers have them: account, verdict, and both over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.snapshot import relation
from headgate.lineage.questions import paging
from headgate.portal.told.asking import holding

if TYPE_CHECKING:
    from headgate.portal.told.asking import Asking

#: Rules of one batch that a page shows, at the most.
MOST_RULES = 2_000
_ACCOUNT = (
    "batch_id", "run_id", "kind", "source", "outcome", "mode", "read", "published", "quarantined",
    "deduplicated", "refused", "version", "contract_version", "contract_hash", "code_hash",
    "content_hash", "committed_at", "inputs", "detail",
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    """One batch and what became of its rows: ``read`` is the sum of the four counts behind it.

    ``version`` is that of the table which it made, None if it was refused; ``inputs`` are the
    versions of the datasets that it was made from.
    """

    batch_id: str
    run_id: str
    kind: str
    source: str
    outcome: str
    mode: str
    read: int
    published: int
    quarantined: int
    deduplicated: int
    refused: int
    version: int | None
    contract_version: str
    contract_hash: str
    code_hash: str
    content_hash: str
    at: datetime
    inputs: Mapping[str, int]
    detail: Mapping[str, Any]

    @property
    def came_to(self) -> str:
        """``published``, ``published in part`` (some rows were set aside) or ``refused``."""
        if self.outcome == "published" and self.quarantined:
            return "published in part"
        return self.outcome

    @property
    def is_balanced(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.read == self.published + self.quarantined + self.deduplicated + self.refused


@dataclass(frozen=True)
class AccountPage:
    """Batches, the newest first. ``next`` gives the page behind; ``total`` are all of them."""

    accounts: tuple[Account, ...]
    next: str | None
    total: int


@dataclass(frozen=True)
class Judged:
    """How one rule was judged in one batch. ``observed`` may tell values of the data: mask it."""

    batch_id: str
    rule: str
    kind: str
    column: str | None
    severity: str
    scope: str
    passed: bool
    breaches: int
    observed: str
    expected: str
    at: datetime


def accounts(
    asking: Asking,
    dataset: str,
    *,
    outcome: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> AccountPage:
    """Batches of a dataset; ``outcome`` published or refused, or both.

    Raises:
        NotFoundError: ``after`` is no ``next`` of a page.
    """
    source = _ledger(asking, ledger.BATCHES, dataset)
    if source is None:
        return AccountPage((), None, 0)
    where = f"dataset = {literal(dataset)}"
    if outcome is not None:
        where += f" AND outcome = {literal(outcome)}"
    total = asking.rows(f"SELECT count(*) AS n FROM {source} WHERE {where}")[0]["n"]
    if after is not None:
        at, batch = paging.values(after, str, str)
        where += f" AND (committed_at, batch_id) < (TRY_CAST({literal(at)} AS TIMESTAMPTZ), {literal(batch)})"
    found = asking.rows(
        f"SELECT {', '.join(_ACCOUNT)} FROM {source} WHERE {where}"
        f" ORDER BY committed_at DESC, batch_id DESC LIMIT {int(limit) + 1}"
    )
    told = tuple(_account(row) for row in found[:limit])
    more = len(found) > limit
    following = paging.key((clock.iso(told[-1].at), told[-1].batch_id)) if more else None
    return AccountPage(told, following, int(total))


def account(asking: Asking, dataset: str, batch_id: str) -> Account:
    """One batch.

    Raises:
        NotFoundError: the dataset has no such batch.
    """
    source = _ledger(asking, ledger.BATCHES, dataset)
    found = source and asking.rows(
        f"SELECT {', '.join(_ACCOUNT)} FROM {source}"
        f" WHERE dataset = {literal(dataset)} AND batch_id = {literal(batch_id)} LIMIT 1"
    )
    if not found:
        raise NotFoundError(
            f"{dataset} has no batch {batch_id}.", remedy="Its page of batches lists them all."
        )
    return _account(found[0])


def verdicts(
    asking: Asking, dataset: str, batch_ids: Sequence[str]
) -> dict[str, tuple[Judged, ...]]:
    """How the rules were judged in these batches, by batch; broken rules first, then by name."""
    source = _ledger(asking, ledger.VERDICTS, dataset) if batch_ids else None
    if source is None:
        return {}
    named = ", ".join(literal(b) for b in batch_ids)
    found: dict[str, list[Judged]] = {}
    for row in asking.rows(
        "SELECT batch_id, rule_id, rule_kind, column_name, severity, scope, passed, breaches,"
        f" observed, expected, judged_at FROM {source}"
        f" WHERE dataset = {literal(dataset)} AND batch_id IN ({named})"
        f" ORDER BY passed, rule_id LIMIT {MOST_RULES * len(batch_ids)}"
    ):
        told = Judged(*({**row, "observed": row["observed"] or ""}.values()))
        found.setdefault(told.batch_id, []).append(told)
    return {batch: tuple(rules) for batch, rules in found.items()}


def by_rule(
    batches: Sequence[Account], judged: Mapping[str, Sequence[Judged]]
) -> dict[str, list[tuple[Account, Judged | None]]]:
    """How each rule fared from the oldest of ``batches`` on; None where a batch did not ask it.

    Rules that were broken in the newest batch that asked come first, then those ever broken.
    """
    in_time = [b for b in reversed(batches) if b.batch_id in judged]
    told: dict[str, dict[str, Judged]] = {}
    for batch in in_time:
        for one in judged[batch.batch_id]:
            told.setdefault(one.rule, {})[batch.batch_id] = one

    def rank(rule: str) -> tuple[bool, int, str]:
        found = list(told[rule].values())
        return found[-1].passed, -sum(not one.passed for one in found), rule

    return {
        rule: [(batch, told[rule].get(batch.batch_id)) for batch in in_time]
        for rule in sorted(told, key=rank)
    }


def _account(row: Mapping[str, Any]) -> Account:
    values = {
        name: row[name] for name in _ACCOUNT if name not in ("committed_at", "inputs", "detail")
    }
    for name in ("source", "code_hash", "content_hash"):
        values[name] = values[name] or ""
    parsed = {name: hjson.loads(row[name]) if row[name] else {} for name in ("inputs", "detail")}
    return Account(**values, **parsed, at=row["committed_at"])


def _ledger(asking: Asking, name: str, dataset: str) -> str | None:
    """A table expression of the part of a ledger that may tell of a dataset; None before any entry."""
    base = asking.snapshot(name)
    if base is None:
        return None
    return relation(holding(base.files, "dataset", dataset), base.columns)
