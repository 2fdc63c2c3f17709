"""What one expression of a query follows from: its syntax tree walked with the names in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import ErrorLevel, exp

from headgate.lineage.columns import functions
from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.scopes import Column, Scope
from headgate.lineage.columns.ways import NOTHING, Inputs, direct, indirect, union

#: Parts of a syntax tree that no value follows from: types, units, names of fields and options.
_SILENT = (
    exp.DataType, exp.Var, exp.Literal, exp.Null, exp.Boolean, exp.DataTypeParam, exp.JSONPath,
)  # fmt: skip
#: Classes besides conditions and functions whose parts simply make up their value.
_PLAIN = (
    exp.Condition, exp.Interval, exp.Tuple, exp.Slice, exp.Distinct, exp.Ordered, exp.Order,
    exp.IgnoreNulls, exp.RespectNulls, exp.AtTimeZone,
)  # fmt: skip


def value(node: Any, scope: Scope) -> Inputs:
    """What the value of an expression follows from, every way once.

    Raises:
        UntraceableError: a part of it cannot be followed.
    """
    handler = _handler(node)
    if handler is not None:
        return handler(node, scope)
    if isinstance(node, _SILENT):
        return NOTHING
    if isinstance(node, exp.Func) and functions.is_aggregate(node):
        return _aggregate(node, scope)
    if isinstance(node, _PLAIN):
        return direct(union(value(part, scope) for part in _parts(node)), "TRANSFORMATION")
    raise UntraceableError(f"{_told(node)} cannot be followed.")


def name_parts(node: Any) -> list[str]:
    """The parts of a column's name as written: ``a.b.c`` is three."""
    return [str(p.name) for p in node.parts]


def column(node: Any, scope: Scope) -> Column:
    """What an expression gives, under its own name."""
    inner = node.this if isinstance(node, exp.Alias) else node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Column):
        found = _found(inner, scope)
        return found.called(node.alias) if isinstance(node, exp.Alias) else found
    name = node.alias if isinstance(node, exp.Alias) else _own_name(inner)
    return Column(name, value(inner, scope))


def _own_name(node: Any) -> str:
    """The name that DuckDB gives to an expression without one, near enough."""
    return str(node.name) if isinstance(node, exp.Dot) else _sql(node)


def _sql(node: Any) -> str:
    # The parser would tell the log of what other dialects lack.
    return str(node.sql("duckdb", unsupported_level=ErrorLevel.IGNORE))


def _told(node: Any) -> str:
    text = " ".join(_sql(node).split())
    return f"`{text if len(text) <= 60 else text[:57] + '...'}` ({type(node).__name__})"


def _parts(node: Any) -> Iterator[Any]:
    """The expressions right below a node."""
    for part in node.args.values():
        for one in part if isinstance(part, list) else (part,):
            if isinstance(one, exp.Expr):
                yield one


def _found(node: Any, scope: Scope) -> Column:
    if isinstance(node.this, exp.Star):
        raise UntraceableError(f"{_told(node)} stands where one value is asked for.")
    return scope.find(name_parts(node))


def _column(node: Any, scope: Scope) -> Inputs:
    return _found(node, scope).inputs


def _identifier(node: Any, scope: Scope) -> Inputs:
    # A lambda's variable; or what a method is called on, which the parser takes for no column.
    return scope.find([node.name]).inputs


def _same(node: Any, scope: Scope) -> Inputs:
    return value(node.this, scope)


def _case(node: Any, scope: Scope) -> Inputs:
    tested, given = [], []
    if node.this is not None:
        tested.append(value(node.this, scope))
    for branch in node.args["ifs"]:
        tested.append(value(branch.this, scope))
        given.append(value(branch.args["true"], scope))
    if node.args.get("default") is not None:
        given.append(value(node.args["default"], scope))
    return indirect(union(tested), "CONDITIONAL") | union(given)


def _if(node: Any, scope: Scope) -> Inputs:
    given = [node.args.get("true"), node.args.get("false")]
    tested = indirect(value(node.this, scope), "CONDITIONAL")
    return tested | union(value(g, scope) for g in given if g is not None)


def _coalesce(node: Any, scope: Scope) -> Inputs:
    found = union(value(part, scope) for part in [node.this, *node.expressions])
    return found | indirect(found, "CONDITIONAL")


def _nullif(node: Any, scope: Scope) -> Inputs:
    given, compared = value(node.this, scope), value(node.expression, scope)
    return given | indirect(given | compared, "CONDITIONAL")


def _aggregate(node: Any, scope: Scope) -> Inputs:
    parts = list(_parts(node))
    sorting = NOTHING
    if functions.is_by_second(node) and len(parts) > 1:
        sorting = indirect(value(parts.pop(1), scope), "SORT")
    found = []
    for part in parts:
        if isinstance(part, exp.Star) and isinstance(node, exp.Count):
            continue
        while isinstance(part, exp.Order):
            sorting |= indirect(union(value(o.this, scope) for o in part.expressions), "SORT")
            part = part.this
        if part is not None:
            found.append(value(part, scope))
    return direct(union(found), "AGGREGATION") | sorting


def _filtered(node: Any, scope: Scope) -> Inputs:
    return value(node.this, scope) | indirect(value(node.expression.this, scope), "FILTER")


def _within_group(node: Any, scope: Scope) -> Inputs:
    given = value(node.this, scope)
    order = union(value(o.this, scope) for o in node.expression.expressions)
    # What is ordered is what a quantile or a mode is of; a list only comes in that order.
    if given:
        return given | indirect(order, "SORT")
    return direct(order, "AGGREGATION")


def _window(node: Any, scope: Scope) -> Inputs:
    given = direct(value(node.this, scope), "TRANSFORMATION")
    return given | indirect(union(_frame(node, scope)), "WINDOW")


