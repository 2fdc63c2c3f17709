"""What was promised by what a command told: told so that it can be looked for after a power cut."""

from __future__ import annotations

import contextlib
from typing import Any

import duckdb

from headgate.core.errors import NotFoundError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.recovery import tables
from headgate.orchestration.project import Project
from tests.reliability.harness.states import rows_hash


def promised() -> dict[str, Any]:
    """Every version of every table that can be read (of ledgers and quarantine too) by its rows,
    every release, every batch and run in the ledgers, and every waiver.

    Maintenance takes versions away; one that cannot be read and was promised is looked for in vain.
    """
    project = Project.open()
    told: dict[str, Any] = {"versions": {}, "waived": {}}
    with connect(project.settings) as con:
        for key in tables(project.lake):
            name = key.replace("/", ".")
            quarantine = name.endswith("__quarantine")
            dataset = name.removesuffix("__quarantine")
            head = project.lake.snapshot(dataset, quarantine=quarantine)
            for number in range(head.version + 1 if head else 0):
                with contextlib.suppress(NotFoundError, duckdb.IOException):
                    found = project.lake.snapshot(dataset, number, quarantine=quarantine)
                    if found is not None:
                        told["versions"][f"{key}@{number}"] = rows_hash(con, found.relation())
            if quarantine and head is not None:
                rows = con.execute(
                    f"SELECT row_id FROM {head.relation()} WHERE state = 'waived'"
                ).fetchall()
                told["waived"] |= {row[0]: dataset for row in rows}
        told["batches"] = {
            b["batch_id"]: [b["dataset"], b["version"]]
            for b in ledger.rows(project.lake, con, ledger.BATCHES, limit=100_000)
        }
        told["runs"] = {
            r["run_id"]: r["outcome"]
            for r in ledger.rows(project.lake, con, ledger.RUNS, limit=100_000)
        }
    told["releases"] = {str(r.id): r.versions for r in project.releases.list()}
    return told
