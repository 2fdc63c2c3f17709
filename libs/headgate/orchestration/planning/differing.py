"""Which columns of a query come out otherwise than those of another: told by its syntax, part by part.

A query is taken apart into its common table expressions and its own SELECT. Of each part it is
asked which expressions are written otherwise, and, through column lineage, which columns follow
from parts that are. What cannot be told counts as everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from headgate.orchestration.planning.plan import Influence

#: Gives the columns of a part that follow from changed parts: (part, all parts before it, changed
#: ones among them) -> influence.
Follow = Callable[[Any, Mapping[str, Any], Mapping[str, Influence]], Influence]
ALL = "*"
EVERYTHING = Influence((ALL,), rows=True)


@dataclass(frozen=True)
class _Parts:
    """A query taken apart: its common table expressions in order, and what is selected of them."""

    named: Mapping[str, Any]
    body: Any


def differing(old: str, new: str, follow: Follow) -> Influence:
    """What of the result of ``new`` may differ from that of ``old`` over the same tables.

    ``follow`` is asked of parts that read other parts which differ. A column :data:`ALL` stands
    for every one.
    """
    from sqlglot.errors import SqlglotError

    try:
        before, after = _taken_apart(old), _taken_apart(new)
    except SqlglotError:
        return EVERYTHING
    if before is None or after is None:
        return EVERYTHING
    changed: dict[str, Influence] = {}
    known: dict[str, Any] = {}
    for name, query in after.named.items():
        found = _of_part(
            before.named.get(name), query, changed, partial(follow, query, dict(known))
        )
        known[name] = query
        if found:
            changed[name] = found
    return _of_part(before.body, after.body, changed, partial(follow, after.body, known))


def _taken_apart(sql: str) -> _Parts | None:
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.eliminate_subqueries import eliminate_subqueries

    tree = sqlglot.parse_one(sql, dialect="duckdb")
    if not isinstance(tree, exp.Query):
        return None
    tree = eliminate_subqueries(tree)
    with_ = tree.args.get("with_") or tree.args.get("with")
    if with_ is None:
        return _Parts({}, tree)
    if with_.args.get("recursive"):
        return None
    named = {}
    for expression in with_.expressions:
        if expression.args["alias"].args.get("columns"):
            return None  # it renames columns by their places
        named[expression.alias] = expression.this
    with_.pop()
    return _Parts(named, tree)


def _of_part(
    old: Any,
    new: Any,
    changed: Mapping[str, Influence],
    follow: Callable[[Mapping[str, Influence]], Influence],
) -> Influence:
    own = EVERYTHING if old is None else _rewritten(old, new)
    if own.rows:
        return own
    read = {t.name for t in _tables(new) if not t.db} & changed.keys()
    if not read:
        return own
    if any(changed[name].rows for name in read):
        return EVERYTHING
    following = follow({name: changed[name] for name in sorted(read)})
    return joined([own, following])


def joined(found: list[Influence]) -> Influence:
    """All of them together."""
    columns = dict.fromkeys(c for one in found for c in one.columns)
    return Influence(tuple(columns), any(one.rows for one in found))


def _tables(query: Any) -> Any:
    from sqlglot import exp

    return query.find_all(exp.Table)


def _rewritten(old: Any, new: Any) -> Influence:
    """The columns of a part whose own expressions are written otherwise."""
    from sqlglot import exp

    if old == new:
        return Influence()
    if isinstance(old, exp.SetOperation) and isinstance(new, exp.SetOperation):
        return _set_operation(old, new)
    if not (isinstance(old, exp.Select) and isinstance(new, exp.Select)):
        return EVERYTHING
    if _frame(old) != _frame(new):
        return EVERYTHING
    before, after = _projections(old), _projections(new)
    if before is None or after is None:
        return EVERYTHING
    columns = {name for name, e in after.items() if before.get(name) != e}
    columns |= before.keys() - after.keys()  # others may use the alias of one that went
    return _with_users(new, after, columns)


def _frame(select: Any) -> Any:
    """A SELECT without what it selects; an order that limits nothing decides nothing."""
    from sqlglot import exp

    bare = select.copy()
    bare.set("expressions", [exp.Null()])
    if not any(bare.args.get(part) for part in ("limit", "offset", "fetch")):
        bare.set("order", None)
    return bare


def _projections(select: Any) -> dict[str, Any] | None:
    """Each output column's expression by name; None where names do not tell."""
    found: dict[str, Any] = {}
    for projection in select.expressions:
        name = projection.sql(dialect="duckdb") if projection.is_star else projection.alias_or_name
        if not name or name in found:
            return None
        found[name] = projection
    return found


