"""`headgate quarantine`: the rows that the gate set aside; look at them, take them in, or let them go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from headgate.cli import output
from headgate.core.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The rows that the gate set aside: list, replay or waive them.",
    epilog="Example: headgate quarantine list bronze.irc.messages",
)

_DATASET = typer.Argument(..., metavar="DATASET", help="The dataset's id.")
_IDS = typer.Option([], "--id", metavar="ID", help="Only this row; may be given again.")
_REASON = typer.Option(
    None, "--reason", metavar="CODE", help="Only rows set aside for this reason."
)
_ALL = typer.Option(False, "--all", help="Every open row.")
_JSON = typer.Option(False, "--json", help="Print it as JSON.")


@app.command("list", epilog="Example: headgate quarantine list bronze.irc.messages --limit 5")
def list_(
    dataset: str = _DATASET,
    state: str = typer.Option(
        "open", metavar="STATE", help="open, replayed, waived, superseded, or any."
    ),
    reason: str | None = _REASON,
    limit: int = typer.Option(20, metavar="N", help="Show at most so many rows."),
    as_json: bool = _JSON,
) -> int:
    """Count a dataset's quarantined rows by reason and state, and show some with their raw text."""
    from headgate.orchestration.project import Project
    from headgate.quality import quarantine

    project = Project.open()
    contract = project.contracts[dataset]
    counts = quarantine.counts(project.lake, contract)
    rows = quarantine.list_rows(
        project.lake, contract, state=None if state == "any" else state, limit=limit, reason=reason
    )
    if as_json:
        counted = [{"reason": r, "state": s, "rows": n} for r, s, n in counts]
        output.json({"dataset": dataset, "counts": counted, "rows": rows})
        return 0
    if not counts:
        output.out(f"No row of {dataset} was ever set aside.")
        return 0
    output.table(("reason", "state", "rows"), counts)
    output.table(
        ("id", "where", "state", "reasons", "raw"),
        [
            (
                row.id,
                f"{row.source}:{row.position}",
                row.state,
                "; ".join(_told(reason) for reason in row.reasons),
                row.raw if len(row.raw) <= 120 else row.raw[:117] + "...",
            )
            for row in rows
        ],
    )
    if any(s == "open" for _, s, _ in counts):
        output.out("Mended the rule or the file? Take the rows in again:")
        output.out(f"  headgate quarantine replay {dataset} --all")
    return 0


def _told(reason: Mapping[str, Any]) -> str:
    detail = reason.get("detail")
    return f"{reason['code']} ({detail})" if detail else str(reason["code"])


@app.command(
    epilog="Example: headgate quarantine replay bronze.irc.messages --reason text.max_length"
)
def replay(
    dataset: str = _DATASET,
    ids: list[str] = _IDS,
    reason: str | None = _REASON,
    every: bool = _ALL,
    as_json: bool = _JSON,
) -> int:
    """Judge quarantined rows anew under today's contract; what passes now is published.

    Do this after a rule was loosened or mended. Rows that fail again stay, with today's reasons.
    """
    _demand_choice(ids, reason, every)
    from headgate.cli import progress, report
    from headgate.orchestration.project import Project
    from headgate.orchestration.replay import replay as replay_rows

    project = Project.open()
    with progress.watch(quiet=as_json) as watcher:
        found = replay_rows(project, dataset, ids=ids or None, reason=reason, progress=watcher)
    return report.tell(found, as_json=as_json)


@app.command(
    epilog="Example: headgate quarantine waive bronze.irc.messages --reason empty_line "
    '--by ada --why "the exporter ends days with blank lines"'
)
def waive(
    dataset: str = _DATASET,
    ids: list[str] = _IDS,
    reason: str | None = _REASON,
    every: bool = _ALL,
    by: str = typer.Option(..., "--by", metavar="NAME", help="Who decides it."),
    why: str = typer.Option(..., "--why", metavar="TEXT", help="Why the rows are not needed."),
    as_json: bool = _JSON,
) -> int:
    """Say that quarantined rows are not needed: they stay recorded, and are no longer open."""
    _demand_choice(ids, reason, every)
    from headgate.orchestration import waiving
    from headgate.orchestration.project import Project

    waived = waiving.waive(
        Project.open(), dataset, ids=ids or None, reason=reason, everything=every, by=by, why=why
    )
    if as_json:
        output.json({"dataset": dataset, "waived": waived, "by": by, "why": why})
    else:
        output.out(f"{waived:,} rows of {dataset} are waived by {by}: {why}")
    return 0


def _demand_choice(ids: list[str], reason: str | None, every: bool) -> None:
    """Rows are chosen in exactly one way, so that nothing is chosen by leaving something out."""
    if sum((bool(ids), reason is not None, every)) != 1:
        raise UsageError(
            "it is not said which rows.", remedy="Give one of --id, --reason CODE or --all."
        )
