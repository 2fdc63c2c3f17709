"""Which columns of a query's result follow from columns that changed, through column lineage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from headgate.contracts import types
from headgate.contracts.names import DatasetName
from headgate.lineage.columns import ColumnLineage, UntraceableError, of_sql
from headgate.orchestration.planning.binding import PARTS, EmptyTables
from headgate.orchestration.planning.differing import ALL, EVERYTHING, differing
from headgate.orchestration.planning.plan import Influence


class Following:
    """Answers for the models of one project; ``tables`` are its datasets, empty."""

    def __init__(self, tables: EmptyTables) -> None:
        self.tables = tables

    def differing(self, old: str, new: str, reads: Collection[str]) -> Influence:
        """What of a model's rows may differ between its SQL before and now, over the same inputs;
        ``reads`` are the datasets that the SQL of now reads."""

        def follow(
            part: Any, known: Mapping[str, Any], changed: Mapping[str, Influence]
        ) -> Influence:
            return self._part(part, known, changed, reads)

        return differing(old, new, follow)

    def through(self, lineage: ColumnLineage, changed: Mapping[str, Influence]) -> Influence:
        """What of a table's rows may differ where those of its inputs in ``changed`` do."""
        if any(one.rows for one in changed.values()):
            return EVERYTHING

        def touched(inputs: Iterable[Any]) -> bool:
            return any(
                {i.column, ALL} & set(changed[i.dataset].columns)
                for i in inputs
                if i.dataset in changed
            )

        if touched(lineage.rows):
            return EVERYTHING
        return Influence(tuple(c for c, inputs in lineage.columns.items() if touched(inputs)))

    def _part(
        self,
        part: Any,
        known: Mapping[str, Any],
        changed: Mapping[str, Influence],
        reads: Collection[str],
    ) -> Influence:
        """What of a part of a query follows from other parts of it, which are seen as tables."""
        import duckdb
        from sqlglot.errors import SqlglotError

        try:
            query, shapes, renamed = self._alone(part, known, reads)
            found = of_sql(query, shapes)
        except (UntraceableError, SqlglotError, duckdb.Error):
            return EVERYTHING
        return self.through(found, {renamed[n]: i for n, i in changed.items()})

    def _alone(
        self, part: Any, known: Mapping[str, Any], reads: Collection[str]
    ) -> tuple[str, dict[str, dict[str, str]], dict[str, str]]:
        """The part's SQL by itself, the columns of all that it reads, and what other parts are
        called in it."""
        from sqlglot import exp

        alone = part.copy()
        shapes = {}
        for dataset in reads:
            name, shape = DatasetName.parse(dataset), self.tables.shapes[dataset]
            kinds = {c: types.duckdb_type(t) for c, t in shape.items()}
            shapes[f"{name.schema}.{name.name}"] = kinds
        renamed: dict[str, str] = {}
        for table in list(alone.find_all(exp.Table)):
            name = table.name
            if table.db or name not in known:
                continue
            if name not in renamed:
                own = f"part_{len(renamed)}"
                renamed[name] = f"{PARTS.replace('_', '.')}.{own}"
                shapes[f"{PARTS}.{own}"] = self._columns(name, known, reads)
            own = renamed[name].rpartition(".")[2]
            other = exp.table_(own, db=PARTS, quoted=True, alias=table.alias or name)
            for key in ("joins", "laterals", "pivots", "sample"):
                if table.args.get(key):
                    other.set(key, table.args[key])
            table.replace(other)
        return alone.sql(dialect="duckdb"), shapes, renamed

    def _columns(
        self, name: str, known: Mapping[str, Any], reads: Collection[str]
    ) -> dict[str, str]:
        """The columns of one part, as the engine sees them."""
        listed = ", ".join(f'"{n}" AS ({q.sql(dialect="duckdb")})' for n, q in known.items())
        return self.tables.columns_of(f'WITH {listed} SELECT * FROM "{name}"', reads)
