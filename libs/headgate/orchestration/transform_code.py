"""What a transform's rows follow from, apart from its inputs; told without importing Polars."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.contracts.substance import substance
from headgate.core import ids
from headgate.transforms import modules


def code_hash(contract: Contract, room: Path | None = None) -> str:
    """Digest of the transform's code, of what counts of its contract, and of Polars' major version.

    ``room`` is as for :func:`modules.code_hash`.

    Raises:
        ModelError: there is no such transform.
    """
    assert contract.transform is not None
    major = version("polars").partition(".")[0]
    return ids.digest(modules.code_hash(contract.transform, room), substance(contract), major)
