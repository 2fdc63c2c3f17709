"""`headgate release`: what readers see: the chain of releases, their differences, and the way back."""

from __future__ import annotations

import typer

from headgate.cli import output

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What readers see: list releases, compare two, or go back to one.",
    epilog="Example: headgate release list",
)
_JSON = typer.Option(False, "--json", help="Print it as JSON.")


@app.command("list", epilog="Example: headgate release list --limit 5")
def list_(
    limit: int = typer.Option(20, metavar="N", help="Show at most so many, newest first."),
    as_json: bool = _JSON,
) -> int:
    """Show the newest releases; readers see the first."""
    from headgate.orchestration.project import Project

    releases = Project.open().releases
    found = [releases.get(number) for number in reversed(releases.ids()[-limit:])]
    if as_json:
        output.json([_listed(release) for release in found])
        return 0
    if not found:
        output.out("Nothing is released yet. Next: headgate run")
        return 0
    output.table(
        ("release", "published", "kind", "tables", "rows", "run", "note"),
        [
            (
                *(r.id, r.published_at, r.kind, len(r.tables)),
                *(sum(t.rows for t in r.tables.values()), r.run_id, r.note),
            )
            for r in found
        ],
    )
    return 0


def _listed(release: object) -> dict[str, object]:
    """A release without its file lists, which can be long."""
    document = output.plain(release)
    for table in document["tables"].values():
        table["files"] = len(table["files"])
    return dict(document)


@app.command(epilog="Example: headgate release diff 3 4 --rows")
def diff(
    before: int | None = typer.Argument(None, metavar="[BEFORE]", help="Default: the one before."),
    after: int | None = typer.Argument(None, metavar="[AFTER]", help="Default: the newest."),
    rows: bool = typer.Option(
        False, "--rows", help="Count rows added, removed and changed by key."
    ),
    as_json: bool = _JSON,
) -> int:
    """Show the tables that differ between two releases."""
    from headgate.cli import row_diff
    from headgate.core.errors import NotFoundError
    from headgate.orchestration.project import Project

    project = Project.open()
    newest = project.releases.newest()
    if newest is None:
        raise NotFoundError("nothing is released yet.", remedy="Next: headgate run")
    new = newest if after is None else project.releases.get(after)
    # A release's number is its parent's plus one: the chain has no forks.
    number = new.id - 1 if before is None else before
    old = project.releases.get(number) if number else None
    changes = project.releases.diff(old, new)
    counted = {c.dataset: row_diff.count(project, c) for c in changes} if rows else {}
    if as_json:
        output.json(
            {
                "before": number,
                "after": new.id,
                "changes": [
                    {**output.plain(c), **output.plain(counted.get(c.dataset, {}))} for c in changes
                ],
            }
        )
        return 0
    if not changes:
        output.out(f"Releases {number} and {new.id} hold the same versions of every table.")
        return 0
    heads = ["dataset", "version before", "version after", "rows before", "rows after"]
    body = [[c.dataset, c.before, c.after, c.rows_before, c.rows_after] for c in changes]
    if rows:
        heads += ["added", "removed", "changed"]
        for line, change in zip(body, changes, strict=True):
            found = counted[change.dataset]
            line += [found.added, found.removed, found.changed]
    output.table(heads, body, title=f"Release {number or 'none'} -> {new.id}")
    return 0


@app.command(epilog="Example: headgate release rollback 3")
def rollback(
    release: int = typer.Argument(..., metavar="ID", help="The release to show again."),
    as_json: bool = _JSON,
) -> int:
    """Show readers an earlier release again, as a new release that pins its versions.

    Nothing is deleted: the way forward again is a rollback to the newer one.
    """
    from headgate.orchestration.project import Project
    from headgate.orchestration.rollback import rollback as roll_back

    published = roll_back(Project.open(), release)
    if as_json:
        output.json(_listed(published))
    else:
        output.out(
            f"Release {published.id} shows the tables as release {release} did. "
            f"Compare: headgate release diff {published.parent} {published.id}"
        )
    return 0
