"""The rows of a dataset as the working tree makes them, or as they lie in the lake, against a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.contracts.model import Contract
from headgate.core.errors import UsageError
from headgate.lake.engines import duckdb as engine
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration import comparing, released
from headgate.orchestration.comparing import Side, TableDifference
from headgate.orchestration.curating import graph_of
from headgate.orchestration.order import Graph
from headgate.orchestration.project import Project
from headgate.orchestration.workbench import Bench, bench, target

#: What is compared with, besides the number of a release.
COMMIT, RELEASE = "commit", "release"


@dataclass(frozen=True)
class RowsDifference:
    """How the rows of a dataset differ: ``before`` and ``after`` say what was compared."""

    before: str
    after: str
    table: TableDifference
    notes: tuple[str, ...] = ()


def differing(project: Project, datasets: Sequence[str], against: str | int) -> list[str]:
    """Those of the datasets whose rows may differ: the working tree makes them otherwise than that
    version was made, or the newest version of a source is not that one.

    Raises:
        NotFoundError: there is no such release.
    """
    release = _release(project, against)
    found, graph = [], graph_of(project)
    with bench(project, release=release.id if release else None) as opened:
        for dataset in datasets:
            contract = project.contracts[dataset]
            if contract.curated:
                other = _fed(project, dataset, graph) and opened.differs(contract)
            else:
                newest, old = project.lake.snapshot(dataset), _before(project, dataset, release)
                other = (newest and newest.version) != (old and old.version)
            found += [dataset] if other else []
    return found


def _fed(project: Project, dataset: str, graph: Graph) -> bool:
    """Whether the dataset has rows, or anything that it is made from; one made from nothing has."""
    asked = (dataset, *graph[dataset])
    return len(asked) == 1 or any(project.lake.snapshot(d) is not None for d in asked)


def of_dataset(
    project: Project,
    contract: Contract,
    against: str | int,
    *,
    fresh: bool = False,
    examples: int = 5,
) -> RowsDifference | None:
    """How a dataset's rows differ from its newest commit, the newest release or that of a number.

    What is made from others is built as the working tree says, in memory, over the tables of the
    same release (or the newest commits). Of a source its newest version is compared; None if there
    is none, or it is that version.

    Raises:
        ModelError: the model is wrong.
        NotFoundError: there is no such release.
    """
    release = _release(project, against)
    before = _before(project, contract.id, release)
    told = f"release {release.id}" if release else "the newest commit"
    if contract.curated:
        with bench(project, release=release.id if release else None, fresh=fresh) as opened:
            table = _built(opened, contract, before, examples)
            notes = opened.notes()
        return RowsDifference(told, "the working tree", table, tuple(notes))
    after = project.lake.snapshot(contract.id)
    if after is None or (before is not None and before.version == after.version):
        return None
    with engine.connect(project.settings) as con:
        if before is None:
            columns = {c.name: c.type for c in contract.columns}
            sides = (_empty(con, columns), _side(con, after))
        else:
            sides = comparing.of_versions(con, before, after)
        table = comparing.compare(con, *sides, contract.key, examples=examples)
    return RowsDifference(told, "the newest commit", table)


def _release(project: Project, against: str | int) -> Release | None:
    if against == COMMIT:
        return None
    found = released.release_at(project, None if against == RELEASE else int(against))
    if found is None:
        raise UsageError("nothing was released yet.", remedy="Release it first: headgate run")
    return found


def _before(project: Project, dataset: str, release: Release | None) -> Snapshot | None:
    if release is None:
        return project.lake.snapshot(dataset)
    return released.snapshot(project, release, dataset)


def _built(
    opened: Bench, contract: Contract, before: Snapshot | None, examples: int
) -> TableDifference:
    made = target(opened.project, contract.id)
    opened.use(made)
    con, rows = opened.con, opened.table(made)
    after = Side(rows, comparing.columns_of(con, rows))
    old = _side(con, before) if before else _empty(con, contract.table_columns)
    return comparing.compare(con, old, after, contract.key, examples=examples)


def _side(con: engine.Connection, snapshot: Snapshot) -> Side:
    columns = [c for c in snapshot.columns if not c.startswith("_")]
    rows = snapshot.relation(columns)
    return Side(rows, comparing.columns_of(con, rows), snapshot.rows)


def _empty(con: engine.Connection, columns: Mapping[str, str]) -> Side:
    rows = relation((), columns)
    return Side(rows, comparing.columns_of(con, rows), 0)
