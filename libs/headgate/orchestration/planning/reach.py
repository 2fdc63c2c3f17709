"""How far a change reaches: what of every table's rows may differ, near and far downstream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headgate.contracts.diff import BREAKING, NEEDS_BACKFILL, Change
from headgate.contracts.model import Contract
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.orchestration.order import Graph, topological
from headgate.orchestration.planning.before import Code, Side, bare
from headgate.orchestration.planning.differing import ALL, EVERYTHING, joined
from headgate.orchestration.planning.following import Following
from headgate.orchestration.planning.plan import Influence

#: Kinds of changes of a contract that change values of the columns which they name.
_VALUES = {"added", "retyped", "renamed", "dropped"}
#: Those after which nothing is known of the rows.
_WHOLE = {"unknown", "origin", "dataset"}


@dataclass(frozen=True)
class Reach:
    """What of a dataset's rows may differ, of its own and in all; ``sources`` are the inputs
    through which it is reached."""

    own: Influence
    whole: Influence
    sources: tuple[str, ...] = ()


def reach(
    before: Side,
    after: Side,
    changes: Mapping[str, Sequence[Change]],
    graph: Graph,
    following: Following,
    lineage_of: Callable[[str], ColumnLineage],
) -> dict[str, Reach]:
    """By dataset of ``after``, in the order of a run; those that nothing reaches are left out.

    ``lineage_of`` gives a dataset's column lineage, or raises UntraceableError.
    """
    found: dict[str, Reach] = {}
    for dataset in topological(graph):
        if dataset not in after.contracts:
            continue
        own = _own(dataset, before, after, changes.get(dataset, ()), following)
        if dataset not in before.contracts and not _fed(dataset, graph, before, found):
            own = Influence()  # it has no rows, and gets none
        touched = {i: found[i].whole for i in graph[dataset] if i in found and found[i].whole}
        arrived = Influence()
        if touched:
            try:
                arrived = following.through(lineage_of(dataset), touched)
            except UntraceableError:
                arrived = EVERYTHING
        whole = _spelled_out(joined([own, arrived]), after.contracts[dataset])
        if whole:
            sources = tuple(touched) if arrived else ()
            found[dataset] = Reach(_spelled_out(own, after.contracts[dataset]), whole, sources)
    return found


def _fed(dataset: str, graph: Graph, before: Side, found: Mapping[str, Reach]) -> bool:
    """Whether anything that the dataset is made from may have rows; one made from nothing has."""
    inputs = graph[dataset]
    return not inputs or any(i in before.contracts or i in found for i in inputs)


def _own(
    dataset: str, before: Side, after: Side, changes: Sequence[Change], following: Following
) -> Influence:
    if dataset not in before.contracts:
        # Of a source that was never taken in, nothing is stored that could differ.
        return EVERYTHING if after.contracts[dataset].curated else Influence()
    old, new = before.contracts[dataset], after.contracts[dataset]
    parts = [_of_contract(bare(old), bare(new), changes)] if changes else []
    if new.curated:
        code = after.code[dataset]
        parts.append(_of_code(before.code.get(dataset), code, old, new, following))
    return joined(parts)


def _of_code(
    old: Code | None, new: Code, old_contract: Contract, contract: Contract, following: Following
) -> Influence:
    if old is None or old_contract.maker.partition(":")[0] != contract.maker.partition(":")[0]:
        return EVERYTHING
    if old.same(new):
        return Influence()
    if old.sql is None or new.sql is None:
        return EVERYTHING
    return following.differing(old.sql[0], new.sql[0], new.inputs)


def _of_contract(old: Contract, new: Contract, changes: Sequence[Change]) -> Influence:
    """What of stored rows a changed contract changes by itself."""
    if any(c.kind in _WHOLE for c in changes):
        return EVERYTHING
    columns = [n for c in changes if c.kind in _VALUES for n in c.columns]
    if new.curated:
        rows = _sets_aside_otherwise(old, new)
    else:
        # A source's rows change where somebody has to act for it.
        columns = [n for c in changes if c.severity == BREAKING for n in c.columns]
        rows = any(c.severity in (NEEDS_BACKFILL, BREAKING) for c in changes if not c.columns)
        rows |= any(c.kind in ("rule", "key") and c.severity != "compatible" for c in changes)
    return Influence((*dict.fromkeys(columns), *([ALL] if rows else [])), rows)


def _sets_aside_otherwise(old: Contract, new: Contract) -> bool:
    """Whether a rule that sets rows aside is not what it was."""

    def asides(contract: Contract) -> set[str]:
        return {
            f"{r.kind} {r.column} {sorted(r.arguments.items(), key=str)}"
            for r in contract.rules
            if r.severity == "quarantine"
        }

    return asides(old) != asides(new)


def _spelled_out(found: Influence, contract: Contract) -> Influence:
    """Every column by its name, in the contract's order; columns that are gone stay at the end."""
    every = [c.name for c in contract.columns]
    if found.rows or ALL in found.columns:
        return Influence(tuple(every), found.rows)
    gone = [c for c in found.columns if c not in every]
    return Influence((*(c for c in every if c in found.columns), *gone), found.rows)
