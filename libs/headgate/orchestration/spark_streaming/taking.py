"""Rows that tasks staged, judged by Spark's SQL: those that break no rule stay, the others are set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from headgate.contracts.model import PLACE, Contract
from headgate.core import clock, ids
from headgate.core.errors import LakeError
from headgate.ingest.streams.source import Messages
from headgate.ingest.streams.taking import Decoder
from headgate.ingest.taken import Taken
from headgate.lake.engines import EngineError
from headgate.lake.engines.duckdb import identifiers, one
from headgate.lake.engines.spark.kafka_stream import AwayError, failing
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.orchestration.spark_streaming import tasks
from headgate.orchestration.spark_streaming.staged import Staged, accounts
from headgate.quality import gate, quarantine
from headgate.quality.parents import hold, wanted
from headgate.quality.predicates import (
    CompiledRule,
    compile_row_rules,
    conjunction,
    keeping_out,
    reasons_sql,
)

if TYPE_CHECKING:
    from headgate.lake.engines.duckdb import Connection
    from headgate.lake.engines.spark.connection import SparkConnection

#: How long a broker may be away while messages are fetched again, in seconds.
_PATIENCE = 60.0


@dataclass
class SparkTaking:
    """What :class:`headgate.ingest.streams.taking.Taking` is, for messages that tasks have staged."""

    session: Session
    contract: Contract
    topic: str
    decoder: Callable[[], Decoder | None]

    def begin(self, messages: Messages) -> str:
        """The id of the batch as which the messages are taken."""
        assert isinstance(messages, Staged)
        return messages.batch_id

    def take(self, messages: Messages, batch_id: str) -> gate.Intake:
        """Judge the staged rows; those that break a rule go to quarantine with every reason.

        Raises:
            HeadgateError: a rule cannot be judged, or nothing can be staged.
        """
        assert isinstance(messages, Staged)
        try:
            with clock.held(clock.parse_iso(messages.at)):
                return self._take(messages)
        except EngineError as error:
            raise LakeError(
                f"Spark could not judge messages of {self.topic}: {error}",
                remedy="Nothing of them was taken; start it again.",
            ) from error

    def _take(self, messages: Staged) -> gate.Intake:
        session, contract = self.session, self.contract
        con = session.engine(contract)
        _forget_files(con)
        parents = wanted(session, contract)
        hold(con, parents, session.held(con))
        tables = {p.rule_id: p.table for p in parents}
        rules = keeping_out(compile_row_rules(contract, parents=tables))
        taken = list(messages.taken)
        staged = [f for t in taken for f in t.staged]
        breaches: dict[str, int] = {}
        if staged and rules:
            broken, breaches = _counted(con, self._rows(staged), rules)
            if broken:
                taken += self._refused(messages, self._broken(con, staged, rules))
                holds = conjunction(rules)
                query = (
                    f"SELECT {identifiers(contract.table_columns)} FROM {self._rows(staged)}"
                    f" WHERE {holds}"
                )
                staged = stage(
                    con, query, contract.table_columns, session.staging, session.settings
                )
        writer = quarantine.Writer(
            session.con, contract, session, self.topic, "", messages.batch_id
        )
        writer.files = [f for t in taken for f in t.refused]
        writer.rows = sum(t.quarantined for t in taken)
        writer.codes = _summed(t.codes for t in taken)
        return gate.Intake(
            len(messages), staged, writer, breaches=breaches,
            reading=_summed(t.reading for t in taken), warnings=_summed(t.warnings for t in taken),
        )  # fmt: skip

    def _rows(self, files: Sequence[StagedFile]) -> str:
        return relation([f.as_data_file() for f in files], self.contract.table_columns)

    def _broken(
        self, con: Connection, staged: Sequence[StagedFile], rules: tuple[CompiledRule, ...]
    ) -> dict[tuple[str, int], tuple[str, ...]]:
        """Where the rows stand that break a rule, and which rules each breaks."""
        found = con.execute(
            f"SELECT {identifiers(PLACE)}, {reasons_sql(rules)} AS _why FROM {self._rows(staged)}"
            f" WHERE NOT ({conjunction(rules)})"
        ).fetchall()
        return {(source, position): tuple(why) for source, position, why in found}

    def _refused(
        self, messages: Staged, why: Mapping[tuple[str, int], tuple[str, ...]]
    ) -> list[Taken]:
        """The messages set aside with their raw text, which tasks fetch from the broker again."""
        assert messages.rows is not None
        folder = self.session.staging / f"batch-{ids.new_id()}"
        folder.mkdir(parents=True)
        asked = tasks.Asked(
            self.session.settings, self.contract, self.topic, messages.batch_id, folder,
            messages.at, self.decoder, why,
        )  # fmt: skip
        places: dict[int, list[int]] = {}
        for source, position in why:
            places.setdefault(int(source.rpartition("/")[2]), []).append(position)
        where = " OR ".join(
            f"(partition = {p} AND offset IN ({', '.join(map(str, sorted(those)))}))"
            for p, those in sorted(places.items())
        )
        until = clock.monotonic() + _PATIENCE
        while True:
            try:
                with failing():
                    rows = messages.rows.frame.where(where).coalesce(1)
                    told = rows.mapInArrow(partial(tasks.take, asked=asked), tasks.SCHEMA).toArrow()
                    return accounts(told.column("told").to_pylist(), folder)
            except AwayError:
                if clock.monotonic() > until:
                    raise
                clock.sleep(1.0)


def _forget_files(con: Connection) -> None:
    """Drop what the batch before made of its files: a stream goes on for longer than a run."""
    for name in [n for n in cast("SparkConnection", con).schemas if n.startswith("_files_")]:
        con.execute(f"DROP VIEW IF EXISTS {name}")


def _counted(
    con: Connection, rows: str, rules: tuple[CompiledRule, ...]
) -> tuple[int, dict[str, int]]:
    """How many rows break a rule, and how many each; in one scan."""
    held = ", ".join(f"({r.holds}) AS h{i}" for i, r in enumerate(rules))
    every = " AND ".join(f"h{i}" for i in range(len(rules)))
    counts = ", ".join(f"count(*) FILTER (WHERE NOT h{i})" for i in range(len(rules)))
    broken, *each = one(
        con,
        f"SELECT count(*) FILTER (WHERE NOT ({every})), {counts} FROM (SELECT {held} FROM {rows})",
    )
    return int(broken), {r.rule.id: int(n) for r, n in zip(rules, each, strict=True) if n}


def _summed(parts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)
