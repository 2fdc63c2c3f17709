"""Column lineage: which input columns every output column of a query is made from."""

from headgate.lineage.columns.model import ColumnLineage, UntraceableError
from headgate.lineage.columns.sql import of_sql

__all__ = ["ColumnLineage", "UntraceableError", "of_sql"]
