"""The open windows of a model, counted anew by its own SQL and put through the gate like any build."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from headgate.core.errors import ModelError
from headgate.lake.changes import earlier
from headgate.lake.engines.duckdb import identifier, identifiers, one
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import builds
from headgate.orchestration.dbt.builds import Build
from headgate.orchestration.dbt.compile import Sources, Text
from headgate.orchestration.dbt.native import Native, take_scope, within
from headgate.orchestration.models import Scope, publish_model
from headgate.orchestration.streaming import live_late
from headgate.orchestration.streaming.live_state import (
    KEY,
    LiveModel,
    Step,
    columns_read,
    is_open,
    watermark,
)
from headgate.quality.outcome import BatchOutcome

_ALL, _NEW, _OPEN = "headgate_windows", "headgate_open_windows", "headgate_open_scope"


@dataclass
class Counted:
    """What a build of open windows came to. ``read`` are versions of what streams feed; ``late`` rows by length of window, of the stream's part
    that this build read; ``late_windows`` of the hours it touched that a run would count otherwise."""

    outcome: BatchOutcome
    watermark: datetime | None
    read: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[int, int] = field(default_factory=dict)
    late_windows: int = 0
    whole: bool = False


def count(context: RunContext, sources: Sources, model: LiveModel) -> Counted:
    """Build what is open of the model, or all that changed if nothing was built by a run yet.

    Raises:
        ModelError: only dbt can compile the model, or its SQL fails.
        RefusedError: the gate refused its rows; the table is as it was.
    """
    contract = model.contract
    text = sources.texts([str(contract.model)])[str(contract.model)]
    if text.wrong or text.not_plain:
        raise ModelError(text.wrong or f"only dbt can compile it: {text.not_plain}.")
    base = context.snapshot(contract.id)
    plan = builds.plan(context, sources, [str(contract.model)])[str(contract.model)]
    if base is None or base.meta is None or not plan.incremental:
        outcome = Native(context, sources).build(contract)
        mark = watermark(context.session.con, model.spec, map(context.snapshot, model.fed))
        return Counted(outcome, mark, context.session.versions(model.fed), whole=True)
    with _settled(context, model, base):
        windows = _Windows(context, sources, model, base)
        outcome = windows.build(contract)
    assert windows.step is not None
    step = windows.step
    return Counted(outcome, step.watermark, step.read, windows.late, windows.late_windows)


@contextmanager
def _settled(context: RunContext, model: LiveModel, base: Snapshot) -> Iterator[None]:
    """Read what no stream feeds as the last run did: what changed there is the next run's."""
    assert base.meta is not None
    session, settled = context.session, base.meta.inputs
    others = [d for d in model.inputs if d not in model.fed]
    now = {d: context.snapshot(d) for d in others}
    for dataset in others:
        then, version = now[dataset], settled.get(dataset)
        if version is None:
            session.look_at(dataset, None)
        elif then is None or version != then.content_version:
            session.look_at(dataset, earlier(session.lake, then, dataset, version))
    try:
        yield
    finally:
        for dataset, snapshot in now.items():
            session.look_at(dataset, snapshot)


