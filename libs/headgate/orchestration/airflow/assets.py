"""Assets: what Airflow calls datasets; each by its one name, the way back, and what its events say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow.sdk import Asset

from headgate.contracts.names import DatasetName

if TYPE_CHECKING:
    from headgate.orchestration.parts import Account

GROUP = "headgate"
#: An event names so many batches at the most: it is kept in Airflow's database, and is no ledger.
_MOST_BATCHES = 50
_COUNTS = ("read", "published", "quarantined", "deduplicated", "refused")
#: Verdicts, from the best to the worst.
_VERDICTS = ("passed", "warned", "refused")


def asset(dataset: str, lake_name: str) -> Asset:
    """The Asset of a dataset of a lake.

    Raises:
        UsageError: it is no dataset id.
    """
    name = DatasetName.parse(dataset)
    return Asset(name=name.id, uri=name.asset_uri(lake_name), group=GROUP)


def dataset_of(found: Asset) -> str:
    """The dataset that an Asset of ours means.

    Raises:
        UsageError: it means none.
    """
    return DatasetName.from_asset_uri(found.uri).id


def event_of(accounts: Sequence[Account]) -> dict[str, object]:
    """What one Asset event says of several batches of one dataset: their account together, in the
    form of :meth:`Account.extra`, and each one's own under ``batches`` (the newest, if many).

    The version is that of the last commit, the verdict the worst of what was published.
    """
    last = accounts[-1]
    if len(accounts) == 1:
        return {**last.extra(), "batches": [_batch(last)]}
    taken = [a for a in accounts if a.version is not None]
    judged = [_VERDICTS.index(a.verdict) for a in taken or accounts]
    return {
        **last.extra(),
        **{name: sum(getattr(a, name) for a in accounts) for name in _COUNTS},
        "version": max((a.version for a in taken if a.version is not None), default=None),
        "batch_id": None,
        "verdict": _VERDICTS[max(judged)],
        "batches": [_batch(a) for a in accounts[-_MOST_BATCHES:]],
        "batches_in_all": len(accounts),
    }


def _batch(account: Account) -> dict[str, object]:
    whole = account.extra()
    return {k: v for k, v in whole.items() if k not in ("dataset", "run_id", "release")}
