"""Making a plan: the branch compared with what it came from, and with the lake that it meets."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contracts.diff import BREAKING, Change, compare, gravest
from headgate.core.errors import HeadgateError, UsageError
from headgate.core.settings import FILE_NAME
from headgate.lake.engines.duckdb import Connection, connect, empty
from headgate.lineage.columns import ColumnLineage, UntraceableError
from headgate.orchestration import column_lineage
from headgate.orchestration.curating import graph_of
from headgate.orchestration.order import Graph
from headgate.orchestration.planning import before as sides
from headgate.orchestration.planning.agreements import agreements
from headgate.orchestration.planning.before import Side, bare
from headgate.orchestration.planning.binding import EmptyTables
from headgate.orchestration.planning.following import Following
from headgate.orchestration.planning.imagined import imagined
from headgate.orchestration.planning.plan import (
    CHANGED,
    NEW,
    NONE,
    REACHED,
    REMOVED,
    WAITS,
    Influence,
    Plan,
    Step,
    TablePlan,
)
from headgate.orchestration.planning.reach import Reach, reach
from headgate.orchestration.planning.revisions import at_revision, in_folder, transforms_of
from headgate.orchestration.planning.timetable import timetable
from headgate.orchestration.planning.upkeep import Ahead
from headgate.orchestration.project import Project

RELEASE = "release"


def make(project: Project, against: str | None = None, *, mine: Collection[str] = ()) -> Plan:
    """What the project's working tree would change, compared with ``against``: ``release`` (the
    default: what the newest release was made by), a git revision, or the folder of another copy.

    ``mine`` are owners that whoever asks speaks for. Nothing is changed or built.

    Raises:
        UsageError: there is nothing to compare with.
        ContractError, ModelError: a contract or a model is wrong, on either side.
    """
    if _has_tables(project):
        return _made(project, against or RELEASE, True, mine)
    with tempfile.TemporaryDirectory(prefix="headgate-plan-") as folder:
        # What is worked out on the way is kept in the lake: here there is none, nor will there be.
        bare = Project(dataclasses.replace(project.settings, lake=Path(folder)))
        return _made(bare, against or RELEASE, False, mine)


def _made(project: Project, against: str, on_lake: bool, mine: Collection[str]) -> Plan:
    with _compared_with(project, against) as before:
        after = sides.of_project(project, "the working tree")
        shapes = {d: c.table_columns for d, c in project.contracts.items()}
        with (
            connect(project.settings) if on_lake else empty() as con,
            empty() as shapeless,
        ):
            tables = EmptyTables(shapeless, shapes)
            return _Making(project, before, after, con, tables, on_lake, frozenset(mine)).plan()


@contextmanager
def _compared_with(project: Project, against: str) -> Iterator[Side]:
    if against == RELEASE:
        yield sides.of_release(project)
    elif (Path(against) / FILE_NAME).is_file():
        yield _other_side(in_folder(project, Path(against)), against)
    elif Path(against).is_dir() and Path(against).is_absolute():
        raise UsageError(
            f"there is no {FILE_NAME} in {against}.",
            remedy="Name the root folder of another copy of this project.",
        )
    else:
        with at_revision(project, against) as earlier:
            yield _other_side(earlier, against)


def _other_side(other: Project, against: str) -> Side:
    try:
        return sides.of_project(other, against, transforms_of(other))
    except HeadgateError as error:
        raise type(error)(
            f"as it was at {against}: {error.message}",
            remedy="It was wrong there already: compare with a state in which it was right.",
            place=error.place.removeprefix(f"{other.settings.root}/"),
        ) from None


def _has_tables(project: Project) -> bool:
    # Reading the contracts keeps what was read in the lake, so first whether there is one.
    return project.lake.root.is_dir() and any(
        project.lake.snapshot(d) is not None
        for d, c in project.contracts.items()
        if c.name.layer != "system"
    )


@dataclass
class _Making:
    """One plan while it is made."""

    project: Project
    before: Side
    after: Side
    con: Connection
    tables: EmptyTables
    on_lake: bool
    mine: frozenset[str]
    changes: dict[str, tuple[Change, ...]] = field(default_factory=dict)

    def plan(self) -> Plan:
        """The plan."""
        graph = graph_of(self.project)
        for dataset, contract in self.after.contracts.items():
            old = self.before.contracts.get(dataset)
            differs = old is not None and old.hash != contract.hash
            self.changes[dataset] = compare(bare(old), bare(contract)) if old and differs else ()
        reached = self._reach(graph)
        steps = self._steps(graph, reached)
        tables = self._tables(graph, reached, steps)
        return Plan(
            self.before.label, self.on_lake, tuple(tables.values()), steps,
            agreements(tables, self.before, self._either(graph), reached, self.mine),
            self._order(),
        )  # fmt: skip

    def _reach(self, graph: Graph) -> dict[str, Reach]:
        following = Following(self.tables)

        def lineage_of(dataset: str) -> ColumnLineage:
            contract, code = self.project.contracts[dataset], self.after.code[dataset]
            if contract.transform:
                from headgate.orchestration import frame_lineage

                return frame_lineage.of_transform(self.project, contract)
            if code.sql is None:
                raise UntraceableError(f"how {dataset} is made is not known column by column.")
            return column_lineage.of_model(self.project, contract, code.sql[0])

        return reach(self.before, self.after, self.changes, graph, following, lineage_of)

    def _steps(self, graph: Graph, reached: Mapping[str, Reach]) -> tuple[Step, ...]:
        assumed = None if self.on_lake else self.before
        influences = {d: r.whole for d, r in reached.items()}
        ahead = Ahead(
            imagined(self.project, assumed), self.con, self.tables, graph, self.before, self.after,
            influences, self.on_lake,
        )  # fmt: skip
        return ahead.steps()

    def _tables(
        self, graph: Graph, reached: Mapping[str, Reach], steps: tuple[Step, ...]
    ) -> dict[str, TablePlan]:
        """Every dataset that the branch changes or reaches, or that is not up to date."""
        found = {}
        nothing = Reach(Influence(), Influence())
        moving = {d for s in steps for d, u in s.tables.items() if u.how not in (NONE, WAITS)}
        every = [*(d for d in self.after.order if d in self.after.contracts),
                 *(d for d in sorted(self.before.contracts) if d not in self.after.contracts)]  # fmt: skip
        for dataset in every:
            one = self._table(dataset, reached.get(dataset, nothing), graph)
            never_made = one.status == NEW and self.on_lake and dataset not in moving
            changed = one.status in (NEW, REMOVED, CHANGED) and not never_made
            if changed or dataset in moving or (one.influence and not never_made):
                found[dataset] = one
        return found

    def _table(self, dataset: str, reach: Reach, graph: Graph) -> TablePlan:
        old, new = self.before.contracts.get(dataset), self.after.contracts.get(dataset)
        if new is None:
            assert old is not None
            gone = Change("contract", "", "It has no contract any more.", BREAKING)
            return TablePlan(dataset, REMOVED, old.owner, old.maker, BREAKING, (gone,))
        reads = tuple(graph.get(dataset, ()))
        if old is None:
            return TablePlan(dataset, NEW, new.owner, new.maker, influence=reach.whole, reads=reads,
                             reached_from=reach.sources)  # fmt: skip
        changes = self.changes[dataset]
        code = self._code(dataset)
        said = timetable(old, new, self.before.code.get(dataset), self.after.code.get(dataset))
        status = CHANGED if changes or code or said else REACHED
        return TablePlan(
            dataset, status, new.owner, new.maker, gravest(changes), changes, code, said,
            reach.whole, reach.sources, reads,
        )  # fmt: skip

    def _code(self, dataset: str) -> str:
        """What changed in how the rows are made; empty if nothing did."""
        old, new = self.before.code.get(dataset), self.after.code.get(dataset)
        if new is None or old is None:
            return ""
        same = old.same(new)
        what = "transform" if self.after.contracts[dataset].transform else "SQL"
        if same is None:
            return f"Its {what} may have changed: what it was is not known."
        if same:
            return ""
        if old.sql and new.sql and old.sql[0] == new.sql[0]:
            return "Its SQL changed in what only an incremental build reads."
        return f"Its {what} changed."

    def _either(self, graph: Graph) -> Graph:
        """What each dataset is made from, before or now."""
        found = {d: set(inputs) for d, inputs in graph.items()}
        for dataset, code in self.before.code.items():
            found.setdefault(dataset, set()).update(code.inputs)
        return {d: tuple(sorted(inputs)) for d, inputs in found.items()}

    def _order(self) -> tuple[str, ...]:
        """The order in which a run makes the datasets, if it is another than before."""
        known = [d for d in self.before.order if d in self.before.contracts]
        now = tuple(d for d in self.after.order if d in self.after.contracts)
        return now if known and tuple(known) != now else ()
