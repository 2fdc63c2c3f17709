"""Two lakes of one project, one for each engine, given the same deliveries; and all that must be equal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.lake.content import content_hash
from headgate.lake.engines.duckdb import Connection, connect, identifiers
from headgate.orchestration.project import Project
from headgate.orchestration.report import RunReport
from headgate.orchestration.run import run
from headgate.quality.outcome import BatchOutcome
from tests.conftest import REPOSITORY

#: What a run says of itself, which two runs never say alike.
OWN = ("_batch_id", "_ingested_at")
QUARANTINE = "row_id, source, content_hash, position, raw, reasons, codes, state"


def lay_out(
    folder: Path, engine: str, contracts: Mapping[str, str], copied: Sequence[str]
) -> Project:
    """A project of the ``contracts`` (by name), and of those ``copied`` from the repository (globs)."""
    contracts_of_ours = REPOSITORY / "data_contracts"
    for found in (p for pattern in ("ledger/*", *copied) for p in contracts_of_ours.glob(pattern)):
        shutil.copytree(found, folder / "data_contracts" / found.relative_to(contracts_of_ours))
    for name, text in contracts.items():
        place = folder / "data_contracts" / "test" / name
        place.mkdir(parents=True)
        (place / "contract.odcs.yaml").write_text(text)
    configure(folder, engine)
    return Project.open(folder)


def configure(folder: Path, engine: str, more: str = "") -> Project:
    """Let the project's rows be worked on by ``engine``."""
    jars = REPOSITORY / ".tools" / "spark" / "jars"
    (folder / "headgate.toml").write_text(
        f'lake = "lake"\nengine = "{engine}"\nspark_master = "local[2]"\nspark_jars = "{jars}"\n{more}'
    )
    return Project.open(folder)


@dataclass
class Pair:
    """The same project on both engines."""

    duckdb: Project
    spark: Project

    def deliver(self, sources: Mapping[str, Sequence[Path]]) -> tuple[RunReport, RunReport]:
        """Give both the same files."""
        named = {dataset: [str(p) for p in paths] for dataset, paths in sources.items()}
        first, second = (
            run(p, sources=named, select=list(named)) for p in (self.duckdb, self.spark)
        )
        return first, second

    def equal(self, dataset: str) -> tuple[int, int]:
        """See that the tables of a dataset, and what was set aside, are the same; how many rows each.

        Raises:
            AssertionError: they are not.
        """
        with connect(self.duckdb.settings) as ours, connect(self.spark.settings) as theirs:
            mine, other = (p.lake.snapshot(dataset) for p in (self.duckdb, self.spark))
            assert (mine is None) == (other is None), dataset
            rows = 0
            if mine is not None and other is not None:
                assert list(mine.columns.items()) == list(other.columns.items()), dataset
                names = identifiers(c for c in mine.columns if c not in OWN)
                assert _rows(ours, names, mine) == _rows(theirs, names, other), dataset
                assert content_hash(ours, mine) == content_hash(theirs, other), dataset
                assert mine.rows == other.rows
                assert mine.meta is not None and other.meta is not None
                assert (mine.meta.engine, other.meta.engine) == ("duckdb", "spark")
                rows = mine.rows
            aside, away = (
                p.lake.snapshot(dataset, quarantine=True) for p in (self.duckdb, self.spark)
            )
            assert (aside is None) == (away is None), dataset
            if aside is None or away is None:
                return rows, 0
            assert _rows(ours, QUARANTINE, aside) == _rows(theirs, QUARANTINE, away), dataset
            return rows, aside.rows


def account(batch: BatchOutcome) -> dict[str, Any]:
    """What a batch came to, rule by rule."""
    results = batch.verdict.results if batch.verdict else ()
    judged = [
        (r.rule_id, r.severity, r.scope, r.passed, r.breaches, r.observed, r.expected)
        for r in results
    ]
    numbers = (batch.read, batch.published, batch.quarantined, batch.deduplicated, batch.refused)
    assert batch.read == sum(numbers[1:])
    return {
        "of": (batch.dataset, Path(batch.source).name, batch.outcome), "numbers": numbers,
        "problems": batch.problems, "judged": judged,
    }  # fmt: skip


def _rows(con: Connection, names: str, snapshot: Any) -> list[tuple[Any, ...]]:
    # As text: NaN equals itself there, and -0.0 is not 0.0.
    query = f"SELECT row({names})::VARCHAR AS r FROM {snapshot.relation()} ORDER BY r"
    return con.execute(query).fetchall()
