"""What is known of a dataset's columns: what each is made from, and what decides which rows there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.core import json as hjson
from headgate.core.errors import HeadgateError
from headgate.lineage.steps import ColumnInput


class UntraceableError(HeadgateError):
    """Where a query's columns come from cannot be told; the message names the construct."""


@dataclass(frozen=True)
class ColumnLineage:
    """Where the columns of one output come from, in OpenLineage's words (see :class:`ColumnInput`).

    ``columns`` maps every output column, in the output's order, to what its values follow from:
    sorted, each way an input takes part once; empty for a constant or ``count(*)``. ``rows`` are
    the columns that decide which rows there are and which of them meet: those of joins, filters,
    grouping, of order under a limit. They are of the output as a whole.
    """

    columns: Mapping[str, tuple[ColumnInput, ...]] = field(default_factory=dict)
    rows: tuple[ColumnInput, ...] = ()

    def to_json(self) -> str:
        """One line of JSON, from which :meth:`from_json` makes an equal object."""
        # As pairs: canonical JSON sorts the keys of an object, and columns have an order.
        columns = [[name, [list(i) for i in inputs]] for name, inputs in self.columns.items()]
        return hjson.dumps({"columns": columns, "rows": [list(i) for i in self.rows]})

    @classmethod
    def from_json(cls, text: str) -> ColumnLineage:
        """The lineage that :meth:`to_json` wrote.

        Raises:
            ValueError: the text is no such thing.
        """
        try:
            told = hjson.loads(text)
            columns = {n: tuple(ColumnInput(*i) for i in inputs) for n, inputs in told["columns"]}
            return cls(columns, tuple(ColumnInput(*i) for i in told["rows"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no column lineage: {error}") from None
