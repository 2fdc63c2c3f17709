"""`headgate impact`: what a change of a column or dataset reaches, and whom to tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.lineage.questions.impact import Affected, Impact, Reached

EXAMPLE = "Example: headgate impact bronze.chat.users.nickname --goes"
#: So many columns of a dataset are named; --json has all.
_SHOWN = 6


def impact(
    what: str = typer.Argument(
        ..., metavar="DATASET[.COLUMN]", help="A dataset's id or dbt model, or one of its columns."
    ),
    goes: bool = typer.Option(
        False,
        "--goes",
        help="It is taken away or gets another name, so that whoever names it breaks.",
    ),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        metavar="TIME|run:ID|release:N",
        help="As it was then: a date or time (UTC), the end of a run, or a release.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the answer as JSON."),
) -> int:
    """Print what follows if a column or dataset changes or goes: columns, models, rules, tasks, owners.

    Answers from what runs recorded, so it knows other producers' jobs too. What a change of the
    working tree would do, headgate plan says.
    """
    from headgate.cli import lineage_view
    from headgate.orchestration.project import Project

    project = Project.open()
    store = lineage_view.reader(project, quiet=as_json)
    from headgate.lineage.questions import answers
    from headgate.lineage.questions import impact as questions
    from headgate.lineage.store import as_of as times
    from headgate.lineage.store import loading

    when = times.at(store, as_of) if as_of is not None else None
    node = lineage_view.meant(project, loading.graph(store, when), what)
    found = questions.impact(store, node, change="goes" if goes else "changes", as_of=when)
    if as_json:
        output.json(answers.of_impact(found))
    else:
        _print(found)
    return 0


def _print(found: Impact) -> None:
    verb = "goes" if found.change == "goes" else "changes"
    owner = ", ".join(found.own.owners) or "nobody"
    released = f", in release {found.own.held.release}" if found.own.held else ""
    output.out(f"If {found.start} ({owner}{released}) {verb}:")
    for rule in found.own.rules:
        output.out(f"  its own rule {rule.name} names it")
    if found.naming:
        output.out(f"  {', '.join(found.naming)} {'name' if len(found.naming) > 1 else 'names'} it")
    for owner, datasets in found.owners.items():
        output.table(
            ("dataset", "what happens", "columns", "rules", "tasks", "release"),
            [_row(found, one) for one in datasets],
            title=f"To tell: {owner or 'nobody is said to own these'}",
        )
    if not found.affected:
        output.out("  nothing follows that is recorded.")
    for dataset in found.untraced:
        output.out(f"The columns of {dataset} are not traced: any of them may follow.")
    counts = Counter(_happens(found, one) for one in found.affected)
    if counts:
        told = ", ".join(f"{number} {happens}" for happens, number in counts.items())
        output.out(f"{len(found.affected)} datasets follow: {told}. All columns and ways: --json")


def _row(found: Impact, one: Affected) -> tuple[Any, ...]:
    return (
        one.dataset,
        _happens(found, one),
        _columns(one.reached),
        ", ".join(r.name for r in one.rules),
        ", ".join(t.name for t in one.tasks),
        one.held.release if one.held else None,
    )


def _happens(found: Impact, one: Affected) -> str:
    outside = " (outside of contracts)" if one.is_foreign else ""
    if one.breaks:
        return f"breaks{outside}"
    if one.stale:
        return f"is not made anew{outside}"
    if one.direct:
        return f"is made of it{outside}"
    return f"is decided by it{outside}"


def _columns(reached: tuple[Reached, ...]) -> str:
    """The columns that follow, those made of it first; what is in brackets is only decided by it."""
    own = [one for one in reached if one.node.column]
    told = [_column(one) for one in sorted(own, key=lambda one: not one.direct)]
    more = len(told) - _SHOWN
    return ", ".join(told[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _column(one: Reached) -> str:
    from headgate.lineage.graph_node import ROWS

    name = "which rows" if one.node.column == ROWS else one.node.column
    return name if one.direct else f"({name})"
