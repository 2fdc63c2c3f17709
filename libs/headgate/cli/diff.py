"""`headgate diff`: what changed in contracts, and which rows come out otherwise than they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import differences, output
from headgate.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from headgate.orchestration.evolving import Difference
    from headgate.orchestration.project import Project
    from headgate.orchestration.row_differences import RowsDifference

EXAMPLE = "Example: headgate diff fct_messages --against release"
_MARKS = {"compatible": "✅", "needs-backfill": "⚠️", "breaking": "❌"}


def diff(
    datasets: list[str] = typer.Argument(
        None, metavar="[DATASET|MODEL]...", help="Default: all."
    ),
    against: str = typer.Option(
        "commit", "--against", metavar="WHAT",
        help="What to compare with: commit (each table's newest commit), release (what readers "
        "see), the number of a release, or the path of an older contract or of a folder of them.",
    ),
    rows: bool | None = typer.Option(
        None, "--rows/--no-rows",
        help="Compare rows too. Default: for models that are named and whose SQL or contract is "
        "not what their table was built from.",
    ),
    limit: int = typer.Option(5, "--limit", metavar="N", min=0, help="Examples of each kind."),
    fresh: bool = typer.Option(
        False, "--fresh",
        help="What a model reads that the working tree would build otherwise is built too.",
    ),
    as_markdown: bool = typer.Option(False, "--markdown", help="Print Markdown, for a review."),
    as_json: bool = typer.Option(False, "--json", help="Print the changes as JSON."),
) -> int:  # fmt: skip
    """Show what changed in contracts, and which rows a changed model gives otherwise.

    Contract changes are compatible, needs-backfill or breaking. Compatible ones apply themselves;
    for others the command that makes stored rows fit is named, and the next run refuses the
    dataset until somebody has run it. Rows are those that the model gives as its file stands now
    (of a source: its newest version), matched by key; nothing is committed. Exits 1 if a contract
    change needs something done, rows differ, or a model fails.
    """
    from headgate.orchestration.project import Project

    project = Project.open()
    known = project.contracts
    named = [m.id if (m := known.by_model(d)) else known[d].id for d in datasets or ()]
    names = named or [d for d, c in known.items() if c.name.layer != "system"]
    against_what: str | int = int(against) if against.isdigit() else against
    found = _found(project, names, against_what)
    compared, failed = _rows(project, named, names, against_what, rows, limit, fresh)
    shown = [d for d in found if d.changes or d.dataset in compared]
    if as_json:
        output.json([_document(d, compared.get(d.dataset)) for d in shown])
    elif as_markdown:
        output.out(markdown(shown, compared))
    else:
        _show(shown, compared)
    differ = failed or any(not r.table.same for r in compared.values())
    return 1 if differ or any(d.needs_action for d in shown) else 0


def _found(project: Project, names: list[str], against: str | int) -> list[Difference]:
    from headgate.contracts.load import FILE_NAME, load
    from headgate.orchestration import evolving

    if isinstance(against, int) or against in ("commit", "release"):
        return evolving.differences(project, names, against)
    path = Path(against)
    if path.is_dir():
        old = {c.id: c for c in map(load, sorted(path.rglob(FILE_NAME)))}
    elif path.is_file():
        one = load(path)
        old = {one.id if len(names) > 1 else names[0]: one}
        names = [n for n in names if n in old]
    else:
        raise UsageError(
            f"--against {against!r} is no file and no folder.",
            remedy="Give commit, release, a release's number, or a path.",
        )
    return [evolving.between(old[n], project.contracts[n]) for n in names if n in old]


def _rows(
    project: Project, named: list[str], names: list[str], against: str | int, wanted: bool | None,
    limit: int, fresh: bool,
) -> tuple[dict[str, RowsDifference], bool]:  # fmt: skip
    """The differences of rows that are asked for, by dataset, and whether a model failed."""
    from headgate.orchestration import row_differences

    a_path = isinstance(against, str) and against not in ("commit", "release")
    if wanted and a_path:
        raise UsageError(
            "an older contract has no rows to compare with.",
            remedy="Give --against commit, release, or a release's number.",
        )
    if wanted is False or a_path or not (wanted or named):
        return {}, False
    if not (wanted and named):
        # Asked of all, or not asked for, it is done where something may have come of a change.
        names = [n for n in names if wanted or project.contracts[n].curated]
        names = row_differences.differing(project, names, against)
    found, failed = {}, False
    for dataset in names:
        try:
            rows = row_differences.of_dataset(
                project, project.contracts[dataset], against, fresh=fresh, examples=limit
            )
        except ModelError as error:
            output.say(f"{dataset}: its rows cannot be compared. {error}")
            failed = True
            continue
        if rows is not None:
            found[dataset] = rows
    return found, failed


def _document(one: Difference, rows: RowsDifference | None) -> dict[str, Any]:
    plain: dict[str, Any] = output.plain(one)
    return {**plain, "rows": differences.document(rows)} if rows else plain


def _show(found: list[Difference], compared: dict[str, RowsDifference]) -> None:
    for one in found:
        rows = compared.get(one.dataset)
        output.out(f"{one.dataset}: {one.severity if one.changes else 'same contract'}")
        for change in one.changes:
            output.out(f"  {change.severity}: {change.what}")
        if one.remedy:
            output.out(f"  Next: {one.remedy}")
        if rows:
            differences.show(rows)
    if not found:
        output.out("No contract changed.")


def markdown(found: list[Difference], compared: dict[str, RowsDifference]) -> str:
    """The changes as a Markdown page."""
    title = "# Contract and row changes" if compared else "# Contract changes"
    parts = [title] + (["None."] if not found else [])
    for one in found:
        lines = [f"- **{c.severity}** {c.what}" for c in one.changes]
        mark = f"{_MARKS[one.severity]} `{one.dataset}`: {one.severity}"
        parts.append(f"## {mark}" if one.changes else f"## `{one.dataset}`: same contract")
        parts += ["\n".join(lines)] if lines else []
        parts += [f"Next: {one.remedy}"] if one.remedy else []
        if one.dataset in compared:
            parts.append(differences.markdown(compared[one.dataset]))
    return "\n\n".join(parts) + "\n"
