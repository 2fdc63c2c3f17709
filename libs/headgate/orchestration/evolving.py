"""Contracts that changed under their tables: whom that stops, and what it holds back."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.contracts.diff import COMPATIBLE, Change, compare, gravest
from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.project import Project
from headgate.quality import evolution


@dataclass(frozen=True)
class Difference:
    """What changed in one dataset's contract: its changes, how grave they are together, and what
    to do (empty if nothing needs doing)."""

    dataset: str
    severity: str
    changes: tuple[Change, ...]
    remedy: str = ""
    needs_action: bool = False


def blocked(context: RunContext) -> dict[str, str]:
    """Datasets that nothing may be committed to before somebody has acted, and why.

    Those that this run itself rebuilds are not among them.
    """
    found = {}
    for dataset, contract in context.project.contracts.items():
        if contract.name.layer == "system" or dataset in context.session.rebuilding:
            continue
        told = _refusal(context, contract)
        if told:
            found[dataset] = told
    return found


def held(context: RunContext) -> set[str]:
    """The release groups of tables that do not fit their contract; no release shows them move."""
    contracts = context.project.contracts
    unsettled = {d for d in context.session.rebuilding if _refusal(context, contracts[d])}
    return {contracts[d].release_group for d in {*context.blocked, *unsettled}}


def _refusal(context: RunContext, contract: Contract) -> str:
    refused = evolution.refusal(context.session, context.snapshot(contract.id), contract)
    return str(refused) if refused else ""


def differences(project: Project, datasets: list[str], against: str | int) -> list[Difference]:
    """What changed in each dataset's contract since its table's newest commit (``commit``), or since
    the one that readers see (``release``), or saw in the release of that number.

    Raises:
        NotFoundError: there is no such release.
    """
    release = None
    if against != "commit":
        number = against if isinstance(against, int) else None
        release = project.releases.newest() if number is None else project.releases.get(number)
    released = release.versions if release else {}
    found = []
    for dataset in datasets:
        contract = project.contracts[dataset]
        snapshot: Snapshot | None = None
        if against == "commit":
            snapshot = project.lake.snapshot(dataset)
        elif dataset in released:
            snapshot = project.lake.snapshot(dataset, released[dataset])
        changes = evolution.changes(project.lake, snapshot, contract)
        found.append(_difference(contract, changes))
    return found


def between(old: Contract, new: Contract) -> Difference:
    """What changed from one contract to the other."""
    bare = [from_document(c.path, c.document) for c in (old, new)]
    return _difference(new, compare(bare[0], bare[1]))


def _difference(contract: Contract, changes: tuple[Change, ...]) -> Difference:
    severity = gravest(changes)
    remedy = evolution.remedy(changes, contract)
    if not remedy and severity != COMPATIBLE:
        remedy = "The model is built anew by the next run, and judged as it is built."
    return Difference(
        contract.id, severity, changes, remedy, bool(evolution.blocking(changes, contract))
    )
