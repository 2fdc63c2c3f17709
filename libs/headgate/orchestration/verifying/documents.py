"""What commits name by hash: contracts as they were, and the SQL of models; kept, and unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake import kept
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look

PUT_BACK = "puts the contract back, where the project still has it"


def derivable(look: Look, dataset: str, contract_hash: str) -> Contract | None:
    """The project's contract, if it is the one of that hash."""
    contract = look.today(dataset)
    return contract if contract is not None and contract.hash == contract_hash else None


def _contracts(look: Look) -> Iterator[Fault]:
    for table in look.data():
        named = {m.contract_hash: v for v, m in table.metas() if m.contract_hash}
        storage, folder = look.project.lake.storage, f"{kept.FOLDER}/{table.dataset}"
        lying = {n.removesuffix(".json") for n in storage.names(folder) if n.endswith(".json")}
        for found in sorted(lying | named.keys()):
            place = kept.key(table.dataset, found)
            data = storage.read(place) if found in lying else None
            repair = None if derivable(look, table.dataset, found) else ""
            if data is None:
                yield Fault(place, "the contract of a commit is not kept.", table.dataset, named[found],
                            repair=repair)  # fmt: skip
            elif ids.digest(data) != found:
                yield Fault(place, "the contract is not the one that its name says.", table.dataset,
                            named.get(found), repair=repair,
                            severity=None if found in named else WARNING)  # fmt: skip


def _code(look: Look) -> Iterator[Fault]:
    storage = look.project.lake.storage
    for table in look.data():
        today = look.today(table.dataset)
        is_model = today is not None and bool(today.model)
        named = {m.code_hash: v for v, m in table.metas() if m.code_hash and m.kind == "model"}
        folder = f"{kept.CODE_FOLDER}/{table.dataset}"
        lying = {n.removesuffix(".json") for n in storage.names(folder) if n.endswith(".json")}
        for found in sorted(lying | named.keys()):
            place = f"{folder}/{found}.json"
            if found not in lying:
                if is_model:
                    yield Fault(
                        place, "the SQL of a commit is not kept.", table.dataset, named[found]
                    )
                continue
            wrong = _damaged(storage.read(place) or b"")
            if wrong:
                yield Fault(place, f"the SQL of a commit {wrong}.", table.dataset, named.get(found))


def _damaged(data: bytes) -> str:
    try:
        told = hjson.loads(data)
        full, incremental = told["full"], told["incremental"]
    except (ValueError, KeyError, TypeError):
        return "cannot be read"
    if not isinstance(full, str) or not isinstance(incremental, str):
        return "cannot be read"
    digest = told.get(kept.CHECKSUM)
    if digest is None and told.keys() == {"full", "incremental"}:
        return ""  # it was kept before there were checksums
    return "" if digest == kept.code_checksum(full, incremental) else "is not what was written"


CHECKS = (
    Check("contract-kept", "The contract of every commit is kept, under the hash of its content.",
          "Put the contract back that the commit was made under (git has it) and `headgate fsck "
          "--repair`; without it `headgate diff` and `audit` cannot say what changed since.",
          _contracts, repair=PUT_BACK),
    Check("code-kept", "The SQL of every model's commit is kept, unchanged.",
          "`headgate run` keeps it again when the model is built next; until then plans cannot say what "
          "changed.", _code, severity=WARNING),
)  # fmt: skip
