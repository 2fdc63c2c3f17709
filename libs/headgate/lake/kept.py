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
    keep_document(lake, contract.id, contract.hash, contract.document)


def keep_document(
    lake: Lake, dataset: str, contract_hash: str, document: Mapping[str, Any]
) -> None:
    """Make a document durable that is known by that hash, perhaps from another lake."""
    if f"{contract_hash}.json" not in lake.storage.names(f"{FOLDER}/{dataset}"):
        text = hjson.dumps(document, indent=1).encode()
        lake.storage.put_if_absent(_key(dataset, contract_hash), text)


def recall(lake: Lake, dataset: str, contract_hash: str) -> Mapping[str, Any] | None:
    """The document of that hash, or None if no commit of ours kept it."""
    data = lake.storage.read(_key(dataset, contract_hash))
    return None if data is None else hjson.loads(data)


def _key(dataset: str, contract_hash: str) -> str:
    return f"{FOLDER}/{dataset}/{contract_hash}.json"
