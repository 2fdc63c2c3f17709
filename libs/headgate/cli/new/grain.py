"""What a query's syntax says of its rows: which columns identify one, which unit it recomputes."""

from __future__ import annotations

import re
from typing import Any

_JINJA = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TOUCHED = re.compile(r"\btouched\s+as\s*(?:not\s+)?(?:materialized\s*)?\(", re.IGNORECASE)


def grain(sql: str) -> list[str] | None:
    """The columns that identify a row of a query, where it groups, or keeps one row of each.

    None if its syntax does not tell. It is a guess: a value may be missing.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return None
    return _of(tree, {})


def touched_unit(template: str) -> str | None:
    """The first column of the common table expression ``touched`` of a model's file, if it has one.

    Without a contract a model is never built incrementally, so its file is looked at as it is.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    text = _JINJA.sub(" one ", _TAG.sub(" ", template))
    start = _TOUCHED.search(text)
    if start is None:
        return None
    depth, end = 1, start.end()
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    try:
        names = sqlglot.parse_one(text[start.end() : end - 1], dialect="duckdb").named_selects
    except SqlglotError:
        return None
    return str(names[0]) if names else None


def _of(query: Any, named: dict[str, Any]) -> list[str] | None:
    from sqlglot import exp

    if isinstance(query, exp.Subquery):
        return _of(query.this, named)
    if isinstance(query, exp.Union) and query.args.get("distinct"):
        return list(query.named_selects)
    if not isinstance(query, exp.Select):
        return None
    named = {**named, **{c.alias.lower(): c.this for c in query.ctes}}
    given = _given(query)
    found = _kept_one_of(query) or _grouped_by(query)
    if found is not None:
        outputs = [_output(e, given) for e in found]
        return [o for o in outputs if o] if all(outputs) and outputs else None
    if query.args.get("distinct"):
        return list(query.named_selects)
    return _passed_on(query, named, given)


def _given(query: Any) -> list[tuple[str, Any]]:
    """Output names and the expressions under them."""
    return [(e.alias_or_name, e.unalias()) for e in query.expressions]


def _grouped_by(query: Any) -> list[Any] | None:
    """The expressions of GROUP BY, of which a number means a column of the output."""
    from sqlglot import exp

    group = query.args.get("group")
    if group is None:
        return None
    if group.args.get("all"):
        return [e for _, e in _given(query) if not e.find(exp.AggFunc)]
    found = []
    for expression in group.expressions:
        if isinstance(expression, exp.Literal) and not expression.is_string:
            place = int(expression.this) - 1
            if not 0 <= place < len(query.expressions):
                return None
            expression = query.expressions[place].unalias()
        found.append(expression)
    return found


def _kept_one_of(query: Any) -> list[Any] | None:
    """What `qualify row_number() over (partition by …) = 1` keeps one row of."""
    from sqlglot import exp

    qualify = query.args.get("qualify")
    condition = qualify.this if qualify is not None else None
    if not isinstance(condition, exp.EQ) or condition.expression.sql() != "1":
        return None
    window = condition.this
    if isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber):
        return list(window.args.get("partition_by") or ())
    return None


def _output(expression: Any, given: list[tuple[str, Any]]) -> str | None:
    """The output column that is this expression, perhaps by its alias."""
    from sqlglot import exp

    for name, one in given:
        if one == expression:
            return name
    if isinstance(expression, exp.Column):
        for name, one in given:
            if isinstance(one, exp.Column) and one.name == expression.name:
                return name
            if name == expression.name and not expression.table:
                return name
    return None


def _passed_on(query: Any, named: dict[str, Any], given: list[tuple[str, Any]]) -> list[str] | None:
    """The grain of the only relation that is read, if the query gives all columns of it."""
    from sqlglot import exp

    source = query.args.get("from_") or query.args.get("from")
    if source is None or query.args.get("joins"):
        return None
    relation = source.this
    if isinstance(relation, exp.Table):
        if relation.db or relation.name.lower() not in named:
            return None
        rest = {k: v for k, v in named.items() if k != relation.name.lower()}
        below = _of(named[relation.name.lower()], rest)
    elif isinstance(relation, exp.Subquery):
        below = _of(relation, named)
    else:
        return None
    if below is None or any(e.find(exp.Explode, exp.Unnest) for _, e in given):
        return None
    if any(isinstance(e, exp.Star) for _, e in given):
        return below
    names = {e.name: n for n, e in given if isinstance(e, exp.Column)}
    return [names[b] for b in below] if all(b in names for b in below) else None
