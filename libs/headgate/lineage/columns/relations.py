"""What stands in a FROM: tables, subqueries, lists and series, and how joins put them together."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from headgate.lineage.columns.expressions import value
from headgate.lineage.columns.model import UntraceableError
from headgate.lineage.columns.scopes import Column, Scope, Source, Table, merge_using
from headgate.lineage.columns.ways import NOTHING, Inputs, direct, indirect, union

#: Functions that make rows of their arguments alone.
_SERIES = {"range", "generate_series"}


def add_from(node: Any, scope: Scope) -> Inputs:
    """Add what a SELECT reads to its scope; gives what the rows follow from by then."""
    rows = []
    start = node.args.get("from_")
    if start is not None:
        rows.append(_add(start.this, scope))
    for join in node.args.get("joins") or ():
        rows.append(_join(join, scope))
    return union(rows)


def _add(node: Any, scope: Scope) -> Inputs:
    found = source(node, scope)
    scope.add(found)
    rows = [found.table.rows]
    for join in node.args.get("joins") or ():
        rows.append(_join(join, scope))
    return union(rows)


def _join(join: Any, scope: Scope) -> Inputs:
    if join.args.get("pivots") or join.args.get("match_condition") is not None:
        raise UntraceableError(f"this join cannot be followed: {join.sql('duckdb')[:60]}.")
    right = source(join.this, scope)
    rows = [right.table.rows]
    kind, side = (join.kind or "").upper(), (join.side or "").upper()
    hidden = kind in ("SEMI", "ANTI") or side in ("SEMI", "ANTI")
    before = list(scope.visible)
    names = [u.name for u in join.args.get("using") or ()]
    if (join.method or "").upper() == "NATURAL":
        theirs = {c.name.lower() for c in right.table.columns}
        names = [c.name for c in before if c.name.lower() in theirs]
    if names:
        rows.append(merge_using(scope, right, names, side))
    else:
        scope.add(right)
    if join.args.get("on") is not None:
        rows.append(indirect(value(join.args["on"], scope), "JOIN"))
    if hidden:
        scope.sources.remove(right)
        scope.visible = before
    # A relation in parentheses may come with joins of its own.
    for inner in join.this.args.get("joins") or () if isinstance(join.this, exp.Table) else ():
        rows.append(_join(inner, scope))
    return union(rows)


def source(node: Any, scope: Scope) -> Source:
    """One relation as its FROM names it; a subquery may use what stands before it.

    Raises:
        UntraceableError: it is unknown, or nothing tells its columns.
    """
    if node.args.get("pivots"):
        raise UntraceableError("PIVOT cannot be followed.")
    alias = node.alias.lower() if node.args.get("alias") is not None else ""
    names = [c.name for c in node.args["alias"].args.get("columns") or ()] if alias else []
    schema = ""
    if isinstance(node, exp.Lateral):
        table = _lateral(node.this, alias, names, scope)
    elif isinstance(node, exp.Unnest):
        table = _unnest(node, alias, names, scope)
    elif isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            table = _function(node.this, alias, names, scope)
        else:
            table = _table(node, scope)
            alias, schema = alias or node.name.lower(), "" if alias else node.db.lower()
    elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
        table = _parenthesised(node, scope)
    else:
        table = scope.evaluate(node, scope)
    return Source(alias, schema, table.renamed(names).distinct_names())


def values(node: Any, scope: Scope) -> Table:
    """The rows of a VALUES: what stands in one place of each row makes up one column."""
    rows = [t.expressions if isinstance(t, exp.Tuple) else [t] for t in node.expressions]
    columns = zip(*rows, strict=True)
    return Table(
        tuple(Column(f"col{i}", union(value(v, scope) for v in c)) for i, c in enumerate(columns))
    )


def _table(node: Any, scope: Scope) -> Table:
    if not node.db and node.name.lower() in scope.ctes:
        return scope.ctes[node.name.lower()]()
    if node.args.get("when") is not None or node.args.get("version") is not None:
        raise UntraceableError(f"an earlier version of {node.name} cannot be followed.")
    return scope.relation(node.db, node.name)


def _parenthesised(node: Any, scope: Scope) -> Table:
    """A join in parentheses as one relation."""
    inner = scope.inner()
    rows = add_from(exp.Select(from_=exp.From(this=node.this)), inner)
    return Table(tuple(inner.visible), rows)


def _lateral(node: Any, alias: str, names: list[str], scope: Scope) -> Table:
    if isinstance(node, exp.Subquery):
        return scope.evaluate(node, scope)
    if isinstance(node, exp.Unnest):
        return _unnest(node, alias, names, scope)
    return _function(node, alias, names, scope)


def _unnest(node: Any, alias: str, names: list[str], scope: Scope) -> Table:
    """Lists taken apart, one row an element: a join with what holds the list."""
    found = [direct(value(e, scope), "TRANSFORMATION") for e in node.expressions]
    default = [alias or "unnest"] if len(found) == 1 and not names else ["unnest"] * len(found)
    columns = [Column(n, i) for n, i in zip(default, found, strict=True)]
    ordinal = node.args.get("offset")
    if ordinal:
        # The parser takes the name of the last column for it, if there are names.
        columns.append(Column(getattr(ordinal, "name", "ordinality"), NOTHING))
    return Table(tuple(columns), indirect(union(found), "JOIN"))


def _function(node: Any, alias: str, names: list[str], scope: Scope) -> Table:
    if isinstance(node, exp.Unnest | exp.Explode):
        given = [node.this] if isinstance(node, exp.Explode) else node.expressions
        return _unnest(exp.Unnest(expressions=given), alias, names, scope)
    series = _function_name(node)
    if series not in _SERIES:
        raise UntraceableError(
            f"{series}(…) reads what no contract describes.",
            remedy="Take such data in as a source with a contract.",
        )
    found = direct(value(node, scope), "TRANSFORMATION")
    name = alias if alias and not names else series
    return Table((Column(name, found),), indirect(found, "JOIN"))


def _function_name(node: Any) -> str:
    if isinstance(node, exp.GenerateSeries):
        return "range" if node.args.get("is_end_exclusive") else "generate_series"
    return str(node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
