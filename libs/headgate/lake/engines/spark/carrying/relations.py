"""What stands in a FROM: tables, subqueries, joins, and files, which the engine says how to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.kinds import kind_of
from headgate.lake.engines.spark.carrying.scopes import Relation, Scope
from headgate.lake.engines.spark.carrying.values import Value, quoted

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.queries import Queries

Node = Mapping[str, Any]
_JOINS = {
    "INNER": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "OUTER": "FULL OUTER JOIN",
    "FULL": "FULL OUTER JOIN", "SEMI": "LEFT SEMI JOIN", "ANTI": "LEFT ANTI JOIN",
}  # fmt: skip


@dataclass(frozen=True)
class FilesRead:
    """One call of ``read_parquet``: the files' paths, whether columns are found by name, and whether
    the path of each row's file is wanted as a column ``filename``.

    ``columns`` is given where files of different ages are read by name: what is read must have
    each of these columns (name, type of Spark), NULL where a file has none.
    """

    paths: tuple[str, ...]
    by_name: bool = False
    with_file: bool = False
    columns: tuple[tuple[str, str], ...] = ()


class Relations:
    """Carries what a query reads from."""

    def __init__(
        self,
        queries: Queries,
        files: Callable[[FilesRead], str] | None,
        schema: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.queries, self.files, self._told = queries, files, schema
        self.schema = {name.lower(): _kinds(columns) for name, columns in schema.items()}
        self._ctes: list[dict[str, tuple[str, list[Value]]]] = []

    # Common table expressions ----------------------------------------------------------------------
    @contextmanager
    def named(self, node: Node, carry: Callable[[Node], tuple[str, list[Value]]]) -> Iterator[None]:
        """Know a query's common table expressions while inside."""
        self._ctes.append({})
        try:
            for entry in node.get("cte_map", {}).get("map", []):
                text, outputs = carry(entry["value"])
                names = [str(a) for a in entry["value"].get("aliases", [])]
                if names:
                    listed = ", ".join(quoted(n) for n in names)
                    text = f"SELECT * FROM ({text}) AS _t({listed})"
                    outputs = [
                        Value(quoted(n), o.kind, name=n)
                        for n, o in zip(names, outputs, strict=True)
                    ]
                self._ctes[-1][str(entry["key"])] = (text, outputs)
            yield
        finally:
            self._ctes.pop()

    def heads(self, node: Node) -> str:
        """The query's own common table expressions, as WITH has them."""
        return ", ".join(f"{quoted(n)} AS ({q})" for n, (q, _) in self._ctes[-1].items())

    # What stands in a FROM ---------------------------------------------------------------------------
    def source(self, node: Node, outer: Scope | None) -> tuple[str, Scope]:
        """The text behind FROM (with it), and the scope that it gives."""
        scope = Scope(outer=outer)
        if node["type"] == "EMPTY":
            return "", scope
        return f" FROM {self._relation(node, scope)}", scope

    def _relation(self, node: Node, scope: Scope) -> str:
        kind = str(node["type"])
        method = getattr(self, f"_{kind.lower()}", None)
        if method is None or node.get("sample"):
            raise refused(f"a relation of kind {kind}")
        found: str = method(node, scope)
        return found

    def _base_table(self, node: Node, scope: Scope) -> str:
        path = [str(p) for p in node.get("qualified_name", {}).get("path", [])] or [
            node["table_name"]
        ]
        name = ".".join(path)
        alias = str(node.get("alias") or path[-1])
        columns: Mapping[str, str | None] | None = self.schema.get(name.lower())
        told = ".".join(quoted(p) for p in path)
        for ctes in reversed(self._ctes):
            real = {n.lower(): n for n in ctes}.get(name.lower())
            if real is not None:
                told, columns = quoted(real), outputs_of(ctes[real][1])
                break
        return self._named(told, alias, node, columns, scope)

    def _subquery(self, node: Node, scope: Scope) -> str:
        text, outputs = self.queries.query(node["subquery"]["node"], scope.outer)
        return self._named(
            f"({text})", str(node.get("alias", "")), node, outputs_of(outputs), scope
        )

    def _join(self, node: Node, scope: Scope) -> str:
        kind, how = str(node.get("join_type", "INNER")), str(node.get("ref_type", "REGULAR"))
        left = self._relation(node["left"], scope)
        seen = len(scope.relations)
        right = self._relation(node["right"], scope)
        if how == "CROSS":
            return f"{left} CROSS JOIN {right}"
        if how != "REGULAR" or kind not in _JOINS:
            raise refused(f"a join of kind {how} {kind}")
        if node.get("using_columns"):
            names = ", ".join(quoted(str(c)) for c in node["using_columns"])
            told = f"{left} {_JOINS[kind]} {right} USING ({names})"
            # Of columns that both sides have there is one, and nobody asks of which side.
            merged = {str(c).lower() for c in node["using_columns"]}
            for at, each in enumerate(scope.relations[seen:], seen):
                if each.columns is not None and kind not in ("SEMI", "ANTI"):
                    rest = {c: k for c, k in each.columns.items() if c.lower() not in merged}
                    scope.relations[at] = Relation(each.name, rest)
        else:
            expressions = self.queries.expressions
            before, expressions.scope = expressions.scope, scope
            try:
                condition = expressions.condition(node["condition"])
            finally:
                expressions.scope = before
            told = f"{left} {_JOINS[kind]} {right} ON {condition}"
        if kind in ("SEMI", "ANTI"):
            del scope.relations[seen:]
        return told

    def _table_function(self, node: Node, scope: Scope) -> str:
        function = node["function"]
        name = str(function["function_name"]).lower()
        if name == "read_parquet":
            read = files_read(function)
            text = self.reading(read)
            columns = self.schema.get(text.strip("`").lower())
            return self._named(text, str(node.get("alias", "")), node, columns, scope)
        if name == "unnest":
            return self._unnest(node, function, scope)
        raise refused(f"the table function {name}")

    def _unnest(self, node: Node, function: Node, scope: Scope) -> str:
        expressions = self.queries.expressions
        before, expressions.scope = expressions.scope, scope
        try:
            lists = [expressions.value(a["expression"]) for a in function["arguments"]]
        finally:
            expressions.scope = before
        if len(lists) != 1:
            raise refused("unnest of several lists")
        alias = str(node.get("alias") or "unnest")
        named = [str(c) for c in node.get("column_name_alias", [])] or ["unnest"]
        scope.relations.append(Relation(alias, {named[0]: lists[0].list_of}))
        listed = ", ".join(quoted(n) for n in named)
        return f"LATERAL (SELECT explode({lists[0].sql}) AS {listed}) AS {quoted(alias)}"

    def _empty(self, node: Node, scope: Scope) -> str:
        raise refused("a join with nothing")

    def reading(self, read: FilesRead) -> str:
        """The relation that stands for files, whose columns are known from now on."""
        if self.files is None:
            raise refused("reading files", "the query is carried without files")
        text = self.files(read)
        name = text.strip("`")
        if name in self._told and name.lower() not in self.schema:
            self.schema[name.lower()] = _kinds(self._told[name])
        return text

    def _named(
        self,
        text: str,
        alias: str,
        node: Node,
        columns: Mapping[str, str | None] | None,
        scope: Scope,
    ) -> str:
        names = [str(c) for c in node.get("column_name_alias", [])]
        if names:
            if columns is None:
                listed = ", ".join(quoted(n) for n in names)
                scope.relations.append(Relation(alias, dict.fromkeys(names)))
                return f"{text} AS {quoted(alias)}({listed})"
            names += list(columns)[len(names) :]
            columns = dict(zip(names, columns.values(), strict=True))
            listed = ", ".join(quoted(n) for n in names)
            scope.relations.append(Relation(alias, columns))
            return f"{text} AS {quoted(alias)}({listed})"
        scope.relations.append(Relation(alias, columns))
        return f"{text} AS {quoted(alias)}" if alias else text


