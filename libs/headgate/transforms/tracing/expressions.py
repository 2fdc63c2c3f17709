"""What one expression of an optimized plan follows from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage.columns.ways import NOTHING, Inputs, direct, indirect, union

#: Functions and aggregates whose result depends on the order of rows. Names are written together.
_ORDERED = frozenset(
    [
        "first",
        "last",
        "implode",
        "shift",
        "diff",
        "cumsum",
        "cummin",
        "cummax",
        "cumprod",
        "cumcount",
        "fillnullwithstrategy",
        "interpolate",
        "pctchange",
        "argmin",
        "argmax",
        "searchsorted",
        "rle",
        "rleid",
        "isfirstdistinct",
        "islastdistinct",
        "reverse",
    ]
)
#: Functions that take the first value that is there.
_CHOOSING = frozenset({"coalesce", "fillnull"})
#: Functions that make one value, or few, of many.
_SUMMING = frozenset(
    [
        "any",
        "all",
        "mode",
        "nullcount",
        "product",
        "quantile",
        "skew",
        "kurtosis",
        "valuecounts",
        "unique",
        "uniquecounts",
        "argmin",
        "argmax",
        "approxnunique",
        "entropy",
        "topk",
    ]
)
#: Functions of the value where others are the most or the least; those come last.
_BY_OTHERS = frozenset(["maxby", "minby", "topkby"])


@dataclass
class Expressions:
    """The expressions of one node, over the columns of what it reads.

    ``view`` gives an expression by its number. ``order`` is what the order of rows follows from.
    What an expression adds to the rows (a list that it takes apart) is put into ``rows``.
    """

    view: Callable[[int], Any]
    columns: Mapping[str, Inputs]
    order: Inputs = NOTHING
    rows: set[Any] = field(default_factory=set)

    def trace(self, number: int) -> Inputs:
        """What the expression's values follow from.

        Raises:
            NotImplementedError: Polars does not show what it is.
        """
        expression = self.view(number)
        kind = type(expression).__name__
        method = getattr(self, f"_{kind.lower()}", None)
        if method is None:
            raise NotImplementedError(kind)
        found: Inputs = method(expression)
        return found

    def sorted_by(self) -> Inputs:
        """The order, as what it is to a value that depends on it."""
        return indirect(self.order, "SORT")

    def _all(self, numbers: Any) -> Inputs:
        return union(self.trace(n) for n in numbers)

    def _column(self, expression: Any) -> Inputs:
        return self.columns[expression.name]

    def _literal(self, expression: Any) -> Inputs:
        return NOTHING

    _len = _literal

    def _alias(self, expression: Any) -> Inputs:
        return self.trace(expression.expr)

    def _cast(self, expression: Any) -> Inputs:
        return direct(self.trace(expression.expr), "TRANSFORMATION")

    def _binaryexpr(self, expression: Any) -> Inputs:
        return direct(self._all([expression.left, expression.right]), "TRANSFORMATION")

    def _ternary(self, expression: Any) -> Inputs:
        tested = indirect(self.trace(expression.predicate), "CONDITIONAL")
        return tested | self._all([expression.truthy, expression.falsy])

    def _agg(self, expression: Any) -> Inputs:
        found = direct(self._all(expression.arguments), "AGGREGATION")
        ordered = str(expression.name).replace("_", "") in _ORDERED
        return found | self.sorted_by() if ordered else found

    def _function(self, expression: Any) -> Inputs:
        given = [self.trace(n) for n in expression.input]
        family, _, name = str(expression.function_data[0]).rpartition(".")
        name = name.lower().replace("_", "")
        if name in _CHOOSING:
            tested = given if name == "coalesce" else given[:1]
            return union(given) | indirect(union(tested), "CONDITIONAL")
        if name in _BY_OTHERS:
            return direct(given[0], "AGGREGATION") | indirect(union(given[1:]), "SORT")
        if family == "RollingFunctionBy":
            return direct(given[0], "AGGREGATION") | indirect(union(given[1:]), "WINDOW")
        if family == "RollingFunction":
            return direct(union(given), "AGGREGATION") | self.sorted_by()
        found = direct(union(given), "AGGREGATION" if name in _SUMMING else "TRANSFORMATION")
        return found | self.sorted_by() if name in _ORDERED or family == "EwmFunction" else found

    def _sort(self, expression: Any) -> Inputs:
        found = self.trace(expression.expr)
        return direct(found, "TRANSFORMATION") | indirect(found, "SORT")

    def _sortby(self, expression: Any) -> Inputs:
        inner = Expressions(self.view, self.columns, self._all(expression.by), self.rows)
        return inner.trace(expression.expr) | inner.sorted_by()

    def _gather(self, expression: Any) -> Inputs:
        chosen = indirect(self.trace(expression.idx), "JOIN")
        return self.trace(expression.expr) | chosen | self.sorted_by()

    def _filter(self, expression: Any) -> Inputs:
        return self.trace(expression.input) | indirect(self.trace(expression.by), "FILTER")

    def _slice(self, expression: Any) -> Inputs:
        cut = indirect(self._all([expression.offset, expression.length]), "FILTER")
        return self.trace(expression.input) | cut | self.sorted_by()

    def _explode(self, expression: Any) -> Inputs:
        found = self.trace(expression.expr if hasattr(expression, "expr") else expression.input)
        self.rows |= indirect(found, "JOIN")
        return direct(found, "TRANSFORMATION")

    def _window(self, expression: Any) -> Inputs:
        by = self._all(expression.partition_by)
        order = self.order
        if expression.order_by is not None:
            # Its own order stands in for that of the rows.
            by |= self.trace(expression.order_by)
            order = NOTHING
        inner = Expressions(self.view, self.columns, order, self.rows)
        found = inner.trace(expression.function)
        return direct(found, "TRANSFORMATION") | indirect(by, "WINDOW")

    def _rolling(self, expression: Any) -> Inputs:
        index = indirect(self.trace(expression.index_column), "WINDOW")
        return direct(self.trace(expression.function), "AGGREGATION") | index
