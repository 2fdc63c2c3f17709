"""Contracts and SQL as they were: those under which rows were committed are kept in the lake, by hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake.lake import Lake

FOLDER = "_contracts"
CODE_FOLDER = "_code"
#: The field of kept SQL that holds its checksum.
CHECKSUM = "headgate.sha256"


def keep(lake: Lake, contract: Contract) -> None:
    """Make the contract's document durable, before a commit names its hash."""
    keep_document(lake, contract.id, contract.hash, contract.document)


def keep_document(
    lake: Lake, dataset: str, contract_hash: str, document: Mapping[str, Any]
) -> None:
    """Make a document durable that is known by that hash, perhaps from another lake."""
    if f"{contract_hash}.json" not in lake.storage.names(f"{FOLDER}/{dataset}"):
        text = hjson.dumps(document).encode()
        lake.storage.put_if_absent(key(dataset, contract_hash), text)


def recall(lake: Lake, dataset: str, contract_hash: str) -> Mapping[str, Any] | None:
    """The document of that hash, or None if no commit of ours kept it."""
    data = lake.storage.read(key(dataset, contract_hash))
    return None if data is None else hjson.loads(data)


def keep_code(lake: Lake, dataset: str, code_hash: str, full: str, incremental: str) -> None:
    """Make the SQL durable that commits of a model call ``code_hash``, in full and incrementally."""
    folder = f"{CODE_FOLDER}/{dataset}"
    if f"{code_hash}.json" not in lake.storage.names(folder):
        told = {"full": full, "incremental": incremental}
        told[CHECKSUM] = code_checksum(full, incremental)
        lake.storage.put_if_absent(f"{folder}/{code_hash}.json", hjson.dumps(told).encode())


def code_checksum(full: str, incremental: str) -> str:
    """By which kept SQL is known to be unchanged; its name follows from more than its text."""
    return ids.digest(full, incremental)


def recall_code(lake: Lake, dataset: str, code_hash: str) -> tuple[str, str] | None:
    """The SQL of that hash, in full and incrementally; None if it was not kept."""
    data = lake.storage.read(f"{CODE_FOLDER}/{dataset}/{code_hash}.json")
    if data is None:
        return None
    told = hjson.loads(data)
    return str(told["full"]), str(told["incremental"])


def key(dataset: str, contract_hash: str) -> str:
    """Where the document of that hash lies."""
    return f"{FOLDER}/{dataset}/{contract_hash}.json"
