"""Whether a query fits what it reads, and which columns it gives: asked of the engine, on empty tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.contracts import types
from headgate.contracts.names import DatasetName
from headgate.lake.engines.duckdb import Connection, identifier

#: The schema of relations that stand for parts of a query.
PARTS = "system_plan"


class EmptyTables:
    """Every dataset as an empty table on a connection of its own, made when first asked for.

    ``shapes`` is dataset id to column to type (of :mod:`headgate.contracts.types`).
    """

    def __init__(self, con: Connection, shapes: Mapping[str, Mapping[str, str]]) -> None:
        self.con, self.shapes = con, dict(shapes)
        self._made: dict[str, Mapping[str, str]] = {}
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {PARTS}")

    def put(self, dataset: str, columns: Mapping[str, str]) -> None:
        """Give a dataset other columns from now on."""
        self.shapes[dataset] = dict(columns)

    def columns_of(self, query: str, reads: Iterable[str]) -> dict[str, str]:
        """The columns that a query gives, to DuckDB's types.

        Raises:
            duckdb.Error: the query does not fit what it reads; the engine's own words.
        """
        for dataset in reads:
            self._make(dataset)
        found = self.con.execute(f"DESCRIBE {query}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in found}

    def part(self, name: str, columns: Mapping[str, str]) -> None:
        """Make the relation of a part of a query, with DuckDB's types."""
        self.con.execute(f"CREATE OR REPLACE TABLE {PARTS}.{name} ({_listed(columns)})")

    def _make(self, dataset: str) -> None:
        shape = self.shapes.get(dataset)
        if shape is None or self._made.get(dataset) == shape:
            return
        name = DatasetName.parse(dataset)
        self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name.schema)}")
        columns = {c: types.duckdb_type(t) for c, t in shape.items()}
        self.con.execute(f"CREATE OR REPLACE TABLE {name.relation} ({_listed(columns)})")
        self._made[dataset] = shape


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{identifier(c)} {kind}" for c, kind in columns.items())
