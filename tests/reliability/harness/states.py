"""What a lake holds, told so that two lakes compare: in a fork of the warm process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

import headgate
from headgate.contracts.names import DatasetName
from headgate.lake import ledger
from headgate.lake.engines.duckdb import Connection, connect, one
from headgate.lineage import log
from headgate.orchestration.project import Project

Told = dict[str, Any]


def rows_hash(con: Connection, relation: str) -> list[int]:
    """How many rows, how many different ones, and a hash of them all, whatever their order.

    Columns that begin with ``_`` are what a retry may write differently.
    """
    told = one(
        con,
        "SELECT count(*), count(DISTINCT h), sum(h)::VARCHAR FROM (SELECT hash(t) AS h FROM (SELECT"
        f" COLUMNS(lambda c: NOT starts_with(c, '_')) FROM {relation}) t)",
    )
    return [int(value or 0) for value in told]


def state() -> Told:
    """All that must be the same however often a run was killed on the way."""
    project = Project.open()
    lake, told = project.lake, Told()
    with connect(project.settings) as con:
        told["tables"] = {}
        told["quarantine"] = {}
        for dataset, contract in project.contracts.items():
            head = lake.snapshot(dataset)
            if head is None or contract.name.layer == "system":
                continue
            told["tables"][dataset] = [head.version, *rows_hash(con, head.relation())]
            aside = lake.snapshot(dataset, quarantine=True)
            if aside is not None:
                told["quarantine"][dataset] = con.execute(
                    f"SELECT row_id, raw, codes, state FROM {aside.relation()} ORDER BY ALL"
                ).fetchall()
        told["accounts"] = _accounts(project, con)
        told["ledger"] = _releases(project, con)
    told["chain"] = [
        [r.id, r.parent, r.kind, dict(sorted(r.versions.items()))] for r in project.releases.list()
    ]
    told["readers"] = readers()
    told["unfinished"] = len(log.unfinished(lake.root / project.settings.lineage_file))
    told["left"] = leftovers(lake.root)
    return told


def _accounts(project: Project, con: Connection) -> list[Any]:
    """Every batch as the ledger has it, with its verdicts; ids and times are each run's own."""
    batches = ledger.rows(project.lake, con, ledger.BATCHES, limit=100_000)
    verdicts: dict[str, list[Any]] = {}
    for v in ledger.rows(project.lake, con, ledger.VERDICTS, limit=1_000_000):
        verdicts.setdefault(v["batch_id"], []).append([v["rule_id"], v["passed"], v["breaches"]])
    names = ("dataset", "version", "kind", "source", "content_hash", "outcome", "mode", "read",
             "published", "quarantined", "deduplicated", "refused", "inputs")  # fmt: skip
    return sorted(
        [*(str(b[n]) for n in names), *map(str, sorted(verdicts.get(b["batch_id"], [])))]
        for b in batches
    )


def _releases(project: Project, con: Connection) -> list[Any]:
    found = ledger.rows(project.lake, con, ledger.RELEASES, limit=100_000)
    return sorted([r["release_id"], r["dataset"], r["version"], r["kind"]] for r in found)


def versions() -> Told:
    """Of each table the hash of each of its versions, by number."""
    project, told = Project.open(), Told()
    with connect(project.settings) as con:
        for dataset, contract in project.contracts.items():
            head = project.lake.snapshot(dataset)
            if head is None or contract.name.layer == "system":
                continue
            told[dataset] = {}
            for number in range(head.version + 1):
                found = project.lake.snapshot(dataset, number)
                assert found is not None
                told[dataset][number] = rows_hash(con, found.relation())
    return told


def heads() -> Told:
    """Of each table its newest version and that version's hash; every file of it is read."""
    project, told = Project.open(), Told()
    with connect(project.settings) as con:
        for dataset, contract in project.contracts.items():
            head = project.lake.snapshot(dataset)
            if head is not None and contract.name.layer != "system":
                told[dataset] = [head.version, rows_hash(con, head.relation())]
    return told


def readers() -> Told:
    """What readers see: by ``headgate.read`` in the newest release, and in the catalogue."""
    project = Project.open()
    newest, told = project.releases.newest(), Told()
    told["release"], told["tables"] = newest.id if newest else None, {}
    for dataset in newest.tables if newest else ():
        read = headgate.read(dataset, as_="duckdb", project=project)
        names = [f'"{c}"' for c in read.columns if not c.startswith("_")]
        hashed = read.project(f"hash(struct_pack({', '.join(names)})) AS h")
        found = hashed.aggregate("count(*), count(DISTINCT h), sum(h)::VARCHAR").fetchall()[0]
        told["tables"][dataset] = [int(v or 0) for v in found]
    told["catalog"] = _catalog(project)
    return told


def _catalog(project: Project) -> Told | None:
    path = project.lake.root / "catalog.duckdb"
    if not path.exists():
        return None
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        release = one(con, "SELECT release_id FROM headgate_release")[0]
        tables = Told()
        for dataset in project.releases.get(release).tables:
            view = DatasetName.parse(dataset).relation
            tables[dataset] = rows_hash(con, view)
    return {"release": release, "tables": tables}


def releases() -> Told:
    """What readers of each release see, by its number."""
    project, told = Project.open(), Told()
    with connect(project.settings) as con:
        for release in project.releases.list():
            told[str(release.id)] = {}
            for dataset, version in release.versions.items():
                found = project.lake.snapshot(dataset, version)
                assert found is not None
                told[str(release.id)][dataset] = rows_hash(con, found.relation())
    return told


def leftovers(lake: Path) -> list[str]:
    """Files that no run should leave: staged ones, spill, and drafts beside what they replace."""
    found = [p for p in (lake / "_staging").rglob("*") if p.is_file()]
    for folder, _, names in os.walk(lake):
        if "_cache" not in folder:
            found += [Path(folder, n) for n in names if n.startswith(".") or n.endswith(".tmp")]
    held = lake / "_locks" / "run.lock"
    if held.exists() and held.stat().st_size:
        found.append(held)
    return sorted({str(p.relative_to(lake)) for p in found})


def survey() -> Told:
    """What can be seen of a lake on which a process died: by readers, and of each table's head."""
    return {"readers": readers(), "heads": heads()}


TOLD: dict[str, Callable[[], Any]] = {
    "state": state, "versions": versions, "survey": survey, "releases": releases,
}  # fmt: skip
