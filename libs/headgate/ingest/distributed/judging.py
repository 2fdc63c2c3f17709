"""Rows that tasks have read, judged by the distributed engine: what the reading process does on one machine.

Rows are counted, compared and written by the engine; what comes here of them is the positions of
those that contradict each other. The raw text of rows that are set aside is fetched by a second
look at the file, in a task again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core.errors import RefusedError
from headgate.ingest import deletions
from headgate.ingest.distributed import reading
from headgate.ingest.duplicates import Duplicates, resolve
from headgate.ingest.isolation.request import Request
from headgate.ingest.readers.base import Reason
from headgate.ingest.taken import Taken
from headgate.lake.engines.duckdb import Connection, identifiers, one
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import gate
from headgate.quality.parents import hold
from headgate.quality.predicates import (
    CompiledRule,
    compile_row_rules,
    conjunction,
    judged_sql,
    keeping_out,
)


def judge(session: Session, request: Request, taken: Taken) -> Taken | Reason:
    """What the file comes to once its rows were judged; a reason, if it is set aside after all.

    Raises:
        HeadgateError: a rule cannot be judged, or nothing can be staged.
    """
    if not taken.staged:
        return taken
    con = session.engine(request.contract)
    hold(con, request.parents, session.held(con))
    parents = {p.rule_id: p.table for p in request.parents}
    rules = compile_row_rules(request.contract, parents=parents)
    return _Judging(session, con, request, taken, keeping_out(rules)).outcome()


@dataclass
class _Judging:
    session: Session
    con: Connection
    request: Request
    taken: Taken
    rules: tuple[CompiledRule, ...]

    def outcome(self) -> Taken | Reason:
        """Judge, set aside, settle repeated keys, part tombstones; in the order of the embedded engine."""
        taken, contract, session = self.taken, self.contract, self.session
        broken, breaches = self._count()
        if broken + taken.quarantined > gate.share_limit(session, contract) * taken.read:
            # The batch is refused whatever follows.
            return dataclasses.replace(
                taken, quarantined=taken.quarantined + broken, breaches=breaches
            )
        listed, present = [], list(taken.present)
        good = list(taken.staged)
        if broken:
            holds = conjunction(self.rules)
            good = self._stage(
                f"SELECT {identifiers(contract.table_columns)} FROM"
                f" {self._rows(taken.staged)} WHERE {holds}",
                contract.table_columns,
            )
            listed += self._reasons()
            present += self._present(taken.staged, f"NOT ({holds})")
        settled = resolve(self.con, contract, good, session)
        if settled.conflicts:
            places = ", ".join(map(str, settled.conflicts))
            present += self._present(good, f"_position IN ({places})")
        paths = (*(f.path for f in listed), *self._conflicts(settled))
        refused = self._refused(paths) if paths else Taken(taken.content_hash, taken.read)
        if isinstance(refused, Reason):
            return refused
        live, dead = deletions.part(self.con, contract, settled.staged, session)
        return dataclasses.replace(
            taken, staged=tuple(live), tombstones=tuple(dead), present=tuple(present),
            refused=(*taken.refused, *refused.refused),
            quarantined=taken.quarantined + refused.quarantined,
            codes=_summed(taken.codes, refused.codes), breaches=breaches,
            deduplicated=settled.repeated, conflicts=len(settled.conflicts),
        )  # fmt: skip

    @property
    def contract(self) -> Contract:
        """The contract that the rows are judged by."""
        return self.request.contract

    def _count(self) -> tuple[int, dict[str, int]]:
        """How many rows break a rule that keeps them out, and how many each; in one scan."""
        if not self.rules:
            return 0, {}
        held = ", ".join(f"({r.holds}) AS h{i}" for i, r in enumerate(self.rules))
        every = " AND ".join(f"h{i}" for i in range(len(self.rules)))
        counts = ", ".join(f"count(*) FILTER (WHERE NOT h{i})" for i in range(len(self.rules)))
        broken, *each = one(
            self.con,
            f"SELECT count(*) FILTER (WHERE NOT ({every})), {counts}"
            f" FROM (SELECT {held} FROM {self._rows(self.taken.staged)})",
        )
        found = {r.rule.id: int(n) for r, n in zip(self.rules, each, strict=True) if n}
        return int(broken), found

    def _rows(self, files: Sequence[StagedFile]) -> str:
        return relation([f.as_data_file() for f in files], self.contract.table_columns)

    def _stage(self, query: str, columns: Mapping[str, str]) -> list[StagedFile]:
        return stage(self.con, query, columns, self.session.staging, self.session.settings)

    def _reasons(self) -> list[StagedFile]:
        """The positions of rows that break a rule, each with the ids of those that it breaks."""
        columns = {"_position": "long", "_why": "array<string>"}
        judged = judged_sql(self.rules, self._rows(self.taken.staged))
        return self._stage(f"SELECT _position, _why FROM ({judged}) WHERE len(_why) > 0", columns)

    def _present(self, files: Sequence[StagedFile], where: str) -> list[StagedFile]:
        """The keys of rows that are set aside and yet were delivered; none but of a snapshot."""
        if not self.contract.delivery.snapshot:
            return []
        columns = {k: self.contract.table_columns[k] for k in self.contract.key}
        query = f"SELECT {identifiers(columns)} FROM {self._rows(files)} WHERE {where}"
        return self._stage(query, columns)

    def _conflicts(self, settled: Duplicates) -> list[Path]:
        """A file that says of each row that contradicts others where those stand."""
        if not settled.conflicts:
            return []
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([("_position", pa.int64()), ("_others", pa.list_(pa.int64()))])
        rows = [{"_position": p, "_others": list(o)} for p, o in sorted(settled.conflicts.items())]
        path = self.session.staging / f"{ids.new_id()}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        return [path]

    def _refused(self, listed: tuple[Path, ...]) -> Taken | Reason:
        """The rows that are set aside, with their raw text; read by a task."""
        asked = dataclasses.replace(self.request, refusing=listed)
        found = reading.take(asked, self.session)
        if isinstance(found, Taken) and found.content_hash != self.taken.content_hash:
            raise RefusedError(
                f"{self.request.source.name} was changed while it was read.",
                remedy="Run again when it is complete; nothing of it was published.",
            )
        return found


def _summed(one_: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {k: one_.get(k, 0) + other.get(k, 0) for k in (*one_, *other)}
