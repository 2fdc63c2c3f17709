"""`headgate lineage`: what a dataset or column is made from, and what is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from headgate.cli import lineage_forward, lineage_serve, lineage_token, output
from headgate.core.errors import NotFoundError

if TYPE_CHECKING:
    from headgate.lineage.callers import Caller
    from headgate.lineage.graph_events import Graph, Made
    from headgate.lineage.graph_node import Direction, Edge, Found, Node
    from headgate.orchestration.project import Project

app = typer.Typer(
    help="What a dataset or column is made from, and what is made from it, as runs recorded it.",
    no_args_is_help=True,
    epilog="Example: headgate lineage up gold.community.dim_users.name",
)
app.command("forward", epilog=lineage_forward.EXAMPLE)(lineage_forward.forward)
app.command("serve", epilog=lineage_serve.EXAMPLE)(lineage_serve.serve)
app.add_typer(lineage_token.app, name="token")
_WHAT = typer.Argument(
    ..., metavar="DATASET[.COLUMN]", help="A dataset's id or dbt model, or one of its columns."
)
_DEPTH = typer.Option(None, "--depth", min=1, metavar="N", help="Go no more than N steps.")
_INDIRECT = typer.Option(
    False,
    "--indirect/--direct-only",
    help="Follow what decides values and rows too: conditions, joins, filters, grouping.",
)
_JSON = typer.Option(False, "--json", help="Print the edges as JSON.")


@app.command("up", epilog="Example: headgate lineage up gold.community.dim_users.name --indirect")
def up(
    what: str = _WHAT,
    depth: int | None = _DEPTH,
    indirect: bool = _INDIRECT,
    as_json: bool = _JSON,
) -> int:
    """Print what a dataset or column is made from, back to the sources."""
    return _tell(what, "up", depth, indirect, as_json)


@app.command("down", epilog="Example: headgate lineage down bronze.chat.users.nickname --depth 1")
def down(
    what: str = _WHAT,
    depth: int | None = _DEPTH,
    indirect: bool = _INDIRECT,
    as_json: bool = _JSON,
) -> int:
    """Print what is made from a dataset or column: all that a change of it reaches."""
    return _tell(what, "down", depth, indirect, as_json)


def _tell(what: str, direction: Direction, depth: int | None, indirect: bool, as_json: bool) -> int:
    from headgate.cli import lineage_view
    from headgate.orchestration.project import Project

    project = Project.open()
    graph = lineage_view.graph_of(project)
    start = _start(project, graph, what)
    found = list(graph.walk(start, direction, depth=depth, indirect=indirect))
    reached = {start, *(node for f in found for node in f.edge[:2])}
    untraced = graph.untraced(reached, direction)
    left_out = 0
    if not indirect:
        every = graph.walk(start, direction, depth=depth)
        left_out = len({_far(f.edge, direction) for f in every} - reached)
    made = graph.made.get(start.dataset)
    if as_json:
        output.json(
            {
                "start": start._asdict(),
                "made": _made(made) if made else None,
                "direction": direction,
                "edges": [_plain(f) for f in found],
                "untraced": untraced,
                "left_out": left_out,
            }
        )
        return 0
    _draw(start, found, direction)
    if made is not None and made.by is not None:
        output.out(f"Last made {made.at[:16].replace('T', ' ')} UTC by {_caller(made.by)}.")
    if left_out:
        output.out(f"What only decides values or rows is left out ({left_out} more): --indirect")
    for dataset in untraced:
        told = "are not traced: what they are made from is known of the dataset alone"
        if direction == "down":
            told = "are not traced: any of them may follow"
        output.out(f"The columns of {dataset} {told}.")
    return 0


def _start(project: Project, graph: Graph, what: str) -> Node:
    """The node that a person means, who may name a model.

    Raises:
        NotFoundError: there is none; the message has the nearest names.
    """
    model, _, column = what.partition(".")
    contract = project.contracts.by_model(model)
    if contract is not None and what not in graph.columns:
        what = f"{contract.id}.{column}" if column else contract.id
    try:
        return graph.find(what)
    except NotFoundError:
        for known in project.contracts.values():
            if graph.made and what in (known.id, *(f"{known.id}.{c}" for c in known.table_columns)):
                raise NotFoundError(
                    f"no run here has made {known.id} yet, nor recorded what it is made from.",
                    remedy="headgate run makes it.",
                ) from None
        raise


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


def _caller(by: Caller) -> str:
    """Who called for it, in words: in Airflow the job is the DAG and the task."""
    if by.job.startswith(f"{by.root_job}."):
        return f"task {by.job.removeprefix(by.root_job + '.')} of DAG {by.root_job}"
    return by.job


def _made(made: Made) -> dict[str, Any]:
    """When a dataset was last made, and who outside called for that."""
    by = made.by
    return {
        "at": made.at,
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
