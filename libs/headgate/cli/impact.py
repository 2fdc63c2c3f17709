"""`headgate impact`: what a change of a column or dataset reaches, and whom to tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.lineage.questions.impact import Affected, Impact, Reached

EXAMPLE = "Example: headgate impact bronze.chat.users.nickname --goes"
#: So many columns, and rules, of a dataset are named; --json has all.
_SHOWN = 6
#: What happens to a dataset, of one and of several.
_FATES = {
    "breaks": ("breaks", "break"),
    "stale": ("is not made anew", "are not made anew"),
    "made": ("is made of it", "are made of it"),
    "decided": ("is decided by it", "are decided by it"),
}


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
            [_row(one) for one in datasets],
            title=f"To tell: {owner or 'nobody is said to own these'}",
        )
    if not found.affected:
        output.out("  nothing follows that is recorded.")
    for dataset in found.untraced:
        output.out(f"The columns of {dataset} are not traced: any of them may follow.")
    counts = Counter(_fate(one) for one in found.affected)
    if counts:
        told = ", ".join(f"{number} {_FATES[fate][number > 1]}" for fate, number in counts.items())
        output.out(f"{len(found.affected)} datasets follow: {told}. All columns and ways: --json")


def _row(one: Affected) -> tuple[Any, ...]:
    return (
        one.dataset,
        _FATES[_fate(one)][0] + " (outside of contracts)" * one.is_foreign,
        _columns(one.reached),
        _some([r.name for r in one.rules]),
        ", ".join(t.name for t in one.tasks),
        one.held.release if one.held else None,
    )


def _fate(one: Affected) -> str:
    if one.breaks or one.stale:
        return "breaks" if one.breaks else "stale"
    return "made" if one.direct else "decided"


def _columns(reached: tuple[Reached, ...]) -> str:
    """The columns that follow, those made of it first; what is in brackets is only decided by it."""
    own = [one for one in reached if one.node.column]
    told = [_column(one) for one in sorted(own, key=lambda one: not one.direct)]
    return _some(told)


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _column(one: Reached) -> str:
    from headgate.lineage.graph_node import ROWS

    name = "which rows" if one.node.column == ROWS else one.node.column
    return name if one.direct else f"({name})"
