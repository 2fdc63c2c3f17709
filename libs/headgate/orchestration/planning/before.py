"""What a branch is compared with: each dataset's contract and code as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.core.errors import ContractError, UsageError
from headgate.lake import kept
from headgate.orchestration.curating import graph_of
from headgate.orchestration.dbt.canonical import canonical
from headgate.orchestration.dbt.compile import Compiled, compile_models
from headgate.orchestration.project import Project


@dataclass(frozen=True)
class Code:
    """What makes a dataset's rows. ``hash`` is what commits call it; ``sql`` is a model's, in full
    and incrementally, or None where it is not known or where it is no model."""

    hash: str
    inputs: tuple[str, ...] = ()
    sql: tuple[str, str] | None = None

    def same_sql(self, other: Code) -> bool | None:
        """Whether both are the same SQL but for comments and layout; None if it cannot be told."""
        if self.sql is None or other.sql is None:
            return None
        return all(canonical(a) == canonical(b) for a, b in zip(self.sql, other.sql, strict=True))


@dataclass(frozen=True)
class Side:
    """One state of a project's code, called ``label``: contracts as written, and code, by dataset.

    ``order`` is the order in which a run makes the datasets; empty if it is not known.
    """

    label: str
    contracts: Mapping[str, Contract]
    code: Mapping[str, Code] = field(default_factory=dict)
    order: tuple[str, ...] = ()


def of_project(project: Project, label: str) -> Side:
    """A project's code as its files have it.

    Raises:
        ContractError, ModelError: they are wrong.
    """
    from headgate.orchestration.order import topological

    graph = graph_of(project)
    contracts = {d: _bare(c) for d, c in project.contracts.items() if c.name.layer != "system"}
    compiled = compile_models(project, [str(c.model) for c in project.contracts.models])
    code = {
        c.id: _of_model(compiled[str(c.model)], graph.get(c.id, ()))
        for c in project.contracts.models
    }
    for contract in project.contracts.transforms:
        code[contract.id] = Code(transform_hash(project, contract), contract.inputs)
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
        snapshot = project.lake.snapshot(dataset, version)
        meta = snapshot.meta if snapshot else None
        if meta is None:
            continue
        contract = _kept(project, dataset, meta.contract_hash)
        if contract is not None:
            contracts[dataset] = contract
        if meta.code_hash:
            sql = kept.recall_code(project.lake, dataset, meta.code_hash)
            code[dataset] = Code(meta.code_hash, tuple(sorted(meta.inputs)), sql)
    return Side(f"release {newest.id}", contracts, code)


def transform_hash(project: Project, contract: Contract) -> str:
    """What commits call the code of a transform."""
    from headgate.orchestration import transforming

    return transforming.code_hash(contract)


def _of_model(compiled: Compiled, inputs: Iterable[str]) -> Code:
    return Code(compiled.code_hash, tuple(inputs), (compiled.full, compiled.incremental))


def _bare(contract: Contract) -> Contract:
    """The contract as its document alone has it: kept ones know nothing of their neighbours."""
    return from_document(contract.path, contract.document)


def _kept(project: Project, dataset: str, contract_hash: str) -> Contract | None:
    document = kept.recall(project.lake, dataset, contract_hash)
    if document is None:
        return None
    path = project.settings.contracts_path / dataset.replace(".", "/")
    known = project.contracts[dataset] if dataset in project.contracts else None
    try:
        return from_document(known.path if known else path, document)
    except ContractError:
        return None
