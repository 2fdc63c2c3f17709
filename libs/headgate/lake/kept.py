"""Contracts as they were: each under which rows were committed is kept in the lake, by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import json as hjson
from headgate.lake.lake import Lake

FOLDER = "_contracts"


def keep(lake: Lake, contract: Contract) -> None:
    """Make the contract's document durable, before a commit names its hash."""
    folder = f"{FOLDER}/{contract.id}"
    if f"{contract.hash}.json" not in lake.storage.names(folder):
        lake.storage.put_if_absent(_key(contract.id, contract.hash), _text(contract))


def recall(lake: Lake, dataset: str, contract_hash: str) -> Mapping[str, Any] | None:
    """The document of that hash, or None if no commit of ours kept it."""
    data = lake.storage.read(_key(dataset, contract_hash))
    return None if data is None else hjson.loads(data)


def _text(contract: Contract) -> bytes:
    return hjson.dumps(contract.document, indent=1).encode()


def _key(dataset: str, contract_hash: str) -> str:
    return f"{FOLDER}/{dataset}/{contract_hash}.json"
