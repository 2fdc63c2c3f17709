"""The ingest part of a run: which files are new, and each of them through the gate."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.contracts.model import DATE, Contract
from headgate.core import clock
from headgate.core.errors import (
    HeadgateError,
    ResourceError,
    UnknownOutcomeError,
    UsageError,
)
from headgate.ingest.discover import dated, discover
from headgate.ingest.readers.base import Reason, SourceFile
from headgate.lineage import steps
from headgate.orchestration.context import RunContext
from headgate.orchestration.order import parents_first
from headgate.orchestration.project import Project

if TYPE_CHECKING:
    from headgate.orchestration.reading import Reading


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
    begin_early(project, found)
    return {d: found[d] for d in parents_first(project.contracts, found) if d in selected}


def begin_early(project: Project, files: Mapping[str, Sequence[SourceFile]]) -> None:
    """Begin what reads files, if there are any: a run that has begun has threads, and could not
    fork."""
    if any(files.values()):
        from headgate.ingest.isolation import processes

        processes.begin_early(project.settings)


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


def _declared(project: Project, contract: Contract) -> list[SourceFile]:
    assert contract.source is not None
    if not contract.source.path:
        return []
    where = project.settings.root / contract.source.path
    if contract.source.dated:
        return list(chain.from_iterable(dated_files(project, contract).values()))
    fixed = Path(*[p for p in where.parts if not set(p) & set("*?[")])
    return discover([str(where)], format=contract.source.format) if fixed.exists() else []


def dated_files(
    project: Project, contract: Contract, dates: Iterable[date] | None = None
) -> dict[date, list[SourceFile]]:
    """The files of a source that lies in a file or folder a day: of these dates, or of all.

    Raises:
        UsageError: its rows do not lie so, or it has no source; says how that is declared.
    """
    if not contract.source:
        raise UsageError(
            f"{contract.id} is not taken from files: it is made from other datasets.",
            remedy=f"To make it anew: headgate rebuild {contract.id}",
        )
    path = contract.source.path or ""
    if not contract.source.dated:
        why = f"its path {path!r} has no {DATE} in it" if path else "it has no path"
        raise UsageError(
            f"the files of {contract.id} cannot be told by their dates: {why}.",
            remedy="Write the date's place into headgate.source.path in its contract, such as"
            f" landing/{contract.name.domain}/{DATE}.jsonl.",
            place=str(contract.path),
        )
    return dated(str(project.settings.root / path), format=contract.source.format, dates=dates)


def ingest_all(context: RunContext, files: Mapping[str, Sequence[SourceFile]]) -> list[str]:
    """Take the files that are new; gives a sentence for each that could not be taken."""
    from headgate.orchestration.reading import Reading

    open_to = {d: found for d, found in files.items() if d not in context.blocked}
    problems: list[str] = []
    with Reading(context, open_to) as reading:
        for dataset, found in open_to.items():
            problems += _ingest(context, dataset, found, reading)
    return problems


def _ingest(
    context: RunContext, dataset: str, files: Sequence[SourceFile], reading: Reading
) -> list[str]:
    problems = []
    postponed: list[tuple[SourceFile, Iterator[None]]] = []
    new = (f for f in files if _may_be_new(reading, dataset, f))
    begun = ((f, _taken(context, reading, dataset, f)) for f in new)
    for source, taking in chain(begun, postponed):
        try:
            for _ in taking:
                postponed.append((source, taking))
                break
        except UnknownOutcomeError:
            raise  # what is in the log by now, the next run finds out
        except HeadgateError as error:
            if isinstance(error, ResourceError) and error.everywhere:
                raise
            problems.append(f"{dataset}: {source.name}: {error}")
    return problems


def _may_be_new(reading: Reading, dataset: str, source: SourceFile) -> bool:
    """Whether the file was not taken; one that cannot be read is told of when it is taken."""
    try:
        return reading.is_new(dataset, source)
    except OSError:
        return True


def _taken(
    context: RunContext, reading: Reading, dataset: str, source: SourceFile
) -> Iterator[None]:
    """Take a file; where others should go before it, yields once for them to be taken first."""
    from headgate.ingest.load import publish

    contract, session = context.project.contracts[dataset], context.session
    context.progress.step(dataset, f"taking {source.name}")
    started = clock.monotonic()
    begun = reading.begin(dataset, source)
    step = steps.ingest_step(contract, context.run_id, begun.batch_id, files=[source.name])
    with context.lineage.running(step) as update:
        taken = begun.result()
        if isinstance(taken, Reason) and context.snapshot(dataset) is None:
            # It brings no rows: a rule that wants some would refuse it for lack of the others'.
            yield
        outcome = context.through_gate(
            contract,
            begun.batch_id,
            partial(publish, session, begun.request, taken, started),
        )
        counted = dataclasses.replace(
            step.inputs[0], statistics=steps.Statistics(outcome.read, source.size, 1)
        )
        update(dataclasses.replace(step, inputs=(counted,)))
    if outcome.outcome == "published":
        meta = context.accounts[-1][0]
        context.taken[dataset][meta.content_hash] = (source.name, source.size)