def _kinds(columns: Mapping[str, str]) -> dict[str, str]:
    return {column: kind_of(kind) for column, kind in columns.items()}


def outputs_of(outputs: list[Value]) -> dict[str, str | None] | None:
    """The columns that a query gives; None if a star hides them, or one has no name."""
    if any(o.sql.endswith("*") or " EXCEPT (" in o.sql for o in outputs) or not all(
        o.name for o in outputs
    ):
        return None
    return {o.name: o.kind for o in outputs}


def files_read(function: Node) -> FilesRead:
    """What a call of ``read_parquet`` reads."""
    paths: tuple[str, ...] = ()
    options: dict[str, bool] = {}
    for argument in function["arguments"]:
        given = argument["expression"]
        named = argument.get("name")
        if given["class"] == "COMPARISON":
            named, given = given["left"]["column_names"][0], given["right"]
        if named:
            options[str(named).lower()] = given["literal"]["text"].lower() == "true"
        elif given["class"] == "FUNCTION":
            paths = tuple(_path(a["expression"]) for a in given.get("arguments", []))
        else:
            paths = (_path(given),)
    beyond = set(options) - {"union_by_name", "hive_partitioning", "filename"}
    if beyond or options.get("hive_partitioning"):
        raise refused(f"read_parquet with {', '.join(beyond) or 'hive_partitioning'}")
    return FilesRead(paths, options.get("union_by_name", False), options.get("filename", False))


def _path(node: Node) -> str:
    literal = node.get("literal", {})
    if node["class"] != "CONSTANT" or literal.get("kind") != "STRING":
        raise refused("read_parquet of a path that is computed")
    return str(literal["text"])
