"""Whether windows that were kept up to date are those that a run gives over the same messages.

The model's own SQL is asked over all that the table's newest commit says it has read. Where windows
differ, the log tells which rows came after their window was closed; without those rows the SQL must
give the table to the last row. What it does not give then, nothing explains.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core.errors import LakeError, ModelError, NotFoundError
from headgate.lake import catalog
from headgate.lake.changes import earlier
from headgate.lake.engines.duckdb import Connection, connect, identifier, identifiers, literal
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration import comparing
from headgate.orchestration.comparing import Example, Side, TableDifference
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.dbt.native import sentence
from headgate.orchestration.project import Project
from headgate.orchestration.streaming import live_late
from headgate.orchestration.streaming.live_state import LiveModel, columns_read, model_of, steps

_LATE = "headgate_late"


@dataclass(frozen=True)
class Agreement:
    """How the table (at ``version``) and a run over the same messages agree, in windows.

    ``missing`` ones a run would add, ``extra`` ones it would remove, ``different`` ones it would
    count otherwise; ``unexplained`` are those of them that late rows do not explain. ``late`` rows by
    length of window, of ``turns`` turns since the last run.
    """

    dataset: str
    version: int
    turns: int
    equal: int
    missing: int
    extra: int
    different: int
    unexplained: int
    late: Mapping[int, int] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @property
    def explained(self) -> bool:
        """Whether nothing differs, or late rows are all of the difference."""
        return self.unexplained == 0

    def told(self) -> dict[str, Any]:
        """All of it as plain values."""
        examples = [
            {
                "key": dict(e.key),
                "table": e.before and dict(e.before),
                "run": e.after and dict(e.after),
            }
            for e in self.examples
        ]
        return {
            "dataset": self.dataset, "version": self.version, "turns": self.turns,
            "equal": self.equal, "missing": self.missing, "extra": self.extra,
            "different": self.different, "unexplained": self.unexplained,
            "late": {str(n): c for n, c in self.late.items()}, "examples": examples,
        }  # fmt: skip


def check(project: Project, dataset: str, *, examples: int = 5) -> Agreement:
    """Compare a dataset that is kept up to date with what a run would give.

    Raises:
        UsageError: the dataset is not kept up to date.
        NotFoundError: it was never built.
        LakeError: what it was made from is not kept any more.
        ModelError: its SQL fails.
    """
    sources = Sources(project)
    model = model_of(project, dataset, sources)
    table = project.lake.snapshot(dataset)
    if table is None or table.meta is None:
        raise NotFoundError(f"{dataset} was never built.", remedy=f"headgate live run {dataset}")
    with (
        tempfile.TemporaryDirectory(prefix="headgate-") as folder,
        connect(project.settings, [Path(folder)]) as con,
    ):
        try:
            return _Check(project, sources, model, table, con, Path(folder)).run(examples)
        except duckdb.Error as error:
            raise ModelError(sentence(error)) from error


class _Check:
    """One check going on; what it makes lies in a folder of its own."""

    def __init__(
        self, project: Project, sources: Sources, model: LiveModel, table: Snapshot,
        con: Connection, folder: Path,
    ) -> None:  # fmt: skip
        assert table.meta is not None
        self.project, self.model, self.table, self.con = project, model, table, con
        self.folder, self.steps = folder, steps(project.lake, table)
        text = sources.texts([str(model.contract.model)])[str(model.contract.model)]
        if text.wrong or text.not_plain:
            raise ModelError(text.wrong or f"only dbt can compile it: {text.not_plain}.")
        self.sql = text.full
        versions = dict(table.meta.inputs) | (dict(self.steps[-1].read) if self.steps else {})
        self.inputs = {d: self._at(d, versions.get(d)) for d in model.inputs}

    def run(self, examples: int) -> Agreement:
        whole, spec = self._asked("run", self.inputs, ""), self.model.spec
        ours = self._side(self.table.relation(list(self.model.contract.table_columns)))
        found = self._compared(ours, whole, examples)
        late = self._late() if self.steps else {}
        if any(late.values()):
            parts = [self._asked(f"without_{n}", self._without(n),
                                 f"WHERE {identifier(spec.window_minutes)} = {n}")
                     for n in late]  # fmt: skip
            expected = self._side(f"({' UNION ALL '.join(f'FROM {p.relation}' for p in parts)})")
            left = self._compared(ours, expected, 0)
        else:
            left = found
        return Agreement(
            self.model.contract.id, self.table.version, len(self.steps),
            equal=found.rows_before - found.removed - found.changed,
            missing=found.added, extra=found.removed, different=found.changed,
            unexplained=left.added + left.removed + left.changed, late=late,
            examples=found.examples,
        )  # fmt: skip

    def _at(self, dataset: str, version: int | None) -> Snapshot | None:
        if version is None:
            return None
        lake = self.project.lake
        found = earlier(lake, lake.snapshot(dataset), dataset, version)
        if found is None:
            raise LakeError(
                f"version {version} of {dataset}, which the table was made from, is not kept any more.",
                remedy=f"Build it: headgate run --select {self.model.contract.id}",
            )
        return found

    def _late(self) -> dict[int, int]:
        """Collect what came too late in the turns since the last run."""
        column = identifier(self.model.spec.window_minutes)
        lengths = [int(n) for (n,) in self.con.execute(
            f"SELECT DISTINCT {column} FROM {self.table.relation()} ORDER BY 1").fetchall()
        ]  # fmt: skip
        total = dict.fromkeys(lengths, 0)
        for dataset in self.model.fed if lengths else ():
            now, columns = self.inputs[dataset], self._columns(dataset)
            if now is None:
                continue
            table = self._late_table(dataset)
            live_late.begin(self.con, table, now, columns)
            for step in self.steps:
                old, new = (self._at(dataset, v.get(dataset)) for v in (step.since, step.read))
                if new is not None:
                    live_late.collect(
                        self.con, table, old, new, columns, self.model.spec.event_time,
                        step.closed, lengths,
                    )  # fmt: skip
            live_late.settle(self.con, table, columns)
            total |= {n: total[n] + c for n, c in live_late.counted(self.con, table).items()}
        return total

    def _without(self, minutes: int) -> dict[str, Snapshot | str | None]:
        """What is read, less what came too late for windows of this length."""
        found: dict[str, Snapshot | str | None] = dict(self.inputs)
        for dataset in self.model.fed:
            now = self.inputs[dataset]
            if now is not None:
                table, columns = self._late_table(dataset), self._columns(dataset)
                found[dataset] = f"({live_late.without(table, now, columns, minutes)})"
        return found

    def _columns(self, dataset: str) -> list[str]:
        return columns_read(self.project.contracts[dataset], self.sql)

    def _late_table(self, dataset: str) -> str:
        return f"{_LATE}_{self.model.fed.index(dataset)}"

    def _asked(self, name: str, reads: Mapping[str, Snapshot | str | None], where: str) -> Side:
        """The model's rows over what it is to read, kept in a file."""
        contract = self.model.contract
        for dataset, rows in reads.items():
            self._show(self.project.contracts[dataset], rows)
        casts = ", ".join(
            f"CAST({identifier(c)} AS {types.duckdb_type(t)}) AS {identifier(c)}"
            for c, t in contract.table_columns.items()
        )
        path = literal(str(self.folder / f"{name}.parquet"))
        self.con.execute(
            f"COPY (SELECT {casts} FROM (\n{self.sql}\n) {where}) TO {path} (FORMAT parquet)"
        )
        return self._side(f"read_parquet({path}, hive_partitioning=false)")

    def _show(self, contract: Contract, rows: Snapshot | str | None) -> None:
        if isinstance(rows, Snapshot):
            rows = rows.relation()
        catalog.define_view(self.con, contract.name, rows or relation((), contract.table_columns))

    def _side(self, rows: str) -> Side:
        names = [c.name for c in self.model.contract.columns]
        table = f"(SELECT {identifiers(names)} FROM {rows})"
        return Side(table, comparing.columns_of(self.con, table))

    def _compared(self, before: Side, after: Side, examples: int) -> TableDifference:
        key = self.model.contract.key
        return comparing.compare(self.con, before, after, key, examples=examples)
