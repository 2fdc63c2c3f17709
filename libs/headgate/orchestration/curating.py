"""The curating part of a run: which curated datasets are stale, and building those, under the gate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headgate.core import failpoints
from headgate.core import json as hjson
from headgate.core.errors import ModelError
from headgate.orchestration import building
from headgate.orchestration.building import Watch
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import refs
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.result import DbtResult
from headgate.orchestration.order import Graph, topological
from headgate.orchestration.project import Project

#: Curated datasets that were committed and whose tests have not passed yet; their groups stay held.
#: Those of a run need only be tested if they are made from what there is (``test``); what was
#: committed outside of one is built again (``build``, or a bare list).
PENDING = "_state/pending_models.json"


def graph_of(project: Project) -> Graph:
    """Dataset id to the datasets it is made from: none for sources, for models what their SQL says,
    for transforms what their contract says."""
    contracts = project.contracts
    inputs = refs.inputs(project)
    inputs |= {
        c.id: tuple(sorted({contracts[d].id for d in c.inputs})) for c in contracts.transforms
    }
    return {d: inputs.get(d, ()) for d, c in contracts.items() if c.source or c.curated}


def pending(context: RunContext) -> set[str]:
    """Datasets that an earlier run left committed but not tested."""
    build, test = _pending(context)
    return build | test


def untested(context: RunContext) -> set[str]:
    """Those of :func:`pending` that a run was building: it ended before their tests did."""
    return _pending(context)[1]


def _pending(context: RunContext) -> tuple[set[str], set[str]]:
    data = context.project.lake.storage.read(PENDING)
    found = hjson.loads(data) if data else []
    if isinstance(found, list):
        return set(found), set()
    return set(found["build"]), set(found["test"])


def note_built(context: RunContext, dataset: str) -> None:
    """Remember that a version was committed outside a run: the next run builds and tests it."""
    build, test = _pending(context)
    _note_pending(context, build | {dataset}, test - {dataset})


def _note_pending(context: RunContext, build: set[str], test: set[str]) -> None:
    found = {"build": sorted(build - test), "test": sorted(test)}
    context.project.lake.storage.put(PENDING, hjson.dumps(found).encode())


def stale(context: RunContext, graph: Graph, selected: set[str]) -> list[str]:
    """Selected curated datasets whose code, contract or inputs are not those of their newest commit,
    each after those it is made from."""
    contracts = context.project.contracts
    codes = code_hashes(context.project)
    order = [d for d in topological(graph) if contracts[d].curated]
    found = pending(context) - untested(context)
    found |= {d for d in context.session.rebuilding if contracts[d].curated}
    for dataset in order:
        inputs = graph[dataset]
        if inputs and not any(i in found or context.snapshot(i) is not None for i in inputs):
            continue  # nothing to build from yet; one input of several may come later
        if any(i in found for i in inputs) or _moved(context, dataset, inputs, codes[dataset]):
            found.add(dataset)
    return [d for d in order if d in found & selected]


def _moved(context: RunContext, dataset: str, inputs: Sequence[str], code: str) -> bool:
    snapshot = context.snapshot(dataset)
    meta = snapshot.meta if snapshot else None
    return (
        meta is None
        or meta.code_hash != code
        or dict(meta.inputs) != context.session.versions(inputs)
    )


def code_hashes(project: Project) -> dict[str, str]:
    """What the rows of each curated dataset follow from, apart from its inputs, as a hash.

    Raises:
        ModelError: a model reads what does not exist, or there is no such transform.
    """
    contracts = project.contracts
    models = {c.id: str(c.model) for c in contracts.models}
    hashes = Sources(project).hashes(models.values()) if models else {}
    found = {dataset: hashes[model] for dataset, model in models.items()}
    if contracts.transforms:
        from headgate.orchestration import transform_code

        found |= {c.id: transform_code.code_hash(c) for c in contracts.transforms}
    return found


def held(context: RunContext) -> set[str]:
    """The release groups of what is committed and not tested: no release shows them."""
    contracts = context.project.contracts
    return {contracts[d].release_group for d in pending(context) if d in contracts}


def bring_up(
    context: RunContext,
    graph: Graph,
    selected: set[str],
    watch: Watch | None = None,
    to_test: Collection[str] = (),
) -> list[str]:
    """Build what is stale of the selected, and test that, what was left untested of them, and
    others ``to_test``.

    What may not be committed to is left alone. Gives sentences for what failed.
    """
    found = [d for d in stale(context, graph, selected) if d not in context.blocked]
    left = {*(untested(context) & selected), *to_test} - {*found, *context.blocked}
    return curate(context, found, sorted(left), watch) if found or left else []


def curate(
    context: RunContext,
    datasets: list[str],
    untested: Collection[str] = (),
    watch: Watch | None = None,
) -> list[str]:
    """Build the stale datasets, and test them and the ``untested`` ones.

    Gives sentences for what failed, which then stays pending.
    """
    contracts = context.project.contracts
    build, test = _pending(context)
    _note_pending(context, build, test | set(datasets))
    failpoints.reach("curate.before")
    try:
        result = building.build(context, datasets, untested, watch)
    except ModelError as error:
        if watch is not None:
            for dataset in datasets:
                watch.failed(dataset, str(error))
        return [str(error)]  # nothing was built; sources are released all the same
    failpoints.reach("curate.after")
    named = {c.model or d: d for d, c in contracts.items() if c.curated}
    broken = {named[n] for n in result.broken if n in named}
    done = {*datasets, *untested}
    _note_pending(context, build - done, (test - done) | broken)
    context.failed |= _why(named, result, broken)
    return [f"{node}: {message}" for node, message in result.failed]


def _why(named: Mapping[str, str], result: DbtResult, broken: set[str]) -> dict[str, str]:
    """Why each broken dataset is: what building it failed at, or else which tests failed."""
    own = {named[node]: f"{node}: {told}" for node, told in result.failed if node in named}
    tests = " ".join(f"{node}: {told}" for node, told in result.failed if node not in named)
    return {d: own.get(d) or tests for d in broken if own.get(d) or tests}
