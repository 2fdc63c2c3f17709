"""What datasets, sources, jobs and runs are called in lineage, each with its way back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from headgate.contracts.model import Contract
from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.core.errors import UsageError

#: Namespace of declared sources, and of physical paths on local disk.
FILE_NAMESPACE = "file"
_NAMESPACE = "headgate://"
#: Jobs of a whole run, not of one dataset.
RUN, RELEASE = "run", "release"
#: Jobs of one dataset: ``<dataset>.<verb>``.
INGEST, GATE, BUILD, REPLAY, WAIVE = "ingest", "gate", "build", "replay", "waive"
RUN_KINDS = (RUN, RELEASE)
DATASET_KINDS = (INGEST, GATE, BUILD, REPLAY, WAIVE)


def namespace(lake_name: str) -> str:
    """Namespace of the lake's datasets and jobs: ``headgate://local``."""
    return _NAMESPACE + lake_name


def lake_of(text: str) -> str | None:
    """The lake whose namespace ``text`` is, else None."""
    return text.removeprefix(_NAMESPACE) if text.startswith(_NAMESPACE) else None


def source(contract: Contract) -> str:
    """The declared source of an ingested dataset: its path or pattern as the contract has it.

    There is one node a contract source, not one a file. A contract that leaves the path to the
    run declares a source all the same: ``source:<dataset>``.

    Raises:
        UsageError: the dataset has no source.
    """
    if contract.source is None:
        raise UsageError(
            f"{contract.id} has no source.", remedy="Its contract says headgate.source."
        )
    return contract.source.path or f"source:{contract.id}"


def physical(path: str | PurePath) -> tuple[str, str]:
    """Namespace and name of a physical path, as OpenLineage names storage.

    ``/lake/gold`` is ``("file", "/lake/gold")``, ``s3://bucket/gold`` is
    ``("s3://bucket", "gold")``.
    """
    text = str(path)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return FILE_NAMESPACE, text
    if scheme == "file":
        return FILE_NAMESPACE, rest
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", key or "/"


def job(kind: str, dataset: str | None = None) -> str:
    """The job of that kind: ``run``, ``release``, or ``<dataset>.<kind>``.

    Raises:
        UsageError: the kind is unknown, or lacks its dataset, or the dataset is none.
    """
    if kind in RUN_KINDS and dataset is None:
        return kind
    if kind in DATASET_KINDS and dataset is not None:
        return f"{DatasetName.parse(dataset)}.{kind}"
    raise UsageError(
        f"no lineage job of kind {kind!r} for dataset {dataset!r}.",
        remedy=f"Kinds of a dataset: {', '.join(DATASET_KINDS)}; of a run: {', '.join(RUN_KINDS)}.",
    )


def parse_job(name: str) -> tuple[str, str | None]:
    """Kind and dataset (None for ``run`` and ``release``) of a job's name.

    Raises:
        UsageError: the name is no job of ours.
    """
    dataset, _, kind = name.rpartition(".")
    job(kind, dataset or None)
    return kind, dataset or None


def run_id(parent: str, job_name: str, *parts: str) -> str:
    """The run id (a UUID) of one job within a run; told again, it is the same.

    Args:
        parent: id of the run.
        job_name: name of the job.
        parts: what tells two executions of the job in one run apart, such as the batch id.
    """
    return ids.name_based("lineage", parent, job_name, *parts)


def nodes(contracts: Iterable[Contract], lake_name: str) -> frozenset[tuple[str, str]]:
    """Namespace and name of every dataset that lineage may speak of: contracts and their sources."""
    ours = namespace(lake_name)
    found: set[tuple[str, str]] = set()
    for contract in contracts:
        found.add((ours, contract.id))
        if contract.source is not None:
            found.add((FILE_NAMESPACE, source(contract)))
    return frozenset(found)