def _frame(node: Any, scope: Scope) -> Iterator[Inputs]:
    """What the partition, order and bounds of a window follow from, also of one that it extends."""
    base = node.args.get("alias")
    if base is not None:
        if base.name.lower() not in scope.windows:
            raise UntraceableError(f"there is no window called {base.name}.")
        yield from _frame(scope.windows[base.name.lower()], scope)
    for part in node.args.get("partition_by") or ():
        yield value(part, scope)
    if node.args.get("order") is not None:
        for ordered in node.args["order"].expressions:
            yield value(ordered.this, scope)
    spec = node.args.get("spec")
    for bound in ("start", "end") if spec is not None else ():
        if isinstance(spec.args.get(bound), exp.Expr):
            yield value(spec.args[bound], scope)


def _lambda(node: Any, scope: Scope) -> Inputs:
    with _variables(scope, frozenset(v.name.lower() for v in node.expressions)):
        return value(node.this, scope)


def _comprehension(node: Any, scope: Scope) -> Inputs:
    names = [node.expression, node.args.get("position")]
    found = [value(node.args["iterator"], scope)]
    with _variables(scope, frozenset(n.name.lower() for n in names if n is not None)):
        found.append(value(node.this, scope))
        if node.args.get("condition") is not None:
            found.append(value(node.args["condition"], scope))
    return direct(union(found), "TRANSFORMATION")


class _variables:
    """Names that mean an element of a list while an expression is walked."""

    def __init__(self, scope: Scope, names: frozenset[str]) -> None:
        self.scope, self.names = scope, names

    def __enter__(self) -> None:
        self.scope.variables.append(self.names)

    def __exit__(self, *_: object) -> None:
        self.scope.variables.pop()


def _unnest(node: Any, scope: Scope) -> Inputs:
    parts = list(_parts(node))
    if len(parts) != 1:
        raise UntraceableError(f"{_told(node)} takes more than a list apart.")
    if isinstance(parts[0], exp.Column) and scope.find(name_parts(parts[0])).kind == "STRUCT":
        raise UntraceableError(f"{_told(node)} makes several columns of a struct.")
    found = direct(value(parts[0], scope), "TRANSFORMATION")
    # A list's length says how many rows there are.
    scope.unnested |= indirect(found, "JOIN")
    return found


def _in(node: Any, scope: Scope) -> Inputs:
    found = [value(p, scope) for p in [node.this, *node.expressions, node.args.get("field")] if p]
    if node.args.get("unnest") is not None:
        raise UntraceableError(f"{_told(node)} cannot be followed.")
    if node.args.get("query") is not None:
        found.append(_any_of(node.args["query"], scope))
    return direct(union(found), "TRANSFORMATION")


def _any_of(node: Any, scope: Scope) -> Inputs:
    """All rows of a subquery as one value."""
    return direct(_subquery(node, scope), "AGGREGATION")


def _quantified(node: Any, scope: Scope) -> Inputs:
    inner = node.this
    while isinstance(inner, exp.Paren):
        inner = inner.this
    return _any_of(inner, scope) if isinstance(inner, exp.Query) else value(inner, scope)


def _exists(node: Any, scope: Scope) -> Inputs:
    return scope.evaluate(node.this, scope).rows


def _subquery(node: Any, scope: Scope) -> Inputs:
    """One value that a query gives; it follows from the query's rows too."""
    table = scope.evaluate(node, scope)
    return union(c.inputs for c in table.columns) | table.rows


def _array(node: Any, scope: Scope) -> Inputs:
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        return _any_of(node.expressions[0], scope)
    return direct(union(value(e, scope) for e in node.expressions), "TRANSFORMATION")


def _field(node: Any, scope: Scope) -> Inputs:
    """``name := value`` of a struct or call; of a map the key is a value too."""
    key = NOTHING if isinstance(node.this, exp.Identifier) else value(node.this, scope)
    return key | value(node.expression, scope)


def _dot(node: Any, scope: Scope) -> Inputs:
    """A part of a struct, or a method called on a value."""
    found = [value(node.this, scope)]
    if isinstance(node.expression, exp.Func):
        found.append(value(node.expression, scope))
    elif not isinstance(node.expression, exp.Identifier):
        raise UntraceableError(f"{_told(node)} cannot be followed.")
    return direct(union(found), "TRANSFORMATION")


def _cast(node: Any, scope: Scope) -> Inputs:
    return direct(value(node.this, scope), "TRANSFORMATION")


def _nothing(_: Any, __: Scope) -> Inputs:
    return NOTHING


def _refused(node: Any, _: Scope) -> Inputs:
    raise UntraceableError(f"{_told(node)} cannot be followed.")


Handler = Callable[[Any, Scope], Inputs]
#: By class of the syntax tree; the first that fits, so what is special stands first.
_HANDLERS: dict[Any, Handler] = {
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Paren: _same,
    exp.Alias: _same,
    exp.Case: _case,
    exp.If: _if,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Filter: _filtered,
    exp.WithinGroup: _within_group,
    exp.Window: _window,
    exp.Lambda: _lambda,
    exp.Comprehension: _comprehension,
    exp.Explode: _unnest,
    exp.Unnest: _unnest,
    exp.In: _in,
    exp.Any: _quantified,
    exp.All: _quantified,
    exp.Exists: _exists,
    exp.Array: _array,
    exp.PropertyEQ: _field,
    exp.Dot: _dot,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Grouping: _nothing,
    exp.GroupingId: _nothing,
    exp.Columns: _refused,
    exp.Star: _refused,
    exp.Placeholder: _nothing,
}


def _handler(node: Any) -> Handler | None:
    found = _HANDLERS.get(type(node))
    if found is None and isinstance(node, exp.Query):
        return _subquery
    return found
