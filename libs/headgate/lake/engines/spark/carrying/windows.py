"""Window functions and orders: where NULL stands, and what a frame holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions import REGISTRY
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

Node = Mapping[str, Any]
_RANKS = {
    "WINDOW_ROW_NUMBER": "row_number()", "WINDOW_RANK": "rank()", "WINDOW_RANK_DENSE": "dense_rank()",
    "WINDOW_PERCENT_RANK": "percent_rank()", "WINDOW_CUME_DIST": "cume_dist()",
}  # fmt: skip
_ENDS = {
    "UNBOUNDED_PRECEDING": "UNBOUNDED PRECEDING", "UNBOUNDED_FOLLOWING": "UNBOUNDED FOLLOWING",
    "CURRENT_ROW_RANGE": "CURRENT ROW", "CURRENT_ROW_ROWS": "CURRENT ROW",
}  # fmt: skip


def ordered(carrier: Expressions, order: Node) -> str:
    """One expression of an ORDER BY; DuckDB puts NULL last unless told otherwise."""
    descending = order["type"] == "DESCENDING"
    nulls = {"NULLS FIRST": "FIRST", "NULLS_FIRST": "FIRST"}.get(
        str(order.get("null_order")), "LAST"
    )
    node = order["expression"]
    if node["class"] == "CONSTANT" and node.get("literal", {}).get("kind") == "INTEGER":
        told = str(node["literal"]["text"])
    else:
        told = carrier.value(node).sql
    return f"{told} {'DESC' if descending else 'ASC'} NULLS {nulls}"


def window(carrier: Expressions, node: Node) -> Value:
    """A function over a window.

    Raises:
        CannotCarryError: the function or its frame is not known on Spark.
    """
    if node.get("exclude_clause") not in (None, "NO_EXCLUDE") or node.get("arg_orders"):
        raise refused("a window with EXCLUDE, or with an order of its arguments")
    kind = str(node["type"])
    parts = [carrier.value(p).sql for p in node.get("partitions", [])]
    orders = [ordered(carrier, o) for o in node.get("orders", [])]
    frame = _frame(carrier, node)
    if kind in _RANKS:
        called = Value(_RANKS[kind], "BIGINT" if "pct" not in kind else "DOUBLE")
        frame = ""
    elif kind in ("WINDOW_LEAD", "WINDOW_LAG"):
        called, frame = _shifted(carrier, node, kind), ""
    elif kind in ("WINDOW_FIRST_VALUE", "WINDOW_LAST_VALUE"):
        args = [carrier.value(a["expression"]) for a in node.get("arguments", [])]
        word = kind.removeprefix("WINDOW_").lower()
        ignore = " IGNORE NULLS" if node.get("ignore_nulls") else ""
        called = Value(f"{word}({args[0].sql}){ignore}", args[0].kind)
    elif kind == "WINDOW_AGGREGATE":
        handler = REGISTRY.get(str(node["function_name"]).lower())
        if handler is None or node.get("distinct"):
            raise refused(f"the window function {node['function_name']}")
        args = [carrier.value(a["expression"]) for a in node.get("arguments", [])]
        over = f" OVER ({_over(parts, orders, frame)})"
        with carrier.over(over):
            return handler(carrier, {**node, "filter": node.get("filter_expr")}, args)
    else:
        raise refused(f"the window function {node['function_name']}")
    return Value(f"({called.sql} OVER ({_over(parts, orders, frame)}))", called.kind)


def _over(parts: list[str], orders: list[str], frame: str) -> str:
    told = f"PARTITION BY {', '.join(parts)}" if parts else ""
    if orders:
        told += f" ORDER BY {', '.join(orders)}{frame}"
    elif frame and "CURRENT ROW" not in frame:
        told += frame
    return told.strip()


def _shifted(carrier: Expressions, node: Node, kind: str) -> Value:
    args = [carrier.value(a["expression"]) for a in node.get("arguments", [])]
    more = [carrier.value(node[k]) for k in ("offset_expr", "default_expr") if node.get(k)]
    ignore = " IGNORE NULLS" if node.get("ignore_nulls") else ""
    word = kind.removeprefix("WINDOW_").lower()
    return Value(f"{word}({', '.join(v.sql for v in [*args, *more])}){ignore}", args[0].kind)


def _frame(carrier: Expressions, node: Node) -> str:
    start, end = (
        str(node.get("start", "UNBOUNDED_PRECEDING")),
        str(node.get("end", "CURRENT_ROW_RANGE")),
    )
    if (start, end) == ("UNBOUNDED_PRECEDING", "CURRENT_ROW_RANGE"):
        return ""
    if "GROUPS" in start + end:
        raise refused("a window of GROUPS")
    unit = "ROWS" if "ROWS" in start + end else "RANGE"
    told = []
    for bound, key in ((start, "start_expr"), (end, "end_expr")):
        if bound in _ENDS:
            told.append(_ENDS[bound])
        elif bound.startswith("EXPR_"):
            word = "PRECEDING" if "PRECEDING" in bound else "FOLLOWING"
            told.append(f"{carrier.value(node[key]).sql} {word}")
        else:
            raise refused(f"a window from {start} to {end}")
    return f" {unit} BETWEEN {told[0]} AND {told[1]}"
