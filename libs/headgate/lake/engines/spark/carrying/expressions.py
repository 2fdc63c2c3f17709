"""Expressions as DuckDB's parse gives them, written as Spark SQL; what a function means is in functions/."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from headgate.lake.engines.spark.carrying import casts, comparing, kinds, literals, windows
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions import REGISTRY
from headgate.lake.engines.spark.carrying.scopes import Scope
from headgate.lake.engines.spark.carrying.values import Value, quoted, text

Node = Mapping[str, Any]


class Expressions:
    """Carries expressions over the columns of a scope.

    Within TRY nothing may raise: what would is given as a condition of failing in ``failures``, and
    is NULL itself. ``subquery`` carries a query that stands in an expression.
    """

    def __init__(self, subquery: Callable[[Node, Scope], tuple[str, list[Value]]]) -> None:
        self.subquery = subquery
        self.scope = Scope()
        self.window = ""
        self._failures: list[list[str]] = []

    # What raises ---------------------------------------------------------------------------------
    @property
    def trying(self) -> bool:
        """Whether a TRY stands around what is carried now."""
        return bool(self._failures)

    def fails(self, condition: str) -> None:
        """Within TRY: the row has no value if the condition is TRUE."""
        self._failures[-1].append(condition)

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """The conditions of failing of what is carried inside, for the caller to put further."""
        self._failures.append([])
        try:
            yield self._failures[-1]
        finally:
            self._failures.pop()

    def only_if(self, condition: str, failures: list[str]) -> None:
        """Failures that count only where the condition is TRUE."""
        for failure in failures:
            self.fails(f"({condition} AND {failure})")

    @contextmanager
    def over(self, window: str) -> Iterator[None]:
        """Have a window behind the aggregate that is carried inside."""
        before, self.window = self.window, window
        try:
            yield
        finally:
            self.window = before

    # Walking -------------------------------------------------------------------------------------
    def value(self, node: Node) -> Value:
        """The expression, carried.

        Raises:
            CannotCarryError: it has a part that Spark does not give the same for.
        """
        kind = node["class"]
        method = getattr(self, f"_{kind.lower()}", None)
        if method is None:
            raise refused(f"an expression of kind {kind}")
        found: Value = method(node)
        return found

    def values(self, nodes: list[Node]) -> list[Value]:
        """Each of the expressions, carried."""
        return [self.value(n) for n in nodes]

    def condition(self, node: Node) -> str:
        """The expression as a condition."""
        return casts.cast(self, self.value(node), "BOOLEAN", implicit=True).sql

    def lazily(self, node: Node, only_if: str) -> Value:
        """An expression that is looked at only where the condition is TRUE."""
        if not self.trying:
            return self.value(node)
        with self.watched() as failures:
            found = self.value(node)
        self.only_if(only_if, failures)
        return found

    def arguments(self, node: Node) -> list[Node]:
        """The arguments of a call, as nodes."""
        return [a["expression"] for a in node.get("arguments", [])]

    def function(
        self, node: Node, parameters: list[str | None], kind: str | None = None
    ) -> tuple[str, str | None]:
        """A lambda whose parameters have these types, and the type that it gives (as ``kind``).

        Raises:
            CannotCarryError: it is none, or can fail within TRY, of which nobody would know where.
        """
        if node["class"] != "LAMBDA":
            raise refused("a function as an argument", "only a lambda is carried")
        given = node["lhs"]
        one = given["class"] == "COLUMN_REF"
        heads = [given] if one else self.arguments(given)
        names = [str(h["column_names"][0]) for h in heads]
        if len(names) != len(parameters):
            raise refused("a lambda of several parameters")
        with self.scope.names(dict(zip(names, parameters, strict=True))):
            with self.watched() as failures:
                body = self.value(node["expr"])
                body = casts.cast(self, body, kind, implicit=True) if kind else body
            if failures and self.trying:
                raise refused("a lambda that can fail within TRY")
            if failures:
                body = self.value(node["expr"])
                body = casts.cast(self, body, kind, implicit=True) if kind else body
        return f"{', '.join(quoted(n) for n in names)} -> {body.sql}", body.kind

    # Each class of node ---------------------------------------------------------------------------
    def _column_ref(self, node: Node) -> Value:
        return self.scope.column([str(n) for n in node["column_names"]])

    def _constant(self, node: Node) -> Value:
        literal = node.get("literal")
        if literal is None:
            raise refused(f"the constant {node.get('value')!r}")
        kind, told = literal["kind"], str(literal.get("text", ""))
        if kind == "NULL_LITERAL":
            return Value("NULL", "NULL")
        if kind == "STRING":
            return Value(text(told), "STRING_LITERAL", told)
        if kind == "BOOLEAN":
            return Value(told.upper(), "BOOLEAN", told.lower())
        if kind == "INTEGER":
            return literals.whole(told.replace("_", ""))
        if kind == "NUMERIC":
            return literals.numeric(told.replace("_", ""))
        raise refused(f"a literal of kind {kind}")

    def _cast(self, node: Node) -> Value:
        kind = kinds.kind_of_node(node["type_expr"])
        child, trying = node["child"], bool(node.get("try_cast"))
        if trying and kinds.decimal_of(kind) and _is_text(child):
            inner = self.value(child["child"])
            if inner.kind == "DOUBLE":
                return casts.shortest(self, inner, kind)
        return casts.cast(self, self.value(child), kind, trying=trying)

    def _comparison(self, node: Node) -> Value:
        left, right = self.value(node["left"]), self.value(node["right"])
        return comparing.compared(self, str(node["type"]), left, right)

    def _between(self, node: Node) -> Value:
        given, low, high = (self.value(node[k]) for k in ("input", "lower", "upper"))
        lower = comparing.compared(self, "COMPARE_GREATERTHANOREQUALTO", given, low).sql
        upper = comparing.compared(self, "COMPARE_LESSTHANOREQUALTO", given, high).sql
        if node["type"] == "COMPARE_NOT_BETWEEN":
            return Value(f"(NOT ({lower} AND {upper}))", "BOOLEAN")
        return Value(f"({lower} AND {upper})", "BOOLEAN")

    def _conjunction(self, node: Node) -> Value:
        word = " AND " if node["type"] == "CONJUNCTION_AND" else " OR "
        return Value(f"({word.join(self.condition(c) for c in node['children'])})", "BOOLEAN")

    def _case(self, node: Node) -> Value:
        earlier: list[str] = []
        whens, results = [], []
        for check in node["case_checks"]:
            reached = " AND ".join(f"({c}) IS NOT TRUE" for c in earlier) or "TRUE"
            when = casts.cast(
                self, self.lazily(check["when_expr"], reached), "BOOLEAN", implicit=True
            )
            results.append(self.lazily(check["then_expr"], f"{reached} AND {when.sql}"))
            whens.append(when.sql)
            earlier.append(when.sql)
        reached = " AND ".join(f"({c}) IS NOT TRUE" for c in earlier)
        otherwise = self.lazily(node["else_expr"], reached)
        *results, otherwise = comparing.alike(self, [*results, otherwise])
        told = " ".join(f"WHEN {w} THEN {r.sql}" for w, r in zip(whens, results, strict=True))
        return Value(f"(CASE {told} ELSE {otherwise.sql} END)", otherwise.kind)

    def _operator(self, node: Node) -> Value:
        kind, children = str(node["type"]), node["children"]
        if kind == "OPERATOR_TRY":
            return self._try(children[0])
        if kind == "OPERATOR_NOT":
            return Value(f"(NOT {self.condition(children[0])})", "BOOLEAN")
        if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            test = kind.removeprefix("OPERATOR_").replace("_", " ")
            return Value(f"({self.value(children[0]).sql} {test})", "BOOLEAN")
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            given, *listed = comparing.alike(self, comparing.read(self, self.values(children)))
            test = "NOT IN" if kind == "COMPARE_NOT_IN" else "IN"
            return Value(f"({given.sql} {test} ({', '.join(v.sql for v in listed)}))", "BOOLEAN")
        if kind == "OPERATOR_COALESCE":
            return self._coalesce(children)
        handler = REGISTRY.get(kind.lower())
        if handler is None:
            raise refused(f"the operator {kind}")
        return handler(self, node, self.values(children))

    def _try(self, child: Node) -> Value:
        with self.watched() as failures:
            found = self.value(child)
        if not failures:
            return found
        failed = " OR ".join(dict.fromkeys(failures))
        return Value(f"(CASE WHEN {failed} THEN NULL ELSE {found.sql} END)", found.kind)

    def _coalesce(self, children: list[Node]) -> Value:
        found: list[Value] = []
        for child in children:
            absent = " AND ".join(f"{v.sql} IS NULL" for v in found) or "TRUE"
            found.append(self.lazily(child, absent))
        found = comparing.alike(self, found)
        return Value(f"COALESCE({', '.join(v.sql for v in found)})", found[0].kind)

    def _function(self, node: Node) -> Value:
        name = str(node["function_name"]).lower()
        handler = REGISTRY.get(name)
        if handler is None:
            raise refused(f"the function {name}" if name.isidentifier() else f"the operator {name}")
        args = [] if getattr(handler, "lazy", False) else self.values(self.arguments(node))
        return handler(self, node, args)

    def _window(self, node: Node) -> Value:
        return windows.window(self, node)

    def _subquery(self, node: Node) -> Value:
        query, outputs = self.subquery(node["subquery"]["node"], self.scope)
        kind = node["subquery_type"]
        if kind in ("EXISTS", "NOT_EXISTS"):
            word = "NOT EXISTS" if kind == "NOT_EXISTS" else "EXISTS"
            return Value(f"({word} ({query}))", "BOOLEAN")
        if kind == "SCALAR":
            return Value(f"({query})", outputs[0].kind if len(outputs) == 1 else None)
        if kind == "ANY" and node["comparison_type"] == "COMPARE_EQUAL":
            return Value(f"({self.value(node['child']).sql} IN ({query}))", "BOOLEAN")
        raise refused(f"a subquery with {kind}")


def _is_text(node: Node) -> bool:
    """Whether the expression is a cast to a text that never fails."""
    return node["class"] == "CAST" and kinds.kind_of_node(node["type_expr"]) == "VARCHAR"
