"""What lineage knows of the lake at hand: its graph, and of one dataset what each column is made from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headgate.core.errors import HeadgateError, NotFoundError

if TYPE_CHECKING:
    from headgate.cli.progress import Silent
    from headgate.contracts.model import Contract
    from headgate.core.settings import Settings
    from headgate.lineage.graph import Graph
    from headgate.lineage.graph_node import Node
    from headgate.lineage.steps import ColumnInput
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project


#: What is shorter than so many bytes is taken before anybody would look at progress.
_SHORT = 4 * 1024 * 1024


class Catching:
    """Progress of taking events, drawn if it takes long enough to be seen; closed once it is through."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet, self._watcher = quiet, contextlib.ExitStack()
        self._drawn: Silent | None = None

    def __call__(self, done: int, total: int) -> None:
        if total < _SHORT:
            return
        if self._drawn is None:
            from headgate.cli import progress

            self._drawn = self._watcher.enter_context(progress.watch(quiet=self._quiet))
        self._drawn.step("lineage", f"taking events: {min(done / total, 1):.0%}")

    def __enter__(self) -> Catching:
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.close()


def reader(project: Project, *, quiet: bool = False) -> Store | PlainStore:
    """The lineage store of the project's lake with all that was told, to be read."""
    return reader_of(project.settings, quiet=quiet)


def reader_of(settings: Settings, *, quiet: bool = False) -> Store | PlainStore:
    """The same by settings alone."""
    from headgate.orchestration import lineage_store

    with Catching(quiet=quiet) as progress:
        return lineage_store.reader_of(settings, progress=progress)


def graph_of(project: Project) -> Graph:
    """The graph that the runs of the project's lake recorded; of a private lake, upon what was
    recorded in its base until it began."""
    store = reader(project, quiet=True)
    from headgate.lineage.store import loading

    return loading.graph(store)


def meant_at_once(graph: Graph, what: str) -> Node:
    """The node that a person means. The project is read only if the graph has none of that name:
    its contracts know models, and take longer to load than most answers.

    Raises:
        NotFoundError: there is none; the message has the nearest names.
    """
    try:
        return graph.find(what)
    except NotFoundError:
        from headgate.orchestration.project import Project

        return meant(Project.open(), graph, what)


def meant(project: Project, graph: Graph, what: str) -> Node:
    """The node that a person means, who may name a model.

    Raises:
        NotFoundError: there is none; the message has the nearest names.
    """
    model, _, column = what.partition(".")
    contract = project.contracts.by_model(model)
    if contract is not None and what not in graph.names.places:
        what = f"{contract.id}.{column}" if column else contract.id
    try:
        return graph.find(what)
    except NotFoundError:
        for known in project.contracts.values():
            named = (known.id, *(f"{known.id}.{c}" for c in known.table_columns))
            if graph.datasets and what in named:
                raise NotFoundError(
                    f"no run here has made {known.id} yet, nor recorded what it is made from.",
                    remedy="headgate run makes it.",
                ) from None
        raise


def rows(project: Project, contract: Contract) -> list[dict[str, str]]:
    """Rows of ``column``, ``made from`` and ``how``; first those of the dataset as a whole, without
    a column, then what decides its rows (column ``*``), then its columns in the contract's order."""
    from headgate.lineage.graph_node import ROWS, Node

    graph = graph_of(project)
    found = [
        {
            "column": "",
            "made from": str(edge.source),
            "how": f"{contract.id}.gate" if edge.ways else edge.job,
        }
        for edge in sorted(graph.edges(Node(contract.id), "up"), key=lambda e: bool(e.ways))
    ]
    columns = graph.columns(contract.id)
    order = [c for c in contract.table_columns if c in columns]
    for column in (ROWS, *order, *(c for c in columns if c not in order)):
        for edge in graph.edges(Node(contract.id, column), "up"):
            if ("INDIRECT", "ROWS") not in edge.ways:
                how = ", ".join(f"{k} {s}".lower().replace("_", " ") for k, s in edge.ways)
                source = f"{edge.source.dataset}.{edge.source.column}"
                found.append({"column": column, "made from": source, "how": how})
    return found


def untraced(project: Project) -> Iterator[tuple[str, str]]:
    """Of each curated dataset whose columns cannot be followed: its definition's place, and why.

    What is wrong with a model besides, others say.
    """
    from headgate.lineage.columns import UntraceableError
    from headgate.orchestration import column_lineage, frame_lineage
    from headgate.orchestration.dbt import refs
    from headgate.orchestration.dbt.compile import Sources

    models = {str(c.model): c for c in project.contracts.models}
    try:
        sources = Sources(project)
        texts = sources.texts(models) if models.keys() <= refs.models(project).keys() else {}
    except HeadgateError:
        return
    for contract in project.contracts.curated:
        text = texts.get(str(contract.model))
        place = sources.known[str(contract.model)].path if text else contract.path
        try:
            if text and not (text.wrong or text.not_plain):
                column_lineage.of_model(project, contract, text.full)
            elif contract.transform:
                frame_lineage.of_transform(project, contract)
        except UntraceableError as error:
            yield str(place), f"lineage cannot follow its columns: {error.message}"
        except HeadgateError:
            continue


def of_column(column: str, inputs: tuple[ColumnInput, ...]) -> list[dict[str, str]]:
    """Rows of what one column is made from; ``*`` stands for the rows as such."""
    ways: dict[str, set[str]] = {}
    for i in inputs:
        told = f"{i.type} {i.subtype}".lower().replace("_", " ")
        ways.setdefault(f"{i.dataset}.{i.column}", set()).add(told)
    return [
        {"column": column, "made from": source, "how": ", ".join(sorted(how))}
        for source, how in sorted(ways.items())
    ]
