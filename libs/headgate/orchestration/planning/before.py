"""What a branch is compared with: each dataset's contract and code as they were."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.contracts.names import LAYERS, DatasetName
from headgate.core.errors import ContractError, UsageError
from headgate.lake import kept
from headgate.orchestration import transform_code
from headgate.orchestration.curating import graph_of
from headgate.orchestration.dbt.canonical import canonical
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.order import topological
from headgate.orchestration.project import Project
from headgate.transforms import modules

#: A table in compiled SQL, which always names it so.
_RELATION = re.compile(r'"(\w+)"\."(\w+)"')


@dataclass(frozen=True)
class Code:
    """What makes a dataset's rows. ``hash`` is what commits call it, the contract included;
    ``sql`` is a model's, in full and incrementally; ``made`` is the hash of a transform's code
    alone; either is empty where it is not known. ``wrong`` says why the code is of no use, if so.
    """

    hash: str
    inputs: tuple[str, ...] = ()
    sql: tuple[str, str] | None = None
    made: str = ""
    wrong: str = ""

    def same(self, other: Code) -> bool | None:
        """Whether the code is the same, whatever the contract; None if it cannot be told.

        Comments and layout do not count.
        """
        if self.hash == other.hash:
            return True
        if self.sql and other.sql:
            return all(
                canonical(a) == canonical(b) for a, b in zip(self.sql, other.sql, strict=True)
            )
        return self.made == other.made if self.made and other.made else None


@dataclass(frozen=True)
class Side:
    """One state of a project's code, called ``label``: contracts and code, by dataset.

    ``order`` is the order in which a run makes the datasets; empty if it is not known.
    """

    label: str
    contracts: Mapping[str, Contract]
    code: Mapping[str, Code] = field(default_factory=dict)
    order: tuple[str, ...] = ()


def of_project(project: Project, label: str, room: Path | None = None) -> Side:
    """A project's code as its files have it; ``room`` is where its transforms lie, if it brings
    its own and they are not those that would run here.

    Raises:
        ContractError, ModelError: they are wrong.
    """
    graph = graph_of(project)
    contracts = {d: c for d, c in project.contracts.items() if c.name.layer != "system"}
    code = _of_models(project)
    for contract in project.contracts.transforms:
        code[contract.id] = _of_transform(contract, room)
    return Side(label, contracts, code, tuple(topological(graph)))


def of_release(project: Project) -> Side:
    """What the tables of the newest release were made by.

    Raises:
        UsageError: nothing was released yet.
    """
    newest = project.releases.newest()
    if newest is None:
        raise UsageError(
            "there is no release to compare with.",
            remedy="Give --against a git revision such as main, or a folder; or headgate run.",
        )
    contracts, code = {}, {}
    for dataset, version in newest.versions.items():
        snapshot = project.lake.snapshot(dataset)  # of the newest version little has to be read
        if snapshot is not None and snapshot.version != version:
            snapshot = project.lake.snapshot(dataset, version)
        meta = snapshot.meta if snapshot else None
        if meta is None:
            continue
        contract = _kept(project, dataset, meta.contract_hash)
        if contract is not None:
            contracts[dataset] = contract
        if meta.code_hash:
            sql = kept.recall_code(project.lake, dataset, meta.code_hash)
            # The commit names the inputs that there were; its code may read others besides.
            reads = {*meta.inputs, *(contract.inputs if contract else ()), *_read_by(sql)}
            code[dataset] = Code(meta.code_hash, tuple(sorted(reads)), sql)
    return Side(f"release {newest.id}", contracts, code)


def _read_by(sql: tuple[str, str] | None) -> set[str]:
    """The datasets that compiled SQL names."""
    return {
        DatasetName.from_schema(schema, name).id
        for text in sql or ()
        for schema, name in _RELATION.findall(text)
        if schema.partition("_")[0] in LAYERS
    }


def _of_transform(contract: Contract, room: Path | None) -> Code:
    assert contract.transform is not None
    own = modules.code_hash(contract.transform, room)
    return Code(transform_code.code_hash(contract, room), contract.inputs, made=own)


def _of_models(project: Project) -> dict[str, Code]:
    """The code of all models; the SQL of those that only dbt can compile is not known."""
    sources = Sources(project)
    names = {str(c.model): c.id for c in project.contracts.models}
    texts, hashes = sources.texts(names), sources.hashes(names)
    return {
        dataset: Code(
            hashes[model],
            tuple(sources.inputs[dataset]),
            (texts[model].full, texts[model].incremental) if texts[model].full else None,
            wrong=texts[model].wrong,
        )
        for model, dataset in names.items()
    }


def bare(contract: Contract) -> Contract:
    """The contract as its document alone has it: kept ones know nothing of their neighbours."""
    return from_document(contract.path, contract.document)


def _kept(project: Project, dataset: str, contract_hash: str) -> Contract | None:
    if dataset in project.contracts and project.contracts[dataset].hash == contract_hash:
        return project.contracts[dataset]
    document = kept.recall(project.lake, dataset, contract_hash)
    if document is None:
        return None
    try:
        return from_document(project.settings.contracts_path / dataset, document)
    except ContractError:
        return None
