"""Events of governed runs of the measured platform: made by ``lineage.events``, as `headgate run` makes them."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from headgate.contracts.names import DatasetName
from headgate.core import ids
from headgate.lineage import callers, events, names, steps
from headgate.lineage.steps import Assertion, Caller, DatasetRef, State, Statistics, Step
from tests.bench import lineage_foreign as foreign
from tests.bench.lineage_platform import Dataset, Platform, changed

LAKE = "platform"
ROOT = "/srv/lake"
Event = dict[str, Any]
_RULES = ("required", "unique", "range", "sql", "values", "length")


class Lake:
    """The lake of the platform: which version and edition each dataset is at, and its release.

    ``platform`` gives the datasets, ``seed`` the order of chances; a run takes what is new.
    ``before`` is a number of versions and releases that were there before.
    """

    def __init__(self, platform: Platform, seed: int, before: int = 0) -> None:
        self.platform = platform
        self.versions: dict[str, int] = {}
        self.editions: dict[str, int] = {}
        self.releases = self._before = before
        self._chance = random.Random(f"ours {seed}")
        self._runs = 0

    def run(
        self, domain: str, datasets: Sequence[Dataset], at: datetime, *, share: float
    ) -> Iterator[Event]:
        """The events of one DAG run over a domain: Airflow's and ours, in the order of time.

        Args:
            domain: what the DAG is called after.
            datasets: those of the domain, in the order in which they are built.
            at: when it begins.
            share: of the datasets so many have something new.
        """
        self._runs += 1
        chance, clock = self._chance, _Clock(at, random.Random(f"{domain} {self._runs}"))
        run_id = foreign.uuid_of(chance, at)
        dag = foreign.DagRun(f"curate_{domain}", foreign.uuid_of(chance), at)
        yield foreign.dag_run(dag, "START", clock())
        caller = dag.caller("begin")
        own = dataclasses.replace(steps.run_step(run_id, started=at), caller=caller)
        yield _event(own, State.START, clock)
        moved = [d for d in datasets if chance.random() < share] or [datasets[0]]
        for one in moved:
            yield from self._dataset(one, run_id, dag, clock)
        release = dataclasses.replace(
            steps.release_step(run_id, {d.id: self.versions[d.id] for d in moved if d.id in self.versions}),
            caller=dag.caller("publish"),
        )  # fmt: skip
        self.releases += 1
        yield _event(release, State.START, clock)
        tags = {"release_id": self.releases}
        yield _event(dataclasses.replace(release, tags=tags), State.COMPLETE, clock)
        yield _event(own, State.COMPLETE, clock)
        if chance.random() > 0.01:  # now and then a scheduler dies: a run that never ends
            yield foreign.dag_run(dag, "COMPLETE", clock())

    def _dataset(
        self, one: Dataset, run_id: str, dag: foreign.DagRun, clock: Callable[[], datetime]
    ) -> Iterator[Event]:
        chance = self._chance
        edition = self.editions[one.id] = self.editions.get(one.id, 0) + (chance.random() < 0.05)
        now = changed(one, edition)
        task, batch = dag.task(one.id), foreign.uuid_of(chance, clock())
        reads = [self.platform.datasets[i] for i in one.inputs]
        told = [(foreign.OURS + LAKE, i.id) for i in reads if i.kind == "ours"]
        wrote = [(foreign.OURS + LAKE, one.id)]
        yield foreign.task(dag, task, "START", clock(), told, wrote)
        made, gate = self._steps(now, edition, reads, run_id, batch, task.caller)
        yield _event(made, State.START, clock)
        rows = chance.randint(100, 100_000)
        yield _event(_counted(made, rows), State.COMPLETE, clock)
        yield _event(dataclasses.replace(gate, assertions=()), State.START, clock)
        if chance.random() < 0.02:
            error = f"{one.id}: {rows} rows refused by rule key_required, nothing was committed."
            yield _event(dataclasses.replace(gate, error=error), State.FAIL, clock)
            yield foreign.task(dag, task, "FAIL", clock(), told, wrote)
            return
        version = self.versions[one.id] = self.versions.get(one.id, self._before - 1) + 1
        yield _event(_committed(gate, now, edition, version, rows), State.COMPLETE, clock)
        yield foreign.task(dag, task, "COMPLETE", clock(), told, wrote)

    def _steps(
        self, one: Dataset, edition: int, reads: Sequence[Dataset], run_id: str, batch: str, caller: Caller
    ) -> tuple[Step, Step]:  # fmt: skip
        """What makes a batch of the dataset, and what judges it."""
        inputs = tuple(
            dataclasses.replace(
                reference(i, self.editions.get(i.id, 0)),
                version=self.versions.get(i.id) if i.kind == "ours" else None,
                path=_path(i.id) if i.kind == "ours" else None,
            )
            for i in reads
        )
        staged = dataclasses.replace(reference(one, edition), locations=(steps.staged(batch),))
        kind = names.INGEST if one.level == 1 else names.BUILD
        common: dict[str, Any] = {
            "dataset": one.id, "parent_run_id": run_id, "tags": {"batch_id": batch},
            "owner": staged.owner, "caller": caller,
        }  # fmt: skip
        made = Step(
            kind, names.run_id(run_id, names.job(kind, one.id), batch),
            inputs=inputs, outputs=(staged,), column_lineage=one.made_of, row_lineage=one.rows,
            description=f"Makes {one.id} and stages a batch.",
            sql=None if one.level == 1 else _sql(one), **common,
        )  # fmt: skip
        gate = Step(
            names.GATE, names.run_id(run_id, names.job(names.GATE, one.id), batch),
            inputs=(staged, *_looked_up(inputs)), outputs=(reference(one, edition),),
            assertions=_verdicts(one),
            description=f"Judges a staged batch of {one.id} by its contract and commits it.", **common,
        )  # fmt: skip
        return made, gate


class _Clock:
    """Gives one instant after another, some seconds apart."""

    def __init__(self, at: datetime, chance: random.Random) -> None:
        self._at, self._chance = at, chance

    def __call__(self) -> datetime:
        self._at += timedelta(microseconds=self._chance.randint(20_000, 6_000_000))
        return self._at


_described: dict[tuple[str, int], DatasetRef] = {}


def reference(one: Dataset, edition: int) -> DatasetRef:
    """The dataset as its contract of that edition describes it: made once."""
    found = _described.get((one.id, edition))
    if found is None or found.columns.keys() != one.columns.keys():
        found = _described[one.id, edition] = _reference(one, edition)
    return found


def _reference(one: Dataset, edition: int) -> DatasetRef:
    personal = set(one.personal)
    tags: dict[str, dict[str, str]] = {}
    for column in one.columns:
        tags[column] = {"classification": "confidential" if column in personal else "internal"}
        if column in personal:
            tags[column]["personal_data"] = "true"
    source = one.kind == "source"
    return DatasetRef(
        one.id, is_source=source,
        columns=dict.fromkeys(one.columns, "") if source else one.columns,
        column_descriptions={} if source else {c: f"The {c} of a row of {one.id}." for c in one.columns},
        column_tags={} if source else tags,
        tags={} if source else {
            "contract_version": f"1.{edition}.0", "contract_hash": ids.digest(one.id, str(edition)),
        },
        description=f"What {one.domain} takes in." if source else f"Rows of {one.id}, one a key.",
        owner=f"team-{one.domain}", format="jsonl" if source else "delta",
        locations=(one.id.replace("*", "20240101"),) if source else (),
    )  # fmt: skip


def _looked_up(inputs: Sequence[DatasetRef]) -> tuple[DatasetRef, ...]:
    return tuple(i for i in inputs if not i.is_source)[:1]


def _path(dataset: str) -> str:
    return f"{ROOT}/{DatasetName.parse(dataset).path}"


def _sql(one: Dataset) -> str:
    listed = ",\n  ".join(
        f"{' + '.join(f'{i.dataset.split(chr(46))[-1]}.{i.column}' for i in inputs)} AS {column}"
        for column, inputs in one.made_of.items()
    )
    return f"SELECT\n  {listed}\nFROM {' JOIN '.join(one.inputs)}\nWHERE {one.rows[0].column} IS NOT NULL"


def _verdicts(one: Dataset) -> tuple[Assertion, ...]:
    return tuple(
        Assertion(
            f"{column}_{kind}", kind, True, ("fail", "quarantine", "warn")[n % 3], column,
            expected="no row without", description=f"{column} is {kind}.",
        )
        for n, column in enumerate([*one.columns][:14])
        for kind in (_RULES[n % len(_RULES)],)
    )  # fmt: skip


def _counted(step: Step, rows: int) -> Step:
    numbers = Statistics(rows, rows * 90, 1)
    outputs = tuple(dataclasses.replace(o, statistics=numbers) for o in step.outputs)
    inputs = tuple(dataclasses.replace(i, statistics=numbers) for i in step.inputs)
    return dataclasses.replace(step, inputs=inputs, outputs=outputs)


def _committed(step: Step, one: Dataset, edition: int, version: int, rows: int) -> Step:
    output = dataclasses.replace(
        reference(one, edition), version=version, path=_path(one.id),
        statistics=Statistics(rows, rows * 60, 1 + rows // 50_000),
    )  # fmt: skip
    tags = {**step.tags, "rows_read": rows, "rows_passed": rows, "rows_quarantined": 0}
    return dataclasses.replace(step, outputs=(output,), tags=tags)


def _event(step: Step, state: State, clock: Callable[[], datetime]) -> Event:
    return events.event(callers.tied(step), state, LAKE, clock())
