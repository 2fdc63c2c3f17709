"""The curating part of a run: which models are stale, and dbt over those, under the gate."""

from __future__ import annotations

from headgate.core import failpoints
from headgate.core import json as hjson
from headgate.core.errors import ModelError
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import fingerprint, refs
from headgate.orchestration.order import Graph, downstream, topological
from headgate.orchestration.project import Project

#: Models that were committed and whose tests have not passed yet; their groups stay held.
PENDING = "_state/pending_models.json"


def graph_of(project: Project) -> Graph:
    """Dataset id to the datasets it is made from: sources have none, models what dbt says."""
    contracts = project.contracts
    inputs = refs.inputs(project)
    return {d: inputs.get(d, ()) for d, c in contracts.items() if c.source or c.model}


def pending(context: RunContext) -> set[str]:
    """Datasets that an earlier run left committed but not tested."""
    data = context.project.lake.storage.read(PENDING)
    return set(hjson.loads(data)) if data else set()


def stale(context: RunContext, graph: Graph, selected: set[str]) -> list[str]:
    """Selected models whose code, contract or inputs are not those of their newest commit."""
    contracts = context.project.contracts
    codes = fingerprint.fingerprint(context.project)
    found = pending(context)
    found |= {d for d in context.session.rebuilding if contracts[d].model}
    for dataset in topological(graph):
        contract = contracts[dataset]
        if not contract.model:
            continue
        inputs = graph[dataset]
        if inputs and not any(i in found or context.snapshot(i) is not None for i in inputs):
            continue  # nothing to build from yet; one input of several may come later
        snapshot = context.snapshot(dataset)
        meta = snapshot.meta if snapshot else None
        if (
            meta is None
            or meta.code_hash != codes.get(contract.model)
            or dict(meta.inputs) != context.session.versions(graph[dataset])
        ):
            found.add(dataset)
    found |= downstream(graph, found)
    return [d for d in topological(graph) if d in found & selected and contracts[d].model]


def held(context: RunContext) -> set[str]:
    """The release groups of what is committed and not tested: no release shows them."""
    contracts = context.project.contracts
    return {contracts[d].release_group for d in pending(context) if d in contracts}


def curate(context: RunContext, models: list[str]) -> list[str]:
    """Build the stale models; gives sentences for what failed, which then stays pending."""
    from headgate.orchestration.dbt import runner

    contracts, storage = context.project.contracts, context.project.lake.storage
    waiting = pending(context) | set(models)
    storage.put(PENDING, hjson.dumps(sorted(waiting)).encode())
    failpoints.reach("curate.before")
    try:
        result = runner.build(context, models=[str(contracts[d].model) for d in models])
    except ModelError as error:
        return [str(error)]  # nothing was built; sources are released all the same
    failpoints.reach("curate.after")
    broken = {c.id for m in result.broken if (c := contracts.by_model(m)) is not None}
    if not result.ok and not broken:
        broken = set(models)  # what failed cannot be told apart: hold all of it
    left = (waiting - set(models)) | broken
    storage.put(PENDING, hjson.dumps(sorted(left)).encode())
    return [f"{node}: {message}" for node, message in result.failed]
