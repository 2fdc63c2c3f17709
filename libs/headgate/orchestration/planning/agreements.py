"""Who must agree to a change: those whose promises change, and those whose tables it reaches."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from headgate.contracts.diff import BREAKING, Change
from headgate.contracts.strictness import TIGHTENS
from headgate.orchestration.order import Graph, downstream
from headgate.orchestration.planning.before import Side
from headgate.orchestration.planning.plan import CHANGED, REMOVED, Agreement, TablePlan
from headgate.orchestration.planning.reach import Reach


def agreements(
    tables: Mapping[str, TablePlan],
    before: Side,
    graph: Graph,
    reached: Mapping[str, Reach],
    mine: Collection[str],
) -> tuple[Agreement, ...]:
    """By owner: what they must agree to and why, in the order of their names.

    ``graph`` has what was read before as well as what is read now. ``mine`` are the owners that
    whoever asks speaks for.
    """
    found: dict[str, dict[str, list[str]]] = {}

    def ask(owner: str, dataset: str, why: str) -> None:
        reasons = found.setdefault(owner, {}).setdefault(dataset, [])
        if why not in reasons:
            reasons.append(why)

    for dataset, table in tables.items():
        if table.status not in (CHANGED, REMOVED):
            continue
        owners = dict.fromkeys([before.contracts[dataset].owner, table.owner])
        for why in _of_its_own(table, before, reached.get(dataset)):
            for owner in owners:
                ask(owner, dataset, why)
        broken = any(c.severity == BREAKING for c in table.changes)
        for near in sorted(downstream(graph, [dataset])) if broken else ():
            if near in tables and tables[near].status != REMOVED:
                ask(tables[near].owner, near, f"{dataset}, from which it is made, breaks")
    for dataset, table in tables.items():
        if table.reached_from and dataset in before.contracts:
            told = f"its rows follow from {', '.join(table.reached_from)}, whose meaning changes"
            if _meaning(table, before, reached[dataset]):
                ask(table.owner, dataset, told)
    return tuple(
        Agreement(
            owner, tuple(sorted(by_dataset)),
            tuple(f"{d}: {w}" for d in sorted(by_dataset) for w in by_dataset[d]), owner in mine,
        )
        for owner, by_dataset in sorted(found.items())
    )  # fmt: skip


def _of_its_own(table: TablePlan, before: Side, reach: Reach | None) -> Iterator[str]:
    """Why the owner of a changed dataset must agree."""
    if table.status == REMOVED:
        yield "it loses its contract"
        return
    for change in table.changes:
        if change.severity == BREAKING or change.direction == TIGHTENS:
            yield change.what
    was = before.contracts[table.dataset].owner
    if was != table.owner:
        yield f"it goes from {was} to {table.owner}"
    if reach is not None and reach.own:
        columns = _meaning_of(reach.own.columns, table.changes)
        if reach.own.rows:
            yield "its rows mean something else"
        elif columns:
            yield f"{', '.join(columns)} mean{'s' if len(columns) == 1 else ''} something else"


def _meaning(table: TablePlan, before: Side, reach: Reach) -> bool:
    return reach.whole.rows or bool(_meaning_of(reach.whole.columns, table.changes))


def _meaning_of(columns: Collection[str], changes: Collection[Change]) -> list[str]:
    """Those of the columns that readers know already: nobody relies on a new one."""
    new = {n for c in changes if c.kind == "added" for n in c.columns}
    return [c for c in columns if c not in new]
