"""The ingest part of a run: which files are new, and each of them through the gate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core.errors import HeadgateError, UsageError
from headgate.ingest.discover import discover, was_taken
from headgate.ingest.readers.base import SourceFile
from headgate.lineage import steps
from headgate.orchestration.context import RunContext
from headgate.orchestration.project import Project


def files_of(
    project: Project, sources: Mapping[str, Sequence[str]], selected: set[str]
) -> dict[str, list[SourceFile]]:
    """The files that stand at each selected source, in the order in which they are taken.

    ``sources`` names paths for datasets (with ``*`` for several at once); others are looked for
    where their contract says, and may have none there.

    Raises:
        UsageError: a named dataset is not ingested, or a named path does not exist.
    """
    found: dict[str, list[SourceFile]] = {}
    given: dict[str, list[str]] = {}
    for named, paths in sources.items():
        for dataset in _meant(project, named):
            given.setdefault(dataset, []).extend(paths)
    for dataset, paths in given.items():
        contract = project.contracts[dataset]
        if not contract.source:
            raise UsageError(
                f"{dataset} is not ingested: its contract has no headgate.source.",
                remedy=f"Sources: {', '.join(c.id for c in project.contracts.sources)}.",
            )
        found[dataset] = discover(paths, format=contract.source.format)
    for contract in project.contracts.sources:
        if contract.id not in found and contract.id in selected and not sources:
            found[contract.id] = _declared(project, contract)
    return {d: found[d] for d in _parents_first(project, found) if d in selected}


def _meant(project: Project, named: str) -> list[str]:
    """The datasets that a name with ``*`` means; a plain name means itself."""
    if "*" not in named:
        return [named]
    hits = [c.id for c in project.contracts.sources if fnmatchcase(c.id, named)]
    if not hits:
        raise UsageError(
            f"{named!r} means no dataset that is ingested.",
            remedy=f"Sources: {', '.join(c.id for c in project.contracts.sources)}.",
        )
    return hits


def _parents_first(project: Project, datasets: Iterable[str]) -> list[str]:
    """The datasets so that each comes after those that its foreign keys refer to."""
    named = list(datasets)
    known = set(named)
    refer = {d: known.intersection(project.contracts[d].parents) for d in named}
    ordered: dict[str, None] = {}
    while named:
        # Where they refer to each other in a circle, the first that was named comes first.
        one = next((d for d in named if refer[d] <= ordered.keys()), named[0])
        ordered[one] = None
        named.remove(one)
    return list(ordered)


def _declared(project: Project, contract: Contract) -> list[SourceFile]:
    assert contract.source is not None
    if not contract.source.path:
        return []
    path = Path(contract.source.path)
    where = path if path.is_absolute() else project.settings.root / path
    fixed = Path(*[p for p in where.parts if not set(p) & set("*?[")])
    return discover([str(where)], format=contract.source.format) if fixed.exists() else []


def ingest(context: RunContext, dataset: str, files: Sequence[SourceFile]) -> list[str]:
    """Take the files that are new; gives a sentence for each that could not be taken."""
    contract, session = context.project.contracts[dataset], context.session
    known = context.taken.setdefault(dataset, {})
    problems = []
    for source in files:
        if was_taken(source, known):
            continue
        from headgate.ingest.load import load_file

        context.progress.step(dataset, f"taking {source.name}")
        batch_id = ids.new_id()
        step = steps.ingest_step(contract, context.run_id, batch_id, files=[source.name])
        try:
            with context.lineage.running(step) as update:
                outcome = context.through_gate(
                    contract,
                    batch_id,
                    partial(load_file, session, contract, source, batch_id=batch_id),
                )
                counted = dataclasses.replace(
                    step.inputs[0],
                    statistics=steps.Statistics(outcome.read, source.size, 1),
                )
                update(dataclasses.replace(step, inputs=(counted,)))
        except HeadgateError as error:
            problems.append(f"{dataset}: {source.name}: {error}")
            continue
        if outcome.outcome == "published":
            meta = context.accounts[-1][0]
            known[meta.content_hash] = (source.name, source.size)
    return problems
