"""What the columns and rows of an optimized plan follow from, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.ways import NOTHING, Inputs, direct, indirect, union
from headgate.lineage.steps import ColumnInput
from headgate.transforms.tracing.expressions import Expressions
from headgate.transforms.tracing.texts import Texts


@dataclass(frozen=True)
class Traced:
    """What a node gives: its columns, its rows, and the order of its rows follow from these."""

    columns: dict[str, Inputs]
    rows: Inputs = NOTHING
    order: Inputs = NOTHING


@dataclass
class Plan:
    """One optimized plan, walked from its end. ``view`` is Polars' own reader of plans.

    ``datasets`` gives the dataset of a frame by its height. ``aside`` is what the optimizer may
    read though nothing follows from it: what rows are sorted by, and what stands beside
    Python functions, which it does not leave out.
    """

    view: Any
    datasets: Mapping[int, str]
    texts: Texts
    aside: Inputs = NOTHING
    _known: dict[int, Traced] = field(default_factory=dict)

    def trace(self, number: int) -> Traced:
        """What the node of that number gives.

        Raises:
            UntraceableError: Polars does not show what it does.
        """
        if number not in self._known:
            self.view.set_node(number)
            try:
                node = self.view.view_current_node()
                inputs, names = list(self.view.get_inputs()), list(self.view.get_schema())
            except NotImplementedError as error:
                raise _untold(str(error)) from None
            kind = type(node).__name__
            method = getattr(self, f"_{kind.lower()}", None)
            if method is None:
                raise _untold(kind)
            given = [self.trace(i) for i in inputs]
            self.view.set_node(number)
            found: Traced = method(node, names, *given)
            columns = {name: found.columns[name] for name in names}
            self._known[number] = Traced(columns, found.rows, found.order)
        return self._known[number]

    def scanned(self) -> set[tuple[str, str]]:
        """Every column of an input that the plan still reads."""
        found: set[tuple[str, str]] = set()
        waiting, seen = [self.view.get_node()], set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            self.view.set_node(number)
            waiting += self.view.get_inputs()
            node = self.view.view_current_node()
            if type(node).__name__ == "DataFrameScan":
                dataset = self.datasets.get(int(node.df.height()))
                if dataset is not None:
                    found |= {(dataset, name) for name in self.view.get_schema()}
        return found

    def _dataframescan(self, node: Any, names: Sequence[str]) -> Traced:
        dataset = self.datasets.get(int(node.df.height()))
        if dataset is None:  # a table that the code holds itself
            return Traced(dict.fromkeys(names, NOTHING))
        found = {n: frozenset({ColumnInput(dataset, n, "DIRECT", "IDENTITY")}) for n in names}
        return Traced(found)

    def _simpleprojection(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        return given

    _cache = _simpleprojection

    def _select(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        columns, rows = self._made(node.expr, given)
        return Traced(columns, given.rows | rows, given.order)

    def _hstack(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        columns, rows = self._made(node.exprs, given)
        return Traced({**given.columns, **columns}, given.rows | rows, given.order)

    def _filter(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        rows = given.rows | self._deciding([node.predicate], given, "FILTER")
        return Traced(given.columns, rows, given.order)

    def _groupby(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        if node.apply:
            raise _untold("a Python function over groups")
        keys, _ = self._made(node.keys, given)
        made, _ = self._made(node.aggs, given, "AGGREGATION")
        columns = {name: direct(inputs, "AGGREGATION") for name, inputs in made.items()}
        by = union(keys.values())
        for option in ("rolling", "dynamic"):
            window = getattr(node.options, option, None)
            if window is not None:
                index = given.columns[window.index_column]
                keys[window.index_column] = direct(index, "TRANSFORMATION")
                by |= index
        return Traced({**keys, **columns}, given.rows | indirect(by, "GROUP_BY"))

    def _sort(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        made, _ = self._made(node.by_column, given)
        order = union(made.values())
        self.aside |= order
        rows = indirect(order, "SORT") if node.slice is not None else NOTHING
        return Traced(given.columns, given.rows | rows, order)

    def _slice(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        return Traced(given.columns, given.rows | indirect(given.order, "SORT"), given.order)

    def _distinct(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        keep, subset = node.options[0], node.options[1]
        by = union(given.columns[c] for c in (subset or given.columns))
        kept = indirect(given.order, "SORT") if keep in ("first", "last") and subset else NOTHING
        return Traced(given.columns, given.rows | indirect(by, "GROUP_BY") | kept, given.order)

    def _union(self, node: Any, names: Sequence[str], *given: Traced) -> Traced:
        columns = {n: union(g.columns[n] for g in given) for n in names}
        return Traced(columns, union(g.rows for g in given))

    def _mergesorted(self, node: Any, names: Sequence[str], *given: Traced) -> Traced:
        order = union(g.columns[c] for g in given for c in node.key)
        found = self._union(node, names, *given)
        return Traced(found.columns, found.rows, order)

    def _hconcat(self, node: Any, names: Sequence[str], *given: Traced) -> Traced:
        columns = {n: i for g in given for n, i in g.columns.items()}
        return Traced(columns, union(g.rows | indirect(g.order, "JOIN") for g in given))

    def _join(self, node: Any, names: Sequence[str], left: Traced, right: Traced) -> Traced:
        how, _, _, suffix, coalesced, _ = node.options
        kind = how[0] if isinstance(how, tuple) else how
        keys = self._deciding(node.left_on, left, "JOIN")
        keys |= self._deciding(node.right_on, right, "JOIN")
        if kind == "AsOf":
            by = [left.columns[c] for c in how[4] or ()] + [right.columns[c] for c in how[5] or ()]
            keys |= indirect(union(by), "JOIN")
        columns = dict(_joined(names, left, right, suffix))
        if coalesced and kind in ("Full", "Right"):
            for ours, theirs in zip(node.left_on, node.right_on, strict=True):
                both = right.columns[theirs.output_name]
                if kind == "Full":
                    both |= left.columns[ours.output_name]
                name = ours.output_name if kind == "Full" else theirs.output_name
                columns[name] = both
        if node.predicate is not None:
            every = Traced({**_suffixed(left, right, suffix), **columns}, NOTHING)
            keys |= self._deciding([node.predicate], every, "JOIN")
        order = left.order if kind in ("Left", "Semi", "Anti", "AsOf") else NOTHING
        return Traced(columns, left.rows | right.rows | keys, order)

    def _mapfunction(self, node: Any, names: Sequence[str], given: Traced) -> Traced:
        name, *arguments = node.function
        if name == "row_index":
            place = {arguments[0]: indirect(given.order, "WINDOW")}
            return Traced({**given.columns, **place}, given.rows, given.order)
        if name == "explode":
            taken = {c: direct(given.columns[c], "TRANSFORMATION") for c in arguments[0]}
            rows = given.rows | indirect(union(taken.values()), "JOIN")
            return Traced({**given.columns, **taken}, rows, given.order)
        if name == "unnest":
            columns: dict[str, Inputs] = {}
            parts = union(given.columns[c] for c in arguments[0])
            for new in names:
                columns[new] = given.columns.get(new) or direct(parts, "TRANSFORMATION")
            return Traced(columns, given.rows, given.order)
        if name == "rename":
            renamed = dict(zip(arguments[0], arguments[1], strict=True))
            columns = {renamed.get(c, c): i for c, i in given.columns.items()}
            return Traced(columns, given.rows, given.order)
        if name == "unpivot":
            kept, molten, variable, value = arguments
            columns = {c: given.columns[c] for c in kept}
            columns[variable] = NOTHING
            columns[value] = union(given.columns[c] for c in molten)
            self.aside |= union(given.columns.values())
            return Traced(columns, given.rows)
        if name in ("rechunk", "hint_sorted"):
            return given
        raise _untold(name)

    def _made(
        self, expressions: Iterable[Any], given: Traced, way: str = "TRANSFORMATION"
    ) -> tuple[dict[str, Inputs], Inputs]:
        """The columns that a node makes, and what its expressions add to the rows."""
        walk = Expressions(self.view.view_expression, given.columns, given.order)
        columns: dict[str, Inputs] = {}
        opaque = False
        for expression in expressions:
            name = expression.output_name
            try:
                columns[name] = walk.trace(expression.node)
            except NotImplementedError:
                columns[name] = self.texts.trace(name, given.columns, given.order, way)
                opaque = True
        if opaque:
            self.aside |= union(columns.values())
        return columns, frozenset(walk.rows)

    def _deciding(self, expressions: Iterable[Any], given: Traced, way: str) -> Inputs:
        made, rows = self._made(expressions, given)
        return indirect(union(made.values()), way) | rows


def _joined(
    names: Sequence[str], left: Traced, right: Traced, suffix: str
) -> Iterator[tuple[str, Inputs]]:
    for name in names:
        if name in left.columns:
            yield name, left.columns[name]
        elif name in right.columns:
            yield name, right.columns[name]
        else:
            yield name, right.columns[name.removesuffix(suffix)]


def _suffixed(left: Traced, right: Traced, suffix: str) -> dict[str, Inputs]:
    """Both sides' columns, as a condition over a pair of rows names them."""
    theirs = {f"{c}{suffix}" if c in left.columns else c: i for c, i in right.columns.items()}
    return {**theirs, **left.columns}


def _untold(what: str) -> UntraceableError:
    return UntraceableError(f"Polars does not tell where columns come from beyond {what}.")
