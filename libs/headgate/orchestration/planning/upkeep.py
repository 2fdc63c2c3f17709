"""What the next commands would do with every table: a run gone through without building anything.

How each table is built is asked of the same code that a run asks, over a lake in which the builds
before it are imagined.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headgate.contracts.diff import BREAKING, gravest
from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core.errors import HeadgateError
from headgate.lake.engines.duckdb import Connection
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot
from headgate.lineage.emitter import Emitter
from headgate.orchestration import curating, evolving
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.order import Graph, downstream, topological
from headgate.orchestration.planning import nextbuild
from headgate.orchestration.planning.before import Side
from headgate.orchestration.planning.binding import EmptyTables
from headgate.orchestration.planning.imagined import ImaginedProject, next_version
from headgate.orchestration.planning.nextbuild import NextBuild
from headgate.orchestration.planning.plan import (
    BLOCKED,
    CREATE,
    FAILS,
    FULL,
    INCREMENTAL,
    NONE,
    TAKEN,
    WAITS,
    Influence,
    Step,
    Upkeep,
)
from headgate.quality import evolution


@dataclass
class Ahead:
    """Goes through the next commands over an imagined lake.

    ``influences`` are what of each table differs from before through the branch: a table without
    any has the rows that it has now. ``on_lake``: the tables are those of a lake.
    """

    project: ImaginedProject
    con: Connection
    tables: EmptyTables
    graph: Graph
    before: Side
    after: Side
    influences: Mapping[str, Influence]
    on_lake: bool
    _sources: Sources | None = None
    _released: dict[str, int] = field(default_factory=dict)
    _imagined: set[str] = field(default_factory=set)

    def steps(self) -> tuple[Step, ...]:
        """The next run, then the commands that it asks for, in the order of a run."""
        newest = self.project.releases.newest() if self.on_lake else None
        self._released = newest.versions if newest else {}
        found = [self._command("headgate run", set(self.graph))]
        for dataset in topological(self.graph):
            upkeep = found[0].tables.get(dataset)
            if upkeep is not None and upkeep.how == BLOCKED:
                found.append(self._put_right(dataset))
        return tuple(found)

    def _put_right(self, dataset: str) -> Step:
        """The command that lets commits to the dataset go on."""
        contract = self.project.contracts[dataset]
        snapshot = self.project.lake.snapshot(dataset)
        changes = evolution.changes(self.project.lake, snapshot, contract)
        whole = gravest(evolution.blocking(changes, contract)) == BREAKING
        command = f"rebuild {dataset}" if whole else f"audit {dataset} --apply"
        selected = {dataset, *downstream(self.graph, [dataset])}
        return self._command(f"headgate {command}", selected, dataset, whole=whole)

    def _command(
        self, command: str, selected: set[str], rebuilding: str = "", *, whole: bool = False
    ) -> Step:
        context, tables = self._context(), dict[str, Upkeep]()
        if rebuilding:
            context.session.rebuilding.add(rebuilding)
        context.blocked |= evolving.blocked(context)
        tables |= self._judged_first(context, selected)
        if rebuilding and self.project.contracts[rebuilding].source:
            tables[rebuilding] = self._taken(context, rebuilding, whole)
            if not tables[rebuilding].built:  # the command ends there
                return Step(command, tables, held=tuple(sorted(evolving.held(context))))
        stale = curating.stale(context, self.graph, selected)
        stale = [d for d in stale if d not in context.blocked]
        failed: set[str] = set()
        for dataset in stale:
            tables[dataset] = self._built(context, dataset, failed)
            if not tables[dataset].built:
                failed.add(dataset)
        tested = set(stale) | (curating.untested(context) & selected)
        self.project.imagine_pending((curating.pending(context) - tested) | failed)
        return self._with_release(context, command, tables)

    def _context(self) -> RunContext:
        session = Session(self.project.lake, self.con, ids.new_id())
        return RunContext(self.project, session, Emitter(Path(os.devnull), ""))

    def _judged_first(self, context: RunContext, selected: set[str]) -> dict[str, Upkeep]:
        """The tables to which something may stand against committing: what does, or why it does not."""
        found = {}
        for dataset in sorted(selected - context.session.rebuilding):
            contract, table = self.project.contracts[dataset], context.snapshot(dataset)
            changes = evolution.changes(self.project.lake, table, contract)
            if not evolution.blocking(changes, contract):
                continue
            refusal = evolution.refusal(context.session, table, contract)
            if refusal is not None:
                told = refusal.message.removeprefix(f"{dataset}: ")
                found[dataset] = self._upkeep(context, dataset, BLOCKED, told)
            elif self.on_lake:
                told = "all stored rows hold what its contract demands now"
                found[dataset] = self._upkeep(context, dataset, NONE, told)
            else:
                told = f"if stored rows break its contract, `headgate audit {dataset}` comes first"
                found[dataset] = self._upkeep(context, dataset, NONE, told)
        return found

    def _taken(self, context: RunContext, dataset: str, whole: bool) -> Upkeep:
        """A source's stored rows judged anew."""
        contract, base = self.project.contracts[dataset], context.snapshot(dataset)
        problem = nextbuild.unjudgeable(contract)
        if base is not None and self.on_lake and not whole:
            problem = problem or nextbuild.refusal(context, self.con, contract, base)
        if problem:
            return self._upkeep(context, dataset, FAILS, problem)
        rows = base.rows if base and self.on_lake else None
        found = next_version(base, contract, kind="rebuild", whole=whole)
        self._imagine(context, found)
        why = "its stored rows are cast and judged" if whole else "its stored rows are judged"
        return Upkeep(TAKEN, why, rows, rows, columns=tuple(found.columns), rules=_rules(contract))

    def _built(self, context: RunContext, dataset: str, failed: set[str]) -> Upkeep:
        contract = self.project.contracts[dataset]
        lost = sorted(set(self.graph[dataset]) & failed)
        if lost:
            return self._upkeep(context, dataset, WAITS, f"it reads {', '.join(lost)}")
        try:
            next_ = nextbuild.next_build(context, self._known(), contract)
            problem = nextbuild.misfit(context, next_, self.after.code[dataset], self.tables)
        except HeadgateError as error:
            next_, problem = None, str(error)
        if next_ is None or problem:
            return self._upkeep(context, dataset, FAILS, problem)
        base = context.snapshot(dataset)
        problem = self._refused(context, base, next_)
        if problem:
            return self._upkeep(context, dataset, FAILS, problem)
        touched, exact = self._touched(context, next_, base)
        found = next_version(
            base, contract, kind="model", code_hash=next_.code_hash, inputs=next_.inputs,
            whole=not next_.incremental and dataset in context.session.rebuilding,
        )  # fmt: skip
        self._imagine(context, found)
        how = CREATE if base is None else INCREMENTAL if next_.incremental else FULL
        rows = base.rows if base else 0
        return Upkeep(
            how, next_.why, rows if self.on_lake else None, touched, exact,
            next_.incremental and self._perhaps_full(next_), tuple(found.columns), _rules(contract),
            nextbuild.unsure(contract, self.influences.get(dataset, Influence())),
        )  # fmt: skip

    def _refused(self, context: RunContext, base: Snapshot | None, next_: NextBuild) -> str:
        """Why the build is refused for values that the table has already, under another contract."""
        contract, meta = next_.contract, base.meta if base else None
        if not self.on_lake or base is None or meta is None or contract.id in self._imagined:
            return ""
        influence = self.influences.get(contract.id, Influence())
        known = self.project.lake.real
        read = {
            d: s.content_version for d in self.graph[contract.id] if (s := known(d)) is not None
        }
        if influence.rows or next_.code_hash == meta.code_hash or read != dict(meta.inputs):
            return ""
        if meta.code_hash != self._hash_before(contract.id):
            return ""
        return nextbuild.refusal(context, self.con, contract, base, frozenset(influence.columns))

    def _perhaps_full(self, next_: NextBuild) -> bool:
        """Whether it depends on how many rows change: a transform whose inputs have other rows."""
        if not next_.contract.transform:
            return False
        same = {d for d in self._imagined if not self.influences.get(d)}
        return bool(next_.inputs.keys() - same)

    def _hash_before(self, dataset: str) -> str:
        code = self.before.code.get(dataset)
        return code.hash if code else ""

    def _known(self) -> Sources:
        if self._sources is None:
            self._sources = Sources(self.project)
        return self._sources

    def _touched(
        self, context: RunContext, next_: NextBuild, base: Snapshot | None
    ) -> tuple[int | None, bool]:
        """How many stored rows the build replaces, and whether that is known and no mere bound."""
        if not self.on_lake:
            return None, False
        if base is None or not next_.incremental:
            return base.rows if base else 0, True
        code = self.after.code[next_.contract.id]
        if not self._imagined & {next_.contract.id, *next_.inputs}:
            found = nextbuild.rows_touched(context, self.con, next_, code, base)
            if found is not None:
                return found, True
        return base.rows, False

    def _imagine(self, context: RunContext, found: Snapshot) -> None:
        self.project.lake.imagine(found)
        context.session.advance(found)
        self._imagined.add(found.dataset)

    def _upkeep(self, context: RunContext, dataset: str, how: str, why: str) -> Upkeep:
        """What becomes of a table that stays as it is."""
        base = context.snapshot(dataset)
        rows = base.rows if base and self.on_lake else None
        touched = 0 if self.on_lake else None
        return Upkeep(how, why, rows, touched, columns=tuple(base.columns) if base else ())

    def _with_release(
        self, context: RunContext, command: str, tables: Mapping[str, Upkeep]
    ) -> Step:
        held = curating.held(context) | evolving.held(context)
        moved = []
        for dataset, contract in self.project.contracts.items():
            if contract.name.layer == "system" or contract.release_group in held:
                continue
            found = context.snapshot(dataset)
            if found is not None and self._released.get(dataset) != found.version:
                moved.append(dataset)
                self._released[dataset] = found.version
        if not self.on_lake:
            moved = [d for d in moved if d in self._imagined]
        return Step(command, tables, tuple(sorted(moved)), tuple(sorted(held)))


def _rules(contract: Contract) -> tuple[str, ...]:
    return tuple(r.id for r in contract.rules)
