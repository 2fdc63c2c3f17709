"""What Airflow is told of this package: which Assets are tables of ours, and their names in lineage.

Airflow asks for it in every process, so nothing is imported here.
"""

from __future__ import annotations

from typing import Any

_HERE = "headgate.orchestration.airflow.provider"


def provider_info() -> dict[str, Any]:
    """The package as a provider of Airflow's: the scheme of our Assets (entry point
    ``apache_airflow_provider``)."""
    uris = {
        "schemes": ["headgate"],
        "handler": None,  # they are normal as they are
        "to_openlineage_converter": f"{_HERE}.to_openlineage",
    }
    return {
        "package-name": "headgate",
        "name": "Headgate",
        "description": "Tables whose contract is the gate: DAGs, Assets and lineage.",
        "asset-uris": [uris],
    }


def to_openlineage(asset: Any, lineage_context: Any) -> Any:
    """The dataset that an Asset of ours means, as OpenLineage's: ``headgate://<lake>/<dataset>`` is
    ``<dataset>`` in namespace ``headgate://<lake>``. Of another Asset of that scheme, None."""
    from openlineage.client.event_v2 import Dataset

    from headgate.contracts.names import DatasetName
    from headgate.core.errors import UsageError

    namespace, _, name = str(asset.uri).rpartition("/")
    try:
        return Dataset(namespace=namespace, name=DatasetName.parse(name).id)
    except UsageError:
        return None
