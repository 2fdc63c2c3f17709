"""A store's whole content by names, without the numbers it gives: two that hold the same are equal."""

from __future__ import annotations

import zlib
from typing import Any

import sqlalchemy as sa

from headgate.lineage.store import tables
from headgate.lineage.store.opening import Store

#: What says when or how far, or counts, and not what.
LEFT_OUT = {"id", "revision", "received_at"}


def dump(store: Store) -> dict[str, list[Any]]:
    """Every row of every table, sorted, with names and digests in the place of numbers."""
    with store.reading() as connection:
        rows = {
            table.name: [row._mapping for row in connection.execute(sa.select(table))]
            for table in tables.metadata.sorted_tables
            if table.name not in ("state", "taken_file", "token")
        }
    # What was said by the way, and by nobody when all was told, stays; it means nothing.
    for table in ("statement", "fact_value"):
        used = _used(rows, table)
        rows[table] = [r for r in rows[table] if r["id"] in used]
    statements = {r["id"] for r in rows["statement"]}
    edges = [r for r in rows["statement_edge"] if r["statement_id"] in statements]
    rows["statement_edge"] = edges
    names: dict[str, dict[int, Any]] = {
        "way": {r["id"]: (r["type"], r["subtype"]) for r in rows["way"]},
        "dataset": {r["id"]: (r["namespace"], r["name"]) for r in rows["dataset"]},
        "job": {r["id"]: (r["namespace"], r["name"]) for r in rows["job"]},
        "run": {r["id"]: r["uuid"] for r in rows["run"]},
        "release": {r["id"]: (r["namespace"], r["number"]) for r in rows["release"]},
    }
    # Tellings' digests are of the store's own numbers.
    del rows["telling"]
    names["telling"] = _tellings(rows["telling_facet"], names)
    for table in ("event", "statement", "fact_value"):
        names[table] = {r["id"]: bytes(r["digest"]).hex() for r in rows[table]}
    names["field"] = {
        r["id"]: (names["dataset"][r["dataset_id"]], r["name"]) for r in rows["field"]
    }
    rows["way"] = [r for r in rows["way"] if r["id"] in {e["way_id"] for e in edges}]
    found = {}
    for table in tables.metadata.sorted_tables:
        if table.name in rows:
            found[table.name] = sorted(
                (_row(table, row, names) for row in rows[table.name]), key=repr
            )
    return found


def _tellings(
    rows: list[Any], names: dict[str, dict[int, Any]]
) -> dict[int, tuple[tuple[Any, ...], ...]]:
    """Of which facets each tells, by names."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        subject = names[row["subject"]][row["subject_id"]]
        found.setdefault(row["telling_id"], []).append((row["subject"], subject, row["facet"]))
    return {number: tuple(sorted(told)) for number, told in found.items()}


def _used(rows: dict[str, list[Any]], name: str) -> set[Any]:
    """The numbers of a table's rows that others refer to."""
    return {
        row[column.name]
        for table in tables.metadata.sorted_tables
        if table.name in rows and table.name != "statement_edge"
        for column in table.c
        if column.info.get("to") == name
        for row in rows[table.name]
    }


def _row(table: sa.Table, row: Any, names: dict[str, dict[int, Any]]) -> tuple[Any, ...]:
    found = []
    for column in table.c:
        if column.name in LEFT_OUT and column.name != "way_id":
            continue
        value = row[column.name]
        if "to" in column.info and value is not None:
            value = names[column.info["to"]][value]  # of which there must be a row
        if column.name == "told_by":
            value = names["job"].get(value)
        elif column.name == "subject_id":
            value = names[row["subject"]][value]
        elif column.name == "slot" and value and value.startswith("job:"):
            value = names["job"][int(value[4:])]
        elif column.name == "body":
            value = zlib.decompress(value)
        found.append((column.name, bytes(value) if isinstance(value, memoryview) else value))
    return tuple(found)


def without_tellings(found: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A store's content but which facets events tell of, which is not known so well of old ones."""
    kept = {name: rows for name, rows in found.items() if name != "telling_facet"}
    kept["event"] = [
        tuple(pair for pair in row if pair[0] != "telling_id") for row in kept["event"]
    ]
    return kept
