"""Rows that wait for their parent: judged again by themselves once the parent's table has moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.contracts.model import Contract, Rule
from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.lake.engines.duckdb import literal
from headgate.orchestration.context import RunContext
from headgate.orchestration.order import downstream, parents_first
from headgate.orchestration.project import Project
from headgate.quality import quarantine

#: A delivery: the name that it came by, and the hash of what was in it.
_Delivery = tuple[str, str]


def replay_waiting(context: RunContext, datasets: Iterable[str]) -> None:
    """Replay open rows that only wait for a parent, where a parent changed since they were judged.

    Which versions of the parents a delivery was judged by, its newest batch says, be that of its
    ingest or of a replay; so a run that died before it came here is made up for by the next.
    """
    for dataset in datasets:
        contract = context.project.contracts[dataset]
        rules = [r for r in contract.row_rules if _waits(r)]
        if not contract.source or not rules:
            continue
        deliveries = _deliveries(context, contract, rules)
        judged_by = _judged_by(context, contract, deliveries)
        now = context.session.versions({_parent(r) for r in rules})
        moved = {d for d in deliveries if any(judged_by[d].get(p) != v for p, v in now.items())}
        if moved:
            _replay(context, contract, {r.id for r in rules}, moved)


def concerned(project: Project, dataset: str) -> list[str]:
    """A source and those whose rows may wait for its, near and far: parents first."""
    parents = {c.id: c.parents for c in project.contracts.sources}
    waiting = sorted(downstream(parents, [dataset]) - {dataset})
    return parents_first(project.contracts, [dataset, *waiting])


def _deliveries(context: RunContext, contract: Contract, rules: list[Rule]) -> list[_Delivery]:
    """The deliveries of which rows wait."""
    aside = context.project.lake.snapshot(contract.id, quarantine=True)
    if aside is None:
        return []
    codes = ", ".join(literal(r.id) for r in rules)
    return context.session.con.execute(
        f"SELECT DISTINCT source, content_hash FROM {aside.relation()}"
        f" WHERE state = 'open' AND list_has_any(codes, [{codes}])"
    ).fetchall()


def _judged_by(
    context: RunContext, contract: Contract, deliveries: list[_Delivery]
) -> Mapping[_Delivery, Mapping[str, int]]:
    """Of each delivery, the versions of the parents that its newest batch was judged by."""
    found: dict[_Delivery, Mapping[str, int]] = {d: {} for d in deliveries}
    if not deliveries:
        return found
    hashes = ", ".join(sorted({literal(content) for _, content in deliveries}))
    base = context.project.lake.snapshot(ledger.BATCHES)
    if base is not None:
        rows = context.session.con.execute(
            "SELECT source, content_hash, max_by(inputs, (committed_at, version))"
            f" FROM {base.relation()} WHERE dataset = {literal(contract.id)}"
            f" AND version IS NOT NULL AND content_hash IN ({hashes}) GROUP BY ALL"
        ).fetchall()
        found |= {(source, content): hjson.loads(inputs) for source, content, inputs in rows}
    for meta, version in context.accounts:  # what the ledger is yet to hear of
        if meta.dataset == contract.id and version is not None:
            found[meta.source, meta.content_hash] = meta.inputs
    return found


def _replay(
    context: RunContext, contract: Contract, waited_for: set[str], moved: set[_Delivery]
) -> None:
    rows = [
        row
        for rule_id in sorted(waited_for)
        for row in quarantine.list_rows(context.project.lake, contract, limit=None, reason=rule_id)
    ]
    only_waiting = {
        row.id: row
        for row in rows
        if (row.source, row.content_hash) in moved
        and {str(r["code"]) for r in row.reasons} <= waited_for
    }
    if only_waiting:
        from headgate.orchestration.replaying import replay_in

        ordered = sorted(
            only_waiting.values(), key=lambda r: (r.source, r.content_hash, r.position)
        )
        replay_in(context, contract, ordered)


def _waits(rule: Rule) -> bool:
    return rule.kind == "foreign_key" and rule.arguments.get("missing") == "wait"


def _parent(rule: Rule) -> str:
    return str(rule.arguments["parent"])
