"""Rows that wait for their parent: judged again by themselves once the parent's table has moved."""

from __future__ import annotations

from collections.abc import Iterable

from headgate.contracts.model import Contract, Rule
from headgate.orchestration.context import RunContext
from headgate.quality import quarantine


def replay_waiting(context: RunContext, datasets: Iterable[str]) -> None:
    """Replay open rows that only wait for a parent, where a parent changed since they were judged.

    A dataset's newest commit says which versions of the parents its batch was judged by; so a run
    that died before it came here is made up for by the next.
    """
    for dataset in datasets:
        contract = context.project.contracts[dataset]
        rules = [r for r in contract.row_rules if _waits(r)]
        snapshot = context.snapshot(dataset) if contract.source and rules else None
        if snapshot is None or snapshot.meta is None:
            continue
        judged_by = snapshot.meta.inputs
        moved = [
            r
            for r in rules
            if context.session.versions([_parent(r)]).get(_parent(r)) != judged_by.get(_parent(r))
        ]
        if moved:
            _replay(context, contract, {r.id for r in rules})


def _replay(context: RunContext, contract: Contract, waited_for: set[str]) -> None:
    rows = [
        row
        for rule_id in sorted(waited_for)
        for row in quarantine.list_rows(context.project.lake, contract, limit=None, reason=rule_id)
    ]
    only_waiting = {
        row.id: row for row in rows if {str(r["code"]) for r in row.reasons} <= waited_for
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
