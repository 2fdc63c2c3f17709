"""`headgate lineage`: what a dataset or column is made from, and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import (
    lineage_forward,
    lineage_personal,
    lineage_rebuild,
    lineage_serve,
    lineage_token,
    output,
)
from headgate.core import clock

if TYPE_CHECKING:
    from headgate.lineage.graph_node import Direction, Edge, Found, Node
    from headgate.lineage.questions.trace import Trace
    from headgate.lineage.store.last_made import CalledBy, LastMade

app = typer.Typer(
    help="What a dataset or column is made from, and what is made from it, as runs recorded it.",
    no_args_is_help=True,
    epilog="Example: headgate lineage up gold.community.dim_users.name",
)
app.command("personal-data", epilog=lineage_personal.EXAMPLE)(lineage_personal.personal_data)
app.command("forward", epilog=lineage_forward.EXAMPLE)(lineage_forward.forward)
app.command("serve", epilog=lineage_serve.EXAMPLE)(lineage_serve.serve)
app.add_typer(lineage_token.app, name="token")
app.command("rebuild", epilog=lineage_rebuild.EXAMPLE)(lineage_rebuild.rebuild)
_WHAT = typer.Argument(
    ..., metavar="DATASET[.COLUMN]", help="A dataset's id or dbt model, or one of its columns."
)
_DEPTH = typer.Option(None, "--depth", min=1, metavar="N", help="Go no more than N steps.")
_INDIRECT = typer.Option(
    False,
    "--indirect/--direct-only",
    help="Follow what decides values and rows too: conditions, joins, filters, grouping.",
)
_AS_OF = typer.Option(
    None,
    "--as-of",
    metavar="TIME|run:ID|release:N",
    help="As it was then: a date or time (UTC), the end of a run, or a release.",
)
_JSON = typer.Option(False, "--json", help="Print the edges as JSON.")


#: A person who asks on the command line gets all of it.
_NO_LIMIT = 2**31


@app.command("up", epilog="Example: headgate lineage up gold.community.dim_users.name --indirect")
def up(
    what: str = _WHAT,
    depth: int | None = _DEPTH,
    indirect: bool = _INDIRECT,
    as_of: str | None = _AS_OF,
    as_json: bool = _JSON,
) -> int:
    """Print what a dataset or column is made from, back to the sources."""
    return _tell(what, "up", depth, indirect, as_of, as_json)


@app.command("down", epilog="Example: headgate lineage down bronze.chat.users.nickname --depth 1")
def down(
    what: str = _WHAT,
    depth: int | None = _DEPTH,
    indirect: bool = _INDIRECT,
    as_of: str | None = _AS_OF,
    as_json: bool = _JSON,
) -> int:
    """Print what is made from a dataset or column: all that a change of it reaches."""
    return _tell(what, "down", depth, indirect, as_of, as_json)


def _tell(
    what: str,
    direction: Direction,
    depth: int | None,
    indirect: bool,
    as_of: str | None,
    as_json: bool,
) -> int:
    from headgate.cli import lineage_view
    from headgate.core import settings

    store = lineage_view.reader_of(settings.load(), quiet=as_json)
    from headgate.lineage.questions.trace import trace
    from headgate.lineage.store import as_of as times
    from headgate.lineage.store import last_made, loading

    when = times.at(store, as_of) if as_of is not None else None
    start = lineage_view.meant_at_once(loading.graph(store, when), what)
    found = trace(
        store, start, direction, depth=depth, indirect=indirect, as_of=when, limit=_NO_LIMIT
    )
    made = last_made.last_made(store, start.dataset, when)
    if as_json:
        output.json(_values(found, made))
    else:
        _print(found, made)
    return 0


def _values(found: Trace, made: LastMade | None) -> dict[str, Any]:
    return {
        "start": found.start._asdict(),
        "as_of": found.as_of,
        "made": _made(made) if made else None,
        "direction": found.direction,
        "edges": [_plain(f) for f in found.walk],
        "untraced": found.untraced,
        "left_out": found.left_out,
    }


def _print(found: Trace, made: LastMade | None) -> None:
    _draw(found.start, list(found.walk), found.direction)
    if made is not None and made.by is not None:
        at = made.at.strftime("%Y-%m-%d %H:%M")
        output.out(f"Last made {at} UTC by {_caller(made.by)}.")
    if found.left_out:
        output.out(
            f"What only decides values or rows is left out ({found.left_out} more): --indirect"
        )
    for dataset in found.untraced:
        told = "are not traced: what they are made from is known of the dataset alone"
        if found.direction == "down":
            told = "are not traced: any of them may follow"
        output.out(f"The columns of {dataset} {told}.")


def _draw(start: Node, found: list[Found], direction: Direction) -> None:
    """A tree; what was reached before is named again, and not gone into again."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(str(start), style="bold"))
    branches = {start: root}
    goes_on = {_near(f.edge, direction) for f in found}
    for edge, _ in found:
        far = _far(edge, direction)
        text = Text(str(far))
        text.append(f"  {_how(edge)}", style="dim" if edge.direct else "yellow")
        if far in branches and far in goes_on:
            text.append("  (goes on elsewhere)", style="dim")
        branch = branches[_near(edge, direction)].add(text)
        branches.setdefault(far, branch)
    if not found:
        nothing = (
            "taken from no value that is recorded" if direction == "up" else "no value follows"
        )
        root.add(Text(nothing, style="dim"))
    output.console().print(root, soft_wrap=True)


def _near(edge: Edge, direction: Direction) -> Node:
    return edge.target if direction == "up" else edge.source


def _far(edge: Edge, direction: Direction) -> Node:
    return edge.source if direction == "up" else edge.target


def _how(edge: Edge) -> str:
    """A few words: the job between datasets, between columns the ways."""
    if not edge.ways:
        return edge.job.rpartition(".")[2] or edge.job
    return ", ".join(subtype.lower().replace("_", " ") for _, subtype in edge.ways)


def _caller(by: CalledBy) -> str:
    """Who called for it, in words: in Airflow the job is the DAG and the task."""
    if by.job.startswith(f"{by.root_job}."):
        return f"task {by.job.removeprefix(by.root_job + '.')} of DAG {by.root_job}"
    return by.job


def _made(made: LastMade) -> dict[str, Any]:
    """When a dataset was last made, and who outside called for that."""
    by = made.by
    return {
        "at": clock.iso(made.at),
        "by": {"job": by.job, "run_id": by.run_id, "root_job": by.root_job,
               "root_run_id": by.root_run_id} if by else None,
    }  # fmt: skip


def _plain(found: Found) -> dict[str, Any]:
    edge = found.edge
    return {
        "from": edge.source._asdict(),
        "to": edge.target._asdict(),
        "ways": [{"type": kind, "subtype": subtype} for kind, subtype in edge.ways],
        "job": edge.job,
        "depth": found.depth,
    }
