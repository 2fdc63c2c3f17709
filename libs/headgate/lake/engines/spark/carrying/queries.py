"""Queries as DuckDB's parse gives them, written as Spark SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.expressions import Expressions
from headgate.lake.engines.spark.carrying.relations import Relations
from headgate.lake.engines.spark.carrying.scopes import Relation, Scope
from headgate.lake.engines.spark.carrying.unions import by_name
from headgate.lake.engines.spark.carrying.values import Value, quoted
from headgate.lake.engines.spark.carrying.windows import ordered

Node = Mapping[str, Any]
Query = tuple[str, list[Value]]
_SETS = {"UNION": "UNION", "EXCEPT": "EXCEPT", "INTERSECT": "INTERSECT"}


class Queries:
    """Carries whole queries; ``files`` says what a reading of files is, ``schema`` the columns of
    tables and their types."""

    def __init__(
        self,
        files: Callable[..., str] | None,
        schema: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.relations = Relations(self, files, schema)
        self.expressions = Expressions(self.query)

    def query(self, node: Node, outer: Scope | None = None) -> Query:
        """A query's text, and what it gives (name and type of each column; none: not known)."""
        with self.relations.named(node, self._cte):
            kind = node["type"]
            if kind == "SELECT_NODE":
                text, outputs, scope = self._select(node, outer)
            elif kind == "SET_OPERATION_NODE":
                text, outputs = self._set_operation(node, outer)
                scope = Scope([Relation("", {o.name: o.kind for o in outputs})], outer)
            else:
                raise refused(f"a query of kind {kind}")
            text += self._modifiers(node, scope)
            ctes = self.relations.heads(node)
        return (f"WITH {ctes} {text}" if ctes else text), outputs

    def _cte(self, node: Node) -> Query:
        return self.query(node["query_node"] if "query_node" in node else node["query"]["node"])

    def _set_operation(self, node: Node, outer: Scope | None) -> Query:
        kind, children = (
            str(node["setop_type"]),
            node.get("children") or [node["left"], node["right"]],
        )
        every = bool(node.get("setop_all", True))
        if kind == "UNION_BY_NAME":
            return by_name(self, node, children, outer, every)
        if kind not in _SETS:
            raise refused(f"the set operation {kind}")
        carried = [self.query(c, outer) for c in children]
        word = f" {_SETS[kind]} ALL " if every else f" {_SETS[kind]} "
        outputs = carried[0][1]
        for _, others in carried[1:]:
            if len(others) != len(outputs):
                outputs = [replace(o, kind=None) for o in outputs]
            else:
                outputs = [
                    o
                    if o.kind == p.kind or p.kind == "NULL"
                    else replace(o, kind=p.kind if o.kind == "NULL" else None)
                    for o, p in zip(outputs, others, strict=True)
                ]
        return word.join(f"({q})" for q, _ in carried), outputs

    def _select(self, node: Node, outer: Scope | None) -> tuple[str, list[Value], Scope]:
        if node.get("sample"):
            raise refused("a sample of rows", "each engine takes others")
        source, scope = self.relations.source(node["from_table"], outer)
        before, self.expressions.scope = self.expressions.scope, scope
        try:
            return self._selected(node, source, scope)
        finally:
            self.expressions.scope = before

    def _selected(self, node: Node, source: str, scope: Scope) -> tuple[str, list[Value], Scope]:
        outputs = [v for item in node["select_list"] for v in self._items(item, scope)]
        scope.aliases = {o.name.lower(): o for o in outputs if o.name}
        listed = ", ".join(_aliased(v, scope) for v in outputs)
        distinct = ""
        for modifier in node.get("modifiers", []):
            if modifier["type"] == "DISTINCT_MODIFIER":
                if modifier.get("distinct_on_targets"):
                    raise refused("DISTINCT ON")
                distinct = "DISTINCT "
        text = f"{source}"
        if node.get("where_clause"):
            text += f" WHERE {self.expressions.condition(node['where_clause'])}"
        text += self._grouped(node)
        if node.get("having"):
            text += f" HAVING {self.expressions.condition(node['having'])}"
        if node.get("qualify"):
            if distinct:
                raise refused("DISTINCT with QUALIFY")
            kept = self.expressions.condition(node["qualify"])
            columns = ", ".join(quoted(o.name) for o in outputs)
            if not all(o.name for o in outputs) or not outputs:
                columns = "* EXCEPT (`_kept`)"
            return (
                f"SELECT {columns} FROM (SELECT {listed}, {kept} AS `_kept`{text}) WHERE `_kept`",
                outputs, scope,
            )  # fmt: skip
        return f"SELECT {distinct}{listed}{text}", outputs, scope

    def _grouped(self, node: Node) -> str:
        if node.get("aggregate_handling") == "FORCE_AGGREGATES":
            return " GROUP BY ALL"
        groups = node.get("group_expressions") or []
        if not groups:
            return ""
        sets = node.get("group_sets") or []
        if len(sets) > 1:
            raise refused("GROUPING SETS, ROLLUP and CUBE")
        return " GROUP BY " + ", ".join(self._position_or_value(g) for g in groups)

    def _position_or_value(self, node: Node) -> str:
        if node["class"] == "COLUMN_REF" and len(node["column_names"]) == 1:
            name = str(node["column_names"][0])
            own = self.expressions.scope._own([name])
            alias = self.expressions.scope.aliases.get(name.lower())
            if own is None and alias is not None:
                return alias.sql
        return self.expressions.value(node).sql

    def _items(self, item: Node, scope: Scope) -> list[Value]:
        if item["class"] != "STAR":
            found = self.expressions.value(item)
            return [replace(found, name=str(item.get("alias") or found.name))]
        excluded = [str(n) for n in item.get("exclude_list", [])]
        replaced = {str(r["key"]).lower(): r["value"] for r in item.get("replace_list", [])}
        if item.get("rename_list") or item.get("expr") or item.get("columns"):
            raise refused("a star with RENAME or COLUMNS")
        relation = str(item.get("relation_name", ""))
        columns = scope.all(relation)
        if columns is None:
            if replaced:
                raise refused("* REPLACE", "the columns of the relation are not known")
            star = f"{quoted(relation)}.*" if relation else "*"
            if excluded:
                star += f" EXCEPT ({', '.join(quoted(e) for e in excluded)})"
            return [Value(star)]
        gone = {e.lower() for e in excluded}
        given = []
        for name, kind in columns.items():
            if name.lower() in gone:
                continue
            if name.lower() in replaced:
                given.append(replace(self.expressions.value(replaced[name.lower()]), name=name))
            else:
                told = f"{quoted(relation)}.{quoted(name)}" if relation else quoted(name)
                given.append(Value(told, kind, name=name))
        return given

    def _modifiers(self, node: Node, scope: Scope) -> str:
        text, before = "", self.expressions.scope
        self.expressions.scope = scope
        for modifier in node.get("modifiers", []):
            kind = modifier["type"]
            if kind == "ORDER_MODIFIER":
                orders = modifier.get("orders", [])
                told = ", ".join(ordered(self.expressions, o) for o in orders)
                text += f" ORDER BY {told}" if told else ""
            elif kind == "LIMIT_MODIFIER":
                for word in ("limit", "offset"):
                    if modifier.get(word):
                        text += f" {word.upper()} {self.expressions.value(modifier[word]).sql}"
            elif kind != "DISTINCT_MODIFIER":
                raise refused(f"a query with {kind}")
        self.expressions.scope = before
        return text


def _aliased(value: Value, scope: Scope) -> str:
    bare = value.sql.rpartition(".")[2] == quoted(value.name) or not value.name
    return value.sql if bare else f"{value.sql} AS {quoted(value.name)}"
