"""What a query gives: its columns, and what its rows follow from; walked from its FROM outwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from headgate.lineage.columns import functions, relations
from headgate.lineage.columns.expressions import column, name_parts, value
from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.scopes import Column, Scope, Source, Table
from headgate.lineage.columns.ways import NOTHING, Inputs, indirect, union

#: Parts of a SELECT that are understood; any other is refused.
_KNOWN = {"with_", "expressions", "from_", "joins", "where", "group", "having", "qualify", "windows",
          "distinct", "order", "limit", "offset", "sample"}  # fmt: skip


def evaluate(node: Any, scope: Scope) -> Table:
    """What a query gives within a scope, which is not changed.

    Raises:
        UntraceableError: a part of it cannot be followed.
    """
    inner = scope.inner()
    if node.args.get("with_") is not None:
        inner.ctes = _with(node.args["with_"], inner)
    if isinstance(node, exp.Select):
        return _select(node, inner)
    if isinstance(node, exp.SetOperation):
        return _cut(node, _set_operation(node, inner), inner)
    if isinstance(node, exp.Subquery):
        return _cut(node, _wrapped(node, inner), inner)
    if isinstance(node, exp.Values):
        return relations.values(node, inner)
    if isinstance(node, exp.Table):
        return relations.source(node, inner).table
    raise UntraceableError(f"{type(node).__name__} is no query that can be followed.")


def _wrapped(node: Any, scope: Scope) -> Table:
    if node.args.get("pivots"):
        raise UntraceableError("PIVOT cannot be followed.")
    return evaluate(node.this, scope)


def _with(node: Any, scope: Scope) -> Mapping[str, Callable[[], Table]]:
    """What each name of a WITH gives, worked out when it is first asked for."""
    known = dict(scope.ctes)
    for cte in node.expressions:
        # Each sees those before it, and itself only where it is recursive.
        body = Scope(scope.evaluate, scope.relation, parent=scope.parent, ctes=dict(known))
        known[cte.alias.lower()] = _once(cte, body, bool(node.args.get("recursive")))
    return known


def _once(cte: Any, scope: Scope, recursive: bool) -> Callable[[], Table]:
    found: list[Table] = []

    def table() -> Table:
        if not found:
            names = [c.name for c in cte.args["alias"].args.get("columns") or ()]
            loops = recursive and isinstance(cte.this, exp.SetOperation)
            given = _recursive(cte, scope, names) if loops else evaluate(cte.this, scope)
            found.append(given.renamed(names).distinct_names())
        return found[0]

    return table


def _recursive(cte: Any, scope: Scope, names: list[str]) -> Table:
    """A table that reads itself: from its first part on, until another round adds nothing."""
    first = cte.this.this
    latest = evaluate(first, scope).renamed(names)
    while True:
        known = latest
        again = Scope(scope.evaluate, scope.relation, parent=scope.parent,
                      ctes={**scope.ctes, cte.alias.lower(): lambda known=known: known})  # type: ignore[misc]  # fmt: skip
        latest = evaluate(cte.this, again).renamed(names)
        if latest == known:
            return latest


def _select(node: Any, scope: Scope) -> Table:
    for part, given in node.args.items():
        if given and part not in _KNOWN:
            raise UntraceableError(f"{part.strip('_').upper()} cannot be followed.")
    rows = [relations.add_from(node, scope)]
    for window in node.args.get("windows") or ():
        scope.windows[window.name.lower()] = window
    columns = list(_projection(node, scope))
    for part in ("where", "having", "qualify"):
        if node.args.get(part) is not None:
            rows.append(indirect(value(node.args[part].this, scope), "FILTER"))
    if node.args.get("group") is not None:
        rows.append(indirect(_grouping(node, columns, scope), "GROUP_BY"))
    rows.append(_distinct(node, columns, scope))
    table = _cut(node, Table(tuple(columns), union(rows)), scope)
    return Table(table.columns, table.rows | scope.unnested)


def _projection(node: Any, scope: Scope) -> Iterator[Column]:
    """The columns of a SELECT, in order; each may use the names of those before it."""
    for item in node.expressions:
        inner = item.this if isinstance(item, exp.Column) else item
        if isinstance(inner, exp.Star):
            qualifier = name_parts(item)[:-1] if isinstance(item, exp.Column) else []
            yield from _star(inner, qualifier, scope)
            continue
        found = column(item, scope)
        if isinstance(item, exp.Alias):
            scope.aliases.setdefault(item.alias.lower(), found)
        yield found


def _star(star: Any, qualifier: list[str], scope: Scope) -> Iterator[Column]:
    columns = scope.visible
    if qualifier:
        source = scope.source(qualifier[-1], qualifier[-2] if len(qualifier) > 1 else "")
        if source is None:
            raise UntraceableError(f"{'.'.join(qualifier)}.* is of no relation that is read there.")
        columns = list(source.table.columns)
    elif not scope.sources:
        raise UntraceableError("* stands where nothing is read.")
    replaced = {r.alias.lower(): r for r in star.args.get("replace") or ()}
    renamed = {r.this.name.lower(): r.alias for r in star.args.get("rename") or ()}
    left_out = {e.name.lower() for e in star.args.get("except_") or ()}
    if unknown := {k for k, v in star.args.items() if v} - {"except_", "replace", "rename"}:
        raise UntraceableError(f"* {', '.join(sorted(unknown))} cannot be followed.")
    for one in columns:
        if one.key in replaced:
            yield Column(one.name, value(replaced[one.key].this, scope))
        elif one.key not in left_out:
            yield one.called(renamed[one.key]) if one.key in renamed else one


def _grouping(node: Any, columns: list[Column], scope: Scope) -> Inputs:
    group = node.args["group"]
    if group.args.get("all"):
        return union(_ungrouped(node, scope))
    items = list(group.expressions)
    for part in ("grouping_sets", "cube", "rollup"):
        items += group.args.get(part) or ()
    return union(_place(item, columns, scope) for item in items)


def _ungrouped(node: Any, scope: Scope) -> Iterator[Inputs]:
    """Of GROUP BY ALL: the items of the SELECT in which nothing is aggregated."""
    for item in node.expressions:
        if isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        ):
            qualifier = name_parts(item)[:-1] if isinstance(item, exp.Column) else []
            star = item if isinstance(item, exp.Star) else item.this
            yield from (c.inputs for c in _star(star, qualifier, scope))
        elif not _aggregates(item):
            yield value(item, scope)


def _aggregates(item: Any) -> bool:
    if isinstance(item, exp.Query):
        return False
    if isinstance(item, exp.Func) and functions.is_aggregate(item):
        return True
    parts = (p for a in item.args.values() for p in (a if isinstance(a, list) else [a]))
    return any(_aggregates(p) for p in parts if isinstance(p, exp.Expr))


def _place(item: Any, columns: list[Column], scope: Scope, *, alias_first: bool = False) -> Inputs:
    """What an item of GROUP BY or ORDER BY means: a position, a column, an alias, an expression."""
    if isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple | exp.Paren):
        inner = [item.this] if isinstance(item, exp.Paren) else item.expressions
        return union(_place(i, columns, scope, alias_first=alias_first) for i in inner)
    if isinstance(item, exp.Literal) and not item.is_string:
        position = int(item.this)
        if not 1 <= position <= len(columns):
            raise UntraceableError(f"there is no column {position} to order or group by.")
        return columns[position - 1].inputs
    if alias_first and isinstance(item, exp.Var) and item.name.upper() == "ALL":
        return union(c.inputs for c in columns)
    if alias_first and isinstance(item, exp.Column) and not item.table:
        named = [c for c in columns if c.key == item.name.lower()]
        if named:
            return named[0].inputs
    return value(item, scope)


def _distinct(node: Any, columns: list[Column], scope: Scope) -> Inputs:
    distinct = node.args.get("distinct")
    if distinct is None:
        return NOTHING
    if distinct.args.get("on") is None:
        return indirect(union(c.inputs for c in columns), "GROUP_BY")
    return indirect(_place(distinct.args["on"], columns, scope, alias_first=True), "GROUP_BY")


def _cut(node: Any, table: Table, scope: Scope) -> Table:
    """The table with what a LIMIT, or DISTINCT ON, makes its rows follow from: their order."""
    limits = [node.args.get("limit"), node.args.get("offset")]
    distinct = node.args.get("distinct")
    chooses = isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None
    if not chooses and not any(limits):
        return table
    rows = [table.rows]
    if not scope.sources and not isinstance(node, exp.Select):
        scope = scope.inner()
        scope.add(Source("", "", table))
    order = node.args.get("order")
    for ordered in order.expressions if order is not None else ():
        found = _place(ordered.this, list(table.columns), scope, alias_first=True)
        rows.append(indirect(found, "SORT"))
    for limit in limits:
        if limit is not None and limit.args.get("expression") is not None:
            rows.append(indirect(value(limit.expression, scope), "FILTER"))
    return Table(table.columns, union(rows))


def _set_operation(node: Any, scope: Scope) -> Table:
    left, right = evaluate(node.this, scope), evaluate(node.expression, scope)
    if node.args.get("by_name"):
        pairs = list(_by_name(left, right))
    elif len(left.columns) == len(right.columns):
        pairs = [(c.name, c, d) for c, d in zip(left.columns, right.columns, strict=True)]
    else:
        raise UntraceableError(
            f"{type(node).__name__.upper()} of {len(left.columns)} and {len(right.columns)} columns."
        )
    rows = left.rows | right.rows
    if isinstance(node, exp.Union):
        columns = [Column(n, union(c.inputs for c in both if c)) for n, *both in pairs]
    else:
        # What is left over are rows of the first; both say which.
        columns = [Column(n, c.inputs if c else NOTHING) for n, c, _ in pairs]
        compared = union(c.inputs for _, *both in pairs for c in both if c)
        rows |= indirect(compared, "FILTER")
    if node.args.get("distinct"):
        rows |= indirect(union(c.inputs for c in columns), "GROUP_BY")
    return Table(tuple(columns), rows)


def _by_name(left: Table, right: Table) -> Iterator[tuple[str, Column | None, Column | None]]:
    theirs = {c.key: c for c in right.columns}
    for one in left.columns:
        yield one.name, one, theirs.pop(one.key, None)
    for other in theirs.values():
        yield other.name, None, other
