"""The ledgers: runs, batches, verdicts and releases as Delta tables, rebuilt from the logs if need be.

What a commit says of itself in its table's log is the truth; the ledgers are its index. A run
that died between a commit and its ledger row is caught up by :func:`reconcile`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.core import clock, failpoints, ids
from headgate.core import json as hjson
from headgate.core.secrets import redacted
from headgate.lake import attempts, lognames
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, literal
from headgate.lake.lake import Lake, log_key
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.lake.stage import stage

RUNS = "system.ledger.runs"
BATCHES = "system.ledger.batches"
VERDICTS = "system.ledger.verdicts"
RELEASES = "system.ledger.releases"
ALL = (RUNS, BATCHES, VERDICTS, RELEASES)
#: How rows lie in a file of a ledger that maintenance wrote. Runs append by time; most questions
#: are about one dataset, and this way each reads a part of a file and not all of it.
ORDER: Mapping[str, tuple[str, ...]] = {
    BATCHES: ("dataset", "committed_at", "batch_id"),
    VERDICTS: ("dataset", "judged_at", "batch_id", "rule_id"),
    RELEASES: ("dataset", "release_id"),
}
#: Kinds of batches that bring nothing new: a dataset is no fresher by them.
NOT_NEWS = ("restore", "audit", "rebuild", "compaction")


def append(
    con: Connection,
    lake: Lake,
    contracts: Mapping[str, Contract],
    ledger: str,
    rows: Sequence[Mapping[str, Any]],
    run_id: str,
) -> None:
    """Append rows to a ledger, once: rows whose key is there already are left out."""
    contract = contracts[ledger]
    columns = contract.table_columns
    rows = [redacted(row) for row in rows]

    def once() -> None:
        base = lake.snapshot(ledger)
        known = _keys(con, base, contract.key, rows)
        fresh = [r for r in rows if tuple(r[k] for k in contract.key) not in known]
        if not fresh:
            return
        _show(con, "_ledger_rows", columns, fresh)
        staged = stage(
            con, "SELECT * FROM _ledger_rows", columns, lake.staging(run_id), lake.settings
        )
        con.execute("DROP TABLE _ledger_rows")
        meta = CommitMeta(
            batch_id=ids.new_id(), run_id=run_id, dataset=ledger, kind="ledger", mode="append",
            source="run", content_hash="", contract_version=contract.version,
            contract_hash=contract.hash, committed_at=clock.now(),
            read=len(fresh), published=len(fresh),
        )  # fmt: skip
        commit(lake, ledger, base=base, columns=columns, add=staged, remove=(), meta=meta,
               key=contract.key)  # fmt: skip

    attempts.again(lake, lake.key(ledger), once)


def batch_row(meta: CommitMeta, version: int | None) -> dict[str, Any]:
    """A row of ``system.ledger.batches``."""
    names = ("batch_id", "run_id", "dataset", "kind", "source", "content_hash", "contract_version",
             "contract_hash", "code_hash", "outcome", "mode", "read", "published", "quarantined",
             "deduplicated", "refused", "committed_at")  # fmt: skip
    return {n: getattr(meta, n) for n in names} | {
        "version": version,
        "inputs": hjson.dumps(meta.inputs),
        "detail": hjson.dumps(meta.detail),
    }


def verdict_rows(meta: CommitMeta) -> list[dict[str, Any]]:
    """Rows of ``system.ledger.verdicts``: one a judged rule."""
    return [
        {
            "batch_id": meta.batch_id,
            "dataset": meta.dataset,
            "judged_at": meta.committed_at,
            "rule_id": v["rule_id"],
            "rule_kind": v["kind"],
            "column_name": v.get("column"),
            "severity": v["severity"],
            "scope": v["scope"],
            "passed": v["passed"],
            "breaches": v["breaches"],
            "observed": v.get("observed"),
            "expected": v["expected"],
        }
        for v in meta.verdicts
    ]


def release_rows(release: Release) -> list[dict[str, Any]]:
    """Rows of ``system.ledger.releases``: one a table; of a stream's release, one a table it moved."""
    return [
        {
            "release_id": release.id, "dataset": dataset, "version": table.version,
            "release_group": table.group, "run_id": release.run_id, "parent_id": release.parent,
            "published_at": release.published_at, "kind": release.kind,
        }
        for dataset, table in release.tables.items()
        if not release.moved or dataset in release.moved
    ]  # fmt: skip


def known_releases(lake: Lake, con: Connection) -> set[int]:
    """Numbers of the releases that the ledger knows."""
    base = lake.snapshot(RELEASES)
    if base is None:
        return set()
    found = con.execute(f"SELECT DISTINCT release_id FROM {base.relation(['release_id'])}")
    return {number for (number,) in found.fetchall()}


