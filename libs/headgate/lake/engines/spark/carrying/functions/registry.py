"""The registry of functions: names as DuckDB's parse has them, and what carries a call of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

Node = Mapping[str, Any]
#: Carries a call, given its node and its arguments (carried already).
Handler = Callable[["Expressions", Node, list[Value]], Value]
REGISTRY: dict[str, Handler] = {}


def carries(*names: str, lazy: bool = False) -> Callable[[Handler], Handler]:
    """Register what carries the functions of these names; ``lazy``: it carries the arguments itself."""

    def put(handler: Handler) -> Handler:
        for name in names:
            assert name not in REGISTRY, name
            REGISTRY[name] = handler
        if lazy:
            handler.lazy = True  # type: ignore[attr-defined]
        return handler

    return put


def same(spark: str, kind: str | None, *, args: Sequence[int] = ()) -> Handler:
    """A function that Spark has under another name, with the same meaning; ``args``: how many of them."""

    def handler(carrier: Expressions, node: Node, given: list[Value]) -> Value:
        count(node, given, *args)
        return Value(f"{spark}({', '.join(v.sql for v in given)})", kind)

    return handler


def count(node: Node, given: Sequence[Value], *allowed: int) -> None:
    """Refuse a call with another number of arguments."""
    if allowed and len(given) not in allowed:
        raise refused(f"{node['function_name']} of {len(given)} arguments")
