"""Which model is kept up to date while messages come, and how far: what the commits of its table say.

A commit that counts open windows only tells how far it read the stream (``read``), and as of when
windows were closed (``closed``). The versions that it names as its inputs stay those of the last run:
of them the table holds everything, and the next run goes on from there, late rows included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.contracts.model import Contract, LiveSpec
from headgate.core import clock
from headgate.core.errors import LakeError, UsageError
from headgate.lake.engines.duckdb import Connection, identifier, literal, one
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import COMPACTION, CommitMeta
from headgate.lake.snapshot import Snapshot, relation
from headgate.orchestration import curating
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.order import topological, upstream
from headgate.orchestration.project import Project

#: In the detail of a commit: that it counted open windows only, and how far it read.
KEY = "live"


@dataclass(frozen=True)
class LiveModel:
    """A dataset that is kept up to date.

    ``streams`` are the datasets that messages are taken into, ``before`` the curated ones between
    them and the model, each after those it is made from; ``fed`` are those of the model's own
    ``inputs`` that follow from streams.
    """

    contract: Contract
    spec: LiveSpec
    streams: tuple[str, ...]
    before: tuple[str, ...]
    inputs: tuple[str, ...]
    fed: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One commit of open windows: what of the stream it read beyond what was read before, and as of
    when windows were closed to it; ``watermark`` is as of when they are to the next one."""

    since: Mapping[str, int]
    read: Mapping[str, int]
    closed: datetime | None
    watermark: datetime | None

    def told(self) -> dict[str, Any]:
        """The form that goes into a commit's detail."""
        return {
            "since": dict(self.since), "read": dict(self.read),
            "closed": clock.iso(self.closed) if self.closed else None,
            "watermark": clock.iso(self.watermark) if self.watermark else None,
        }  # fmt: skip

    @classmethod
    def of(cls, meta: CommitMeta | None) -> Step | None:
        """The step that a commit was, if it was one."""
        told = meta.detail.get(KEY) if meta else None
        if not isinstance(told, Mapping):
            return None
        closed, mark = (clock.parse_iso(t) if (t := told[n]) else None
                        for n in ("closed", "watermark"))  # fmt: skip
        since, read = ({str(d): int(v) for d, v in told[n].items()} for n in ("since", "read"))
        return cls(since, read, closed, mark)


def model_of(project: Project, dataset: str, sources: Sources | None = None) -> LiveModel:
    """The dataset as one that is kept up to date.

    Raises:
        UsageError: its contract does not say so, or no stream leads to it.
        ModelError: a model reads what does not exist.
    """
    contract = project.contracts[dataset]
    if contract.live is None:
        known = [d for d, c in project.contracts.items() if c.live]
        raise UsageError(
            f"{dataset} is not kept up to date while messages come: its contract has no headgate.live.",
            remedy=f"Choose one of {', '.join(known)}." if known else "Say headgate.live there.",
            place=str(contract.path),
        )
    graph, contracts = curating.graph_of(project), project.contracts
    inputs = (sources or Sources(project)).inputs[contract.id]
    fed = {d for d in graph if any(contracts[s].stream for s in (d, *upstream(graph, d)))}
    above = upstream(graph, contract.id)
    found = LiveModel(
        contract, contract.live,
        streams=tuple(sorted(d for d in above if contracts[d].stream)),
        before=tuple(d for d in topological(graph) if d in above & fed and contracts[d].curated),
        inputs=tuple(inputs), fed=tuple(d for d in inputs if d in fed),
    )  # fmt: skip
    if not found.fed:
        raise UsageError(
            f"no stream leads to {dataset}: nothing that it is made from has headgate.stream.",
            remedy="Leave headgate.live out of its contract: headgate run builds it.",
            place=str(contract.path),
        )
    for d in found.fed:
        contracts[d].column(found.spec.event_time)  # it has one, or says that it has not
    return found


def columns_read(contract: Contract, sql: str) -> list[str]:
    """The columns of an input that a model's compiled SQL may read: those that it names anywhere."""
    words = set(re.findall(r"\w+", sql))
    return [c for c in contract.table_columns if c in words]


def steps(lake: Lake, base: Snapshot) -> list[Step]:
    """The commits of open windows since the last run built the table, the oldest first.

    Raises:
        LakeError: the log does not reach back to that.
    """
    found: list[Step] = []
    for version in range(base.version, -1, -1):
        entry = lake.storage.read(log_key(lake.key(base.dataset), version))
        meta = CommitMeta.from_log(entry) if entry else None
        if meta is None:
            raise LakeError(
                f"the log of {base.dataset} does not reach back to its last run.",
                remedy=f"Build it: headgate run --select {base.dataset}",
                place=lake.storage.uri(lake.key(base.dataset)),
            )
        step = Step.of(meta)
        if meta.kind == COMPACTION:
            continue
        if step is None:
            break
        found.append(step)
    return found[::-1]


def watermark(
    con: Connection, spec: LiveSpec, snapshots: Iterable[Snapshot | None]
) -> datetime | None:
    """As of when windows are closed once these versions of the stream's tables were read: the newest
    event less the watermark, of the table that is furthest behind. None while one has no row.

    A message from the future closes nothing that the clock does not.
    """
    found = []
    for snapshot in snapshots:
        newest = _newest(con, snapshot, spec.event_time) if snapshot else None
        if newest is None:
            return None
        found.append(min(newest, clock.now()) - timedelta(seconds=spec.watermark_seconds))
    return min(found, default=None)


def _newest(con: Connection, snapshot: Snapshot, column: str) -> datetime | None:
    """The greatest value of a column, from the files whose statistics do not rule it out."""
    known = [f.maximum[column] for f in snapshot.files if f.maximum.get(column) is not None]
    files = [f for f in snapshot.files if not known or f.maximum.get(column) in (None, max(known))]
    rows = relation(files, {column: snapshot.columns[column]})
    newest = one(con, f"SELECT epoch_us(max({identifier(column)})) FROM {rows}")[0]
    return None if newest is None else clock.moment(int(newest))


def is_open(spec: LiveSpec, closed: datetime | None) -> str:
    """A condition on a window: it is not closed as of then."""
    if closed is None:
        return "TRUE"
    start, minutes = identifier(spec.window_start), identifier(spec.window_minutes)
    return (
        f"({start} + to_minutes(CAST({minutes} AS INTEGER)) > "
        f"CAST({literal(clock.iso(closed))} AS TIMESTAMPTZ))"
    )
