"""What lineage knows of the lake at hand: its graph, and of one dataset what each column is made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core.errors import HeadgateError

if TYPE_CHECKING:
    from datetime import datetime

    from headgate.contracts.model import Contract
    from headgate.lineage.graph_events import Graph
    from headgate.lineage.steps import ColumnInput
    from headgate.orchestration.project import Project


def graph_of(project: Project, *, until: datetime | None = None) -> Graph:
    """The graph that the runs of the project's lake recorded (``until`` then); of a private lake,
    upon what was recorded in its base until it began."""
    from headgate.lineage import graph_events
    from headgate.orchestration import private_lakes
    from headgate.orchestration.project import Project

    base, below = private_lakes.base_of(project), None
    if base is not None:
        settings = dataclasses.replace(project.settings, lake=Path(base.root))
        below = graph_of(Project(settings), until=base.since)
    file = project.lake.root / project.settings.lineage_file
    return graph_events.read(file, until=until, below=below, kept=project.cache)


def rows(project: Project, contract: Contract) -> list[dict[str, str]]:
    """Rows of ``column``, ``made from`` and ``how``; first those of the dataset as a whole, without
    a column, then what decides its rows (column ``*``), then its columns in the contract's order."""
    made = graph_of(project).made.get(contract.id)
    if made is None:
        return []
    found = [{"column": "", "made from": name, "how": made.job} for name in made.inputs]
    found += [
        {"column": "", "made from": name, "how": f"{contract.id}.gate"}
        for name in made.looked_up
        if name not in made.inputs
    ]
    found += of_column("*", made.rows)
    order = [c for c in contract.table_columns if c in made.columns]
    for column in (*order, *(c for c in made.columns if c not in order)):
        found += of_column(column, made.columns[column])
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
