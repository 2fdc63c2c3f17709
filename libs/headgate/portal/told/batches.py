"""The batches of one dataset as the ledgers have them: account, verdict, and both over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headgate.core import clock
from headgate.core import json as hjson
from headgate.core.errors import NotFoundError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.lake.snapshot import relation
from headgate.lineage.questions import paging
from headgate.portal.told.asking import holding, latest, newest_first, within

if TYPE_CHECKING:
    from headgate.lake.snapshot import DataFile
    from headgate.portal.told.asking import Asking

#: Rules of one batch that a page shows, at the most.
MOST_RULES = 2_000
#: What lists show of a batch, and what only its own page does: of millions of rows that takes long.
_LISTED = (
    "batch_id", "run_id", "kind", "source", "outcome", "mode", "read", "published", "quarantined",
    "deduplicated", "refused", "version", "contract_version", "committed_at",
)  # fmt: skip
_ACCOUNT = (*_LISTED, "contract_hash", "code_hash", "inputs")


@dataclass(frozen=True)
class Account:
    """One batch and what became of its rows: ``read`` is the sum of the four counts behind it.

    ``version`` is that of the table which it made, None if it was refused; ``inputs`` are the
    versions of the datasets that it was made from. What only a batch's own page shows (hashes,
    inputs) is empty in lists.
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
    at: datetime
    contract_hash: str = ""
    code_hash: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)

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
    """Batches, the newest first; ``next`` gives the page behind. How many there are in all is not
    told: that would read the whole ledger."""

    accounts: tuple[Account, ...]
    next: str | None


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
    begin = paging.values(after, str, str) if after is not None else None
    base = asking.snapshot(ledger.BATCHES)
    if base is None:
        return AccountPage((), None)
    files = holding(base.files, "dataset", dataset)
    where = f"dataset = {literal(dataset)}"
    if outcome is not None:
        where += f" AND outcome = {literal(outcome)}"
    if begin is not None:
        at, batch = (literal(value) for value in begin)
        where += f" AND (committed_at, batch_id) < (TRY_CAST({at} AS TIMESTAMPTZ), {batch})"
    found = _newest(asking, files, base.columns, where, limit + 1)
    told = tuple(_account(row) for row in found[:limit])
    more = len(found) > limit
    following = paging.key((clock.iso(told[-1].at), told[-1].batch_id)) if more else None
    return AccountPage(told, following)


def _newest(
    asking: Asking, files: Sequence[DataFile], columns: Mapping[str, str], where: str, most: int
) -> list[dict[str, Any]]:
    """The newest rows of the ledger of batches that satisfy ``where``; older files are read only if
    the newer ones have too few: a ledger of years has millions of rows."""
    found: list[dict[str, Any]] = []
    left = list(files)
    for portion in newest_first(files, "committed_at"):
        found += asking.rows(
            f"SELECT {', '.join(_LISTED)} FROM {relation(portion, columns)} WHERE {where}"
            f" ORDER BY committed_at DESC, batch_id DESC LIMIT {int(most)}"
        )
        found.sort(key=lambda row: (row["committed_at"], row["batch_id"]), reverse=True)
        left = [f for f in left if f not in portion]
        if len(found) >= most and found[most - 1]["committed_at"] > latest(left, "committed_at"):
            break
    return found[:most]


def account(asking: Asking, dataset: str, batch_id: str) -> Account:
    """One batch.

    Raises:
        NotFoundError: the dataset has no such batch.
    """
    base = asking.snapshot(ledger.BATCHES)
    # Ids rise with time, as the files of the ledger do.
    files = holding(base.files, "batch_id", batch_id) if base else []
    found = base and asking.rows(
        f"SELECT {', '.join(_ACCOUNT)} FROM {relation(files, base.columns)}"
        f" WHERE dataset = {literal(dataset)} AND batch_id = {literal(batch_id)} LIMIT 1"
    )
    if not found:
        raise NotFoundError(
            f"{dataset} has no batch {batch_id}.", remedy="Its page of batches lists them all."
        )
    return _account(found[0])


def verdicts(
    asking: Asking, dataset: str, batches: Sequence[Account]
) -> dict[str, tuple[Judged, ...]]:
    """How the rules were judged in these batches, by batch; broken rules first, then by name."""
    base = asking.snapshot(ledger.VERDICTS) if batches else None
    if base is None:
        return {}
    since, until = min(b.at for b in batches), max(b.at for b in batches)
    files = within(holding(base.files, "dataset", dataset), "judged_at", since, until)
    named = ", ".join(literal(b.batch_id) for b in batches)
    found: dict[str, list[Judged]] = {}
    for row in asking.rows(
        "SELECT batch_id, rule_id, rule_kind, column_name, severity, scope, passed, breaches,"
        f" observed, expected, judged_at FROM {relation(files, base.columns)}"
        f" WHERE dataset = {literal(dataset)} AND batch_id IN ({named})"
        f" AND judged_at BETWEEN {literal(clock.iso(since))}::TIMESTAMPTZ"
        f" AND {literal(clock.iso(until))}::TIMESTAMPTZ"
        f" ORDER BY passed, rule_id LIMIT {MOST_RULES * len(batches)}"
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
    values = {name: value for name, value in row.items() if name != "committed_at"}
    for name in ("source", "code_hash"):
        if name in values:
            values[name] = values[name] or ""
    if "inputs" in values:
        values["inputs"] = hjson.loads(values["inputs"]) if values["inputs"] else {}
    return Account(**values, at=row["committed_at"])