def unrecorded(
    con: Connection, lake: Lake, datasets: Iterable[str]
) -> list[tuple[CommitMeta, int]]:
    """Commits that are in a table's log and not in the ledger, oldest first, with their version."""
    base = lake.snapshot(BATCHES)
    known: dict[str, set[int]] = {}
    if base is not None:
        # Each by itself: a batch may be missing between others, if what followed it went wrong.
        query = f"SELECT dataset, list(version) FROM {base.relation()} GROUP BY 1"
        known = {d: set(found) for d, found in con.execute(query).fetchall()}
    found = []
    for dataset in datasets:
        key = lake.key(dataset)
        entered = known.get(dataset, set())
        for version in lognames.entries(lake.storage.names(f"{key}/_delta_log")):
            if version in entered:
                continue
            meta = CommitMeta.from_log(lake.storage.read(log_key(key, version)) or b"")
            if meta is not None:
                found.append((meta, version))
    return found


def record(
    con: Connection,
    lake: Lake,
    contracts: Mapping[str, Contract],
    batches: Sequence[tuple[CommitMeta, int | None]],
    run_id: str,
) -> None:
    """Enter batches, published or refused, and their verdicts."""
    if not batches:
        return
    failpoints.reach("ledger.before_append")
    verdicts = [row for meta, _ in batches for row in verdict_rows(meta)]
    if verdicts:
        append(con, lake, contracts, VERDICTS, verdicts, run_id)
    rows = [batch_row(meta, version) for meta, version in batches]
    append(con, lake, contracts, BATCHES, rows, run_id)
    failpoints.reach("ledger.appended")


def committed(con: Connection, lake: Lake, dataset: str, batch_id: str) -> bool:
    """Whether the batch is in its table's log: what the ledger knows, and what is there since."""
    if any(meta.batch_id == batch_id for meta, _ in unrecorded(con, lake, [dataset])):
        return True
    return bool(rows(lake, con, BATCHES, f"batch_id = {literal(batch_id)} AND version IS NOT NULL"))


def reconcile(
    con: Connection, lake: Lake, contracts: Mapping[str, Contract], run_id: str
) -> list[CommitMeta]:
    """Enter what earlier runs committed and did not live to record; tells what that was."""
    datasets = [d for d, c in contracts.items() if c.name.layer != "system"]
    late = unrecorded(con, lake, datasets)
    record(con, lake, contracts, late, run_id)
    return [meta for meta, _ in late]


def taken(con: Connection, lake: Lake) -> dict[str, dict[str, tuple[str, int]]]:
    """For each dataset: content hash to source name and size in bytes of every file taken.

    A file that was set aside as a whole by other settings than today's is to be taken anew.
    """
    base = lake.snapshot(BATCHES)
    if base is None:
        return {}
    columns = ["dataset", "kind", "outcome", "content_hash", "source", "detail"]
    query = (
        "SELECT dataset, content_hash, any_value(source),"
        " any_value((detail->>'$.bytes')::BIGINT)"
        f" FROM {base.relation(columns)}"
        " WHERE kind = 'ingest' AND outcome = 'published' AND coalesce("
        f"detail->>'$.tried_with' = {literal(hjson.dumps(lake.settings.of_reading()))}, TRUE)"
        " GROUP BY 1, 2"
    )
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for dataset, content, source, size in con.execute(query).fetchall():
        found.setdefault(dataset, {})[content] = (source, size)
    return found


def rows(lake: Lake, con: Connection, ledger: str, where: str = "TRUE", order: str = "1",
         limit: int = 1000) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of a ledger as mappings; empty before the first entry."""
    base = lake.snapshot(ledger)
    if base is None:
        return []
    found = con.execute(
        f"SELECT * FROM {base.relation()} WHERE {where} ORDER BY {order} LIMIT {limit}"
    )
    names = [d[0] for d in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _keys(
    con: Connection, base: Snapshot | None, key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> set[tuple[Any, ...]]:
    if base is None:
        return set()
    first = identifier(key[0])
    mine = {key[0]: base.columns[key[0]]}
    _show(con, "_ledger_keys", mine, [{key[0]: k} for k in sorted({r[key[0]] for r in rows})])
    found = con.execute(
        f"SELECT {identifiers(key)} FROM {base.relation(list(key))} WHERE {first} IN"
        f" (SELECT {first} FROM _ledger_keys)"
    ).fetchall()
    con.execute("DROP TABLE _ledger_keys")
    return set(found)


def _show(
    con: Connection, name: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Make rows a temporary table, by way of their JSON: no library need be imported for that."""
    kinds = hjson.dumps([{c: types.duckdb_type(t) for c, t in columns.items()}])
    text = hjson.dumps([{c: r.get(c) for c in columns} for r in rows])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {identifiers(columns)} FROM"
        " (SELECT unnest(from_json(?, ?), max_depth := 2))",
        [text, kinds],
    )
