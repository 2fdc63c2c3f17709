"""Assets: what Airflow calls datasets; each by its one name, and the way back."""

from __future__ import annotations

from airflow.sdk import Asset

from headgate.contracts.names import DatasetName

GROUP = "headgate"


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
