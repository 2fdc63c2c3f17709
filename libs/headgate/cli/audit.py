"""`headgate audit`: stored rows judged anew by today's contract, and set aside where they break it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.orchestration.auditing import AuditReport

EXAMPLE = "Example: headgate audit bronze.irc.messages --apply"


def audit(
    dataset: str = typer.Argument(..., metavar="DATASET", help="The dataset's id."),
    apply: bool = typer.Option(
        False, "--apply", help="Set the rows that break a rule aside, and take the contract for "
        "the table's.",
    ),
    keys: Path | None = typer.Option(
        None, metavar="FILE", help="Write the key of every row that breaks a rule, with the rules, "
        "to this file (.parquet, .csv or .jsonl).",
    ),
    limit: int = typer.Option(5, metavar="N", help="Show at most so many keys for each rule."),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:  # fmt: skip
    """Judge every stored row by today's contract, as after a rule was tightened.

    Changes nothing without --apply. Exits 1 if rows break a rule that would keep them out.
    """
    from headgate.orchestration.auditing import audit as judge
    from headgate.orchestration.auditing import settle
    from headgate.orchestration.project import Project

    project = Project.open()
    if not apply:
        found = judge(project, dataset, limit=limit, keys=keys)
        if as_json:
            output.json({**output.plain(found), "exit_code": found.exit_code})
        else:
            _show(found)
        return found.exit_code
    from headgate.cli import progress, report

    with progress.watch(quiet=as_json) as watcher:
        done = settle(project, dataset, progress=watcher)
    return report.tell(done, as_json=as_json)


def _show(found: AuditReport) -> None:
    output.out(f"{found.dataset}: version {found.version}, {found.rows:,} rows.")
    for change in found.changes:
        output.out(f"  {change.severity}: {change.what}")
    if not found.broken:
        output.out("Every row holds every rule of today's contract.")
    else:
        output.table(
            ("rule", "severity", "demands", "found", "keys"),
            [
                (
                    r.rule_id, r.severity, r.expected, r.detail or r.observed,
                    "; ".join(" ".join(key) for key in found.keys.get(r.rule_id, ())),
                )
                for r in found.broken
            ],
        )  # fmt: skip
    if found.changes or found.exit_code:
        output.out("Set those rows aside and take today's contract for the table's:")
        output.out(f"  headgate audit {found.dataset} --apply")