class _Windows(Native):
    """Builds the open windows of one model, once."""

    def __init__(
        self, context: RunContext, sources: Sources, model: LiveModel, base: Snapshot
    ) -> None:
        super().__init__(context, sources)
        self.model, self.base = model, base
        self.step: Step | None = None
        self.late: Mapping[int, int] = {}
        self.late_windows = 0

    def _build(self, build: Build, text: Text, sql: str) -> BatchOutcome:
        con, contract, meta = self.con, build.contract, self.base.meta
        assert meta is not None
        build = self._from_what_was_read(build)
        assert self.step is not None
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {builds.SCHEMA}")
        builds.show_changed(con, self.context, build)
        try:
            scope = take_scope(con, build, sql)
            self._check_columns(contract, sql)
            names = identifiers(contract.table_columns)
            con.execute(
                f"CREATE OR REPLACE TEMP TABLE {_ALL} AS SELECT {names}"
                f" FROM {within(f'({chr(10)}{sql}{chr(10)})', scope, build)}"
            )
            self._late(build, text, scope)
            narrowed = self._narrowed(scope)
            told = {**self.step.told(), "late": {str(n): c for n, c in self.late.items()},
                    "late_windows": self.late_windows}  # fmt: skip
            return publish_model(
                self.context, contract, con, _NEW, scope=narrowed, inputs=build.inputs,
                code_hash=build.code_hash, sql=text.full, settled=meta.inputs, detail={KEY: told},
            )  # fmt: skip
        finally:
            builds.forget(con, build)
            for table in (_ALL, _NEW, _OPEN):
                con.execute(f"DROP TABLE IF EXISTS {table}")

    def _from_what_was_read(self, build: Build) -> Build:
        """The build as one from what the last commit of open windows read, if there is one."""
        context, model, con = self.context, self.model, self.con
        before, step = dict(build.before), Step.of(self.base.meta)
        for dataset in model.fed if step else ():
            assert step is not None
            now, version = context.snapshot(dataset), step.read.get(dataset)
            then = None if version is None else earlier(context.session.lake, now, dataset, version)
            if then is not None:
                before[dataset] = then
            elif version is None:
                before.pop(dataset, None)
        then_read = [before.get(d) for d in model.fed]
        closed = step.watermark if step else watermark(con, model.spec, then_read)
        mark = watermark(con, model.spec, map(context.snapshot, model.fed))
        if closed is not None:
            mark = max(mark, closed) if mark else closed
        self.step = Step(
            since={d: s.content_version for d in model.fed if (s := before.get(d)) is not None},
            read=context.session.versions(model.fed), closed=closed, watermark=mark,
        )  # fmt: skip
        return dataclasses.replace(build, before=before)

    def _late(self, build: Build, text: Text, scope: Scope) -> None:
        """Count what came too late, and the windows that are otherwise because of it."""
        assert self.step is not None
        con, spec, contract = self.con, self.model.spec, self.model.contract
        lengths = _lengths(self, spec.window_minutes)
        total = dict.fromkeys(lengths, 0)
        for dataset in self.model.fed:
            now = self.context.snapshot(dataset)
            if now is None:
                continue
            columns = columns_read(self.context.project.contracts[dataset], text.full)
            found = live_late.count(
                con,
                build.before.get(dataset),
                now,
                columns,
                spec.event_time,
                self.step.closed,
                lengths,
            )
            total = {n: total[n] + found[n] for n in lengths}
        self.late = total
        closed = f"NOT {is_open(spec, self.step.closed)}"
        names, key = identifiers(contract.table_columns), identifiers(contract.key)
        ours = f"SELECT {names} FROM {_ALL} WHERE {closed}"
        theirs = f"SELECT {names} FROM {self._there(scope)} WHERE {closed}"
        self.late_windows = int(
            one(con, f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM (({ours} EXCEPT {theirs})"
                     f" UNION ALL ({theirs} EXCEPT {ours})))")[0]
        )  # fmt: skip

    def _there(self, scope: Scope) -> str:
        """The table's windows of the units that were touched."""
        unit = identifier(scope.column)
        rows = self.base.relation(list(self.model.contract.table_columns))
        return f"(SELECT * FROM {rows} WHERE {unit} IN (SELECT {unit} FROM {scope.values}))"

    def _narrowed(self, scope: Scope) -> Scope:
        """The units that have an open window; of them the open windows as they are now, and the
        closed ones as the table has them."""
        assert self.step is not None
        con, unit = self.con, identifier(scope.column)
        names = identifiers(self.model.contract.table_columns)
        open_now = is_open(self.model.spec, self.step.closed)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_OPEN} AS"
            f" SELECT {unit} FROM {_ALL} WHERE {open_now}"
            f" UNION SELECT {unit} FROM {self._there(scope)} WHERE {open_now}"
        )
        narrowed = Scope(scope.column, _OPEN)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_NEW} AS SELECT {names} FROM {_ALL} WHERE {open_now}"
            f" UNION ALL SELECT {names} FROM {self._there(narrowed)} WHERE NOT {open_now}"
        )
        return narrowed


def _lengths(windows: Native, column: str) -> list[int]:
    found = windows.con.execute(
        f"SELECT DISTINCT {identifier(column)} FROM {_ALL} ORDER BY 1"
    ).fetchall()
    return [int(n) for (n,) in found]