def _with_users(select: Any, projections: Mapping[str, Any], columns: set[str]) -> Influence:
    """The columns that are written otherwise and those beside them that use their names."""
    from sqlglot import exp

    if not columns:
        return Influence()
    if any(projections[c].is_star for c in columns & projections.keys()):
        return EVERYTHING
    if select.args.get("distinct") or _by_place(select):
        return EVERYTHING
    for part in ("where", "group", "having", "qualify", "order", "joins"):
        for node in _listed(select.args.get(part)):
            if any(c.name in columns for c in node.find_all(exp.Column)):
                return EVERYTHING
    grown = set(columns)
    while True:
        users = {
            name
            for name, e in projections.items()
            if any(
                not c.table and c.name in grown and c.name != name for c in e.find_all(exp.Column)
            )
        }
        if users <= grown:
            return Influence(tuple(n for n in projections if n in grown))
        grown |= users


def _by_place(select: Any) -> bool:
    """Whether columns are grouped or ordered by their numbers, or by all of them."""
    from sqlglot import exp

    group, order = select.args.get("group"), select.args.get("order")
    if group is not None and (group.args.get("all") or not group.expressions):
        return True
    keys = [*(group.expressions if group else ()), *(order.expressions if order else ())]
    return any(isinstance(k.this if isinstance(k, exp.Ordered) else k, exp.Literal) for k in keys)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value is not None else []


def _set_operation(old: Any, new: Any) -> Influence:
    """Arms are compared one by one; their columns go by the names of the first arm."""
    from sqlglot import exp

    def bare(query: Any) -> Any:
        found = query.copy()
        found.set("this", exp.Null())
        found.set("expression", exp.Null())
        return found

    all_rows = isinstance(new, exp.Union) and not new.args.get("distinct")
    if type(old) is not type(new) or bare(old) != bare(new):
        return EVERYTHING
    arms = [(_open(old.this), _open(new.this)), (_open(old.expression), _open(new.expression))]
    found = [_rewritten(a, b) for a, b in arms]
    if any(f.rows for f in found) or (any(found) and not all_rows):
        return EVERYTHING
    if new.args.get("by_name"):
        return joined(found)
    if not any(found) and all(_names(a) == _names(b) for a, b in arms):
        return Influence()
    before, after = (_places(map(_names, side)) for side in zip(*arms, strict=True))
    if before is None or after is None or any(before.get(c, to) != to for c, to in after.items()):
        return EVERYTHING  # other columns are put together than before, or it cannot be told
    return joined([found[0], Influence(tuple(after.get(c, ALL) for c in found[1].columns))])


def _names(query: Any) -> list[str]:
    return [e.alias_or_name for e in query.selects]


def _places(arms: Iterable[list[str]]) -> dict[str, str] | None:
    """Names in the second arm to those in the first, by their places; None if they do not tell."""
    first, second = arms
    if "*" in (*first, *second) or len(first) != len(second) or len(set(second)) < len(second):
        return None
    return dict(zip(second, first, strict=True))


def _open(query: Any) -> Any:
    """What stands in brackets."""
    from sqlglot import exp

    while isinstance(query, exp.Subquery) and not query.alias:
        query = query.this
    return query
