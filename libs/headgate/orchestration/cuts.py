"""The cut of a release group: what its curated datasets are built from, as one moment had it.

Between the build of a group and its release, sources may move on. What is released is then what
was built and the sources that it was built from, never sources without what follows from them.
"""

from __future__ import annotations

from collections.abc import Collection

from headgate.core import json as hjson
from headgate.core.errors import LakeError
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.order import Graph

#: The newest cut of each group: dataset to version, or to nothing where it was never written.
NOTE = "_state/cuts.json"
_Cut = dict[str, int | None]


def members(context: RunContext, group: str) -> list[str]:
    """The datasets that are released as this group."""
    return [
        d
        for d, c in context.project.contracts.items()
        if c.release_group == group and c.name.layer != "system"
    ]


def note(context: RunContext, group: str, graph: Graph) -> None:
    """Remember what the group is about to be built from: its sources, and what it reads of others."""
    found: _Cut = {}
    for dataset in _outside(context, group, graph):
        snapshot = context.snapshot(dataset)
        found[dataset] = snapshot.version if snapshot else None
    cuts = _noted(context)
    if cuts.get(group) != found:
        context.project.lake.storage.put(NOTE, hjson.dumps({**cuts, group: found}).encode())


def stand_at(
    context: RunContext,
    group: str,
    graph: Graph,
    built: Collection[str],
    to_build: Collection[str] = (),
) -> list[str]:
    """Let the run read the newest versions from which all of ``built`` are made: those that there
    are, or those of the group's newest cut, unless something ``to_build`` has read newer ones.

    Where there are none, it reads the newest; gives a sentence for each that is made from others.
    """
    behind = _behind(context, graph, built)
    if not behind:
        return []
    pinned = _pinned(context, group)
    before = {d: context.snapshot(d) for d in pinned}
    for dataset, snapshot in pinned.items():
        context.session.look_at(dataset, snapshot)
    if pinned and not _behind(context, graph, built) and not _ahead(context, to_build):
        return []
    for dataset, snapshot in before.items():
        context.session.look_at(dataset, snapshot)
    return behind


def _outside(context: RunContext, group: str, graph: Graph) -> list[str]:
    """What building the group does not change: its sources, and what is read of others."""
    contracts = context.project.contracts
    mine = members(context, group)
    curated = {d for d in mine if contracts[d].curated}
    read = {i for d in curated for i in graph[d]} | {p for d in mine for p in contracts[d].parents}
    return sorted({*mine, *read} - curated)


def _behind(context: RunContext, graph: Graph, built: Collection[str]) -> list[str]:
    """Of those made from other versions of their inputs than the run reads, a sentence each."""
    found = []
    for dataset in sorted(built):
        snapshot = context.snapshot(dataset)
        if snapshot is None or snapshot.meta is None:
            continue  # no release shows it yet
        now, then = context.session.versions(graph[dataset]), dict(snapshot.meta.inputs)
        other = sorted(d for d in {*now, *then} if now.get(d) != then.get(d))
        if other:
            found.append(f"{dataset} is not made from {', '.join(other)} as it is by now.")
    return found


def _ahead(context: RunContext, datasets: Collection[str]) -> bool:
    """Whether any of the datasets was made from something newer than the run reads."""
    for dataset in datasets:
        snapshot = context.snapshot(dataset)
        then = snapshot.meta.inputs if snapshot and snapshot.meta else {}
        now = context.session.versions(then)
        if any(version > now.get(d, -1) for d, version in then.items()):
            return True
    return False


def _pinned(context: RunContext, group: str) -> dict[str, Snapshot | None]:
    """The cut's versions, and of the group's own tables none before what readers see already."""
    newest, contracts = context.project.releases.newest(), context.project.contracts
    released = newest.versions if newest else {}
    found: dict[str, Snapshot | None] = {}
    for dataset, version in _noted(context).get(group, {}).items():
        if dataset not in contracts:
            continue
        if contracts[dataset].release_group == group and dataset in released:
            version = max(version or 0, released[dataset])
        try:
            at = version is not None
            found[dataset] = context.project.lake.snapshot(dataset, version) if at else None
        except LakeError:
            return {}  # maintenance has forgotten that version: the cut is an old one
    return found


def _noted(context: RunContext) -> dict[str, _Cut]:
    data = context.project.lake.storage.read(NOTE)
    found: dict[str, _Cut] = hjson.loads(data) if data else {}
    return found
