"""Assets: what Airflow calls datasets; each by its one name, the way back, and what its events say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Asset, AssetAlias

from headgate.contracts.names import DatasetName

GROUP = "headgate"
#: An event names so many batches at the most: it is kept in Airflow's database, and is no ledger.
_MOST_BATCHES = 50
_COUNTS = ("read", "published", "quarantined", "deduplicated", "refused")
#: For the event of a source whose dates were backfilled.
BACKFILLED = AssetAlias(name="backfilled", group=GROUP)
_SHARED = ("dataset", "run_id", "release")
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


def waiting(dataset: str) -> AssetAlias:
    """For events of other datasets, whose rows waited for those of ``dataset``."""
    return AssetAlias(name=f"waiting for {dataset}", group=GROUP)


def event_of(accounts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What one Asset event says of several batches of one dataset, given as :meth:`Account.extra`
    has them: their account together in that same form, and each one's own under ``batches`` (the
    newest, if many).

    The version is that of the last commit, the verdict the worst of what was committed.
    """
    last = accounts[-1]
    together = {
        **last,
        **{name: sum(a[name] for a in accounts) for name in _COUNTS},
        "version": max((a["version"] for a in accounts if a["version"] is not None), default=None),
        "verdict": max((a["verdict"] for a in accounts), key=_VERDICTS.index),
        "batches": [
            {k: v for k, v in a.items() if k not in _SHARED} for a in accounts[-_MOST_BATCHES:]
        ],
        "batches_in_all": len(accounts),
    }
    return together if len(accounts) == 1 else {**together, "batch_id": None}
