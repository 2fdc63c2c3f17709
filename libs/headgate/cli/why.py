"""`headgate why`: why a number changed between two releases, back to the deliveries, edits and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headgate.cli import output
from headgate.core.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from headgate.lineage.questions.why import Why
    from headgate.orchestration.project import Project

EXAMPLE = "Example: headgate why gold.community.dim_users.cohort_week --between 3 4"


def why(
    what: str = typer.Argument(
        ..., metavar="DATASET[.COLUMN]", help="A dataset's id or dbt model, or one of its columns."
    ),
    between: tuple[str, str] | None = typer.Option(
        None,
        "--between",
        metavar="A B",
        help="Two releases, times (what readers saw then) or ids of runs. Default: the two newest "
        "releases.",
    ),
    rows: bool = typer.Option(
        False, "--rows", help="Count in the lake the rows that differ by key, too."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:
    """Tell why a dataset's rows changed: what moved upstream, by which runs, and why.

    It goes by what runs recorded, so that it answers also where the tables of then are gone.
    """
    from headgate.cli import why_text
    from headgate.lineage.questions.why import why as ask
    from headgate.orchestration import lineage_store
    from headgate.orchestration.project import Project

    project = Project.open()
    dataset, column = _meant(project, what)
    ends = between or _newest(project)
    store = lineage_store.open_for(project)
    try:
        lake = f"headgate://{project.settings.lake_name}"
        answer = ask(store, dataset, ends[0], ends[1], column=column, namespace=lake)
    finally:
        store.close()
    counted = why_text.count_rows(project, answer) if rows else {}
    if as_json:
        output.json({**_plain(answer), **({"rows": counted} if rows else {})})
    else:
        why_text.show(answer, counted)
    return 0


def _meant(project: Project, what: str) -> tuple[str, str | None]:
    """Dataset and column that a person means, who may name a model.

    Raises:
        UsageError: it is neither.
    """
    contract = project.contracts.by_model(what.partition(".")[0])
    if contract is not None:
        return contract.id, what.partition(".")[2] or None
    parts = what.split(".", 3)
    if len(parts) < 3:
        raise UsageError(
            f"{what!r} is no dataset.", remedy="A dataset is called <layer>.<domain>.<name>."
        )
    return ".".join(parts[:3]), parts[3] if len(parts) > 3 else None


def _newest(project: Project) -> tuple[str, str]:
    """The newest release and the one before it.

    Raises:
        NotFoundError: there are no two.
    """
    found = project.releases.ids()[-2:]
    if len(found) < 2:
        raise NotFoundError(
            "there are no two releases to compare yet.", remedy="Each headgate run may make one."
        )
    return str(found[0]), str(found[1])


def _plain(answer: Why) -> dict[str, object]:
    told = dict(output.plain(answer))
    told["nothing"] = answer.nothing
    told["roots"] = [one.dataset for one in answer.roots]
    return told
