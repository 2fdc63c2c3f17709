"""`headgate lineage personal-data`: where personal and classified columns flow, end and land undeclared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.lineage.questions.personal import Landing, PersonalData

EXAMPLE = "Example: headgate lineage personal-data bronze.irc.messages.author"
_COLUMNS = ("column", "class", "personal", "made of it", "ends in", "undeclared in", "owner")


def personal_data(
    what: str | None = typer.Argument(
        None, metavar="DATASET[.COLUMN]", help="Only one column, or those of one dataset."
    ),
    as_of: str | None = typer.Option(
        None,
        "--as-of",
        metavar="TIME|run:ID|release:N",
        help="As it was then: a date or time (UTC), the end of a run, or a release.",
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the answer as JSON."),
) -> int:
    """Print where personal data and classified columns flow, as runs recorded it.

    Without an argument: where they begin, how many columns are made of them, where a contract says
    that a flow ends, and where they land without being declared. With one: every column that
    follows, by which way, and what it only decides.
    """
    from headgate.cli import lineage_view
    from headgate.orchestration.project import Project

    project = Project.open()
    store = lineage_view.reader(project, quiet=as_json)
    from headgate.lineage.questions import answers
    from headgate.lineage.questions.personal import personal
    from headgate.lineage.store import as_of as times
    from headgate.lineage.store import loading

    when = times.at(store, as_of) if as_of is not None else None
    node = None
    if what is not None:
        node = lineage_view.meant(project, loading.graph(store, when), what)
    found = personal(store, node, as_of=when)
    if as_json:
        output.json(answers.of_personal(found))
    elif what is None:
        _summary(found)
    else:
        _details(found)
    return 0


def _summary(found: PersonalData) -> None:
    """A line for each column in which something begins, then what is wrong, then who holds any."""
    from headgate.lineage.questions.personal import (
        DECLARED,
        ENDED,
        UNDECLARED,
        UNKNOWN,
        worst_first,
    )

    begins = [f for f in worst_first(found.flows) if not f.comes_from]
    if not begins:
        output.out("No column that lineage knows of is personal or classified as confidential.")
        return
    output.table(
        _COLUMNS,
        [
            (str(f.column), f.classification, f.personal, len(f.of(DECLARED)), len(f.of(ENDED)),
             len(f.of(UNDECLARED, UNKNOWN)), ", ".join(f.owners))
            for f in begins
        ],
        title="Where personal and classified columns begin",
    )  # fmt: skip
    wrong = [(f, one) for f in found.flows for one in f.of(UNDECLARED, UNKNOWN)]
    seen = set()
    for flow, one in sorted(wrong, key=lambda pair: pair[1].depth):
        if one.column not in seen:
            seen.add(one.column)
            output.out(f"{flow.column} lands undeclared: {_way(one.path)}{_lacks(one)}")
    output.table(
        ("dataset", "holds", "columns", "owner"),
        [
            (h.dataset, _class(h.classification, h.personal), ", ".join(h.columns), ", ".join(h.owners))
            for h in found.holders
        ],
        title="Who holds them; the rows in the quarantine of each are to be handled alike",
    )  # fmt: skip
    _untraced(found)


def _details(found: PersonalData) -> None:
    from headgate.lineage.questions.personal import ENDED, INFLUENCED

    for flow in found.flows:
        own = _class(flow.classification, flow.personal)
        of = f", made of {', '.join(map(str, flow.comes_from))}" if flow.comes_from else ""
        output.out(f"{flow.column}: {own}{of}")
        made = [one for one in flow.landings if one.state != INFLUENCED]
        for one in made:
            told = _class(one.classification, one.personal)
            end = f". {one.how}" if one.state == ENDED else _lacks(one)
            output.out(f"  {one.state:<10}  {_way(one.path[1:])}  ({told}){end}")
        if not made:
            output.out("  Nothing is made of it.")
        decided = sorted({one.column.dataset for one in flow.of(INFLUENCED)})
        if decided:
            output.out(
                f"  It decides values or rows of {', '.join(decided)}, and is not in them: "
                f"headgate lineage down {flow.column} --indirect"
            )
    if not found.flows:
        output.out("None of its columns is personal or classified as confidential.")
    _untraced(found)


def _untraced(found: PersonalData) -> None:
    for dataset in found.untraced:
        output.out(f"The columns of {dataset} are not traced: any of them may follow.")


def _way(path: Sequence[Any]) -> str:
    return " -> ".join(map(str, path))


def _class(classification: str, personal: bool) -> str:
    told = classification or "of no declared class"
    return f"personal, {told}" if personal else told


def _lacks(one: Landing) -> str:
    from headgate.lineage.questions.personal import UNDECLARED

    if one.state == UNDECLARED:
        return f". Its contract does not say {one.how}: headgate check"
    return ". No contract says anything of it" if not one.classification else ""
