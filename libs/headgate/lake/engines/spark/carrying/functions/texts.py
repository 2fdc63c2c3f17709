"""Texts: both engines count code points and compare bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.lake.engines.spark import patterns
from headgate.lake.engines.spark.carrying import casts, values
from headgate.lake.engines.spark.carrying.errors import refused
from headgate.lake.engines.spark.carrying.functions.registry import Node, carries, count
from headgate.lake.engines.spark.carrying.kinds import TEXTS, WHOLE
from headgate.lake.engines.spark.carrying.values import Value

if TYPE_CHECKING:
    from headgate.lake.engines.spark.carrying.expressions import Expressions

#: What DuckDB takes off: all that Unicode calls a space.
_BLANKS = values.text(
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)


def _texts(node: Node, given: list[Value], *at: int) -> None:
    """Refuse a call of what is not known to be texts."""
    for index in at or range(len(given)):
        if given[index].kind not in (*TEXTS, "NULL"):
            raise refused(
                f"{node['function_name']} of {given[index].kind or 'a value of no known type'}"
            )


def _plain(spark: str, kind: str, *counts: int) -> None:
    @carries(*_PLAIN[spark][2])
    def handler(carrier: Expressions, node: Node, given: list[Value]) -> Value:
        count(node, given, *counts)
        _texts(node, given)
        return Value(f"{spark}({', '.join(v.sql for v in given)})", kind)


_PLAIN: dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]] = {
    "startswith": ("BOOLEAN", (2,), ("starts_with", "prefix", "^@")),
    "endswith": ("BOOLEAN", (2,), ("ends_with", "suffix")),
}
for _name, (_kind, _counts, _) in _PLAIN.items():
    _plain(_name, _kind, *_counts)


@carries("length", "char_length", "character_length", "len", "array_length")
def _length(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 1)
    if given[0].list_of:
        return Value(f"CAST(array_size({given[0].sql}) AS BIGINT)", "BIGINT")
    if given[0].kind is None and node["function_name"].lower() in ("len", "array_length"):
        return Value(f"CAST(array_size({given[0].sql}) AS BIGINT)", "BIGINT")
    if given[0].kind is not None:
        _texts(node, given)
    return Value(f"CAST(char_length({given[0].sql}) AS BIGINT)", "BIGINT")


@carries("strlen", "octet_length")
def _bytes(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    return Value(f"CAST(octet_length({given[0].sql}) AS BIGINT)", "BIGINT")


@carries("contains")
def _contains(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    count(node, given, 2)
    _texts(node, given)
    return Value(f"contains({given[0].sql}, {given[1].sql})", "BOOLEAN")


@carries("||")
def _joined(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    left, right = given
    if left.list_of and right.list_of and left.kind == right.kind:
        raise refused("|| of lists", "NULL among them is taken otherwise")
    a, b = (casts.cast(carrier, v, "VARCHAR") if v.kind else v for v in given)
    return Value(f"({a.sql} || {b.sql})", "VARCHAR")


@carries("concat")
def _concat(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    """Unlike ``||``, it leaves NULL out."""
    parts = [casts.cast(carrier, v, "VARCHAR") for v in given]
    return Value(f"concat({', '.join(f'''coalesce({p.sql}, '')''' for p in parts)})", "VARCHAR")


@carries("substr", "substring")
def _substring(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given, 0)
    start, length = given[1], given[2] if len(given) > 2 else None
    for bound in given[1:]:
        if bound.kind not in WHOLE:
            raise refused(f"{node['function_name']} with bounds of no known type")
    if start.literal is None or int(start.literal) < 1:
        raise refused(f"{node['function_name']} that may start before the text")
    if length is None:
        return Value(f"substr({given[0].sql}, {start.sql})", "VARCHAR")
    if length.literal is None or int(length.literal) < 0:
        raise refused(f"{node['function_name']} of a length that may be negative")
    return Value(f"substr({given[0].sql}, {start.sql}, {length.sql})", "VARCHAR")


@carries("replace")
def _replaced(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    return Value(f"replace({given[0].sql}, {given[1].sql}, {given[2].sql})", "VARCHAR")


@carries("trim", "ltrim", "rtrim")
def _trimmed(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    side = {"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}[node["function_name"].lower()]
    gone = given[1].sql if len(given) > 1 else _BLANKS
    return Value(f"trim({side} {gone} FROM {given[0].sql})", "VARCHAR")


@carries("lower", "lcase")
def _lower(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    # Java knows that a sigma at the end of a word is another, and that a dotted I has two parts.
    return Value(f"lower(translate({given[0].sql}, 'Σİ', 'σi'))", "VARCHAR")


@carries("split_part")
def _split_part(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given, 0, 1)
    if not given[1].literal or given[2].literal is None or int(given[2].literal) < 1:
        raise refused("split_part by an empty text, or from the end")
    return Value(f"split_part({given[0].sql}, {given[1].sql}, {given[2].sql})", "VARCHAR")


@carries("string_split", "str_split", "string_to_array", "split")
def _split(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    if not given[1].literal:
        raise refused("string_split by an empty text, or one that is computed")
    pattern = "".join(patterns.literal(c) for c in given[1].literal)
    return Value(f"split({given[0].sql}, {values.text(pattern)}, -1)", "VARCHAR[]")


@carries("~~", "!~~")
def _like(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    pattern = given[1].literal
    if pattern is None:
        raise refused("LIKE with a pattern that is computed")
    # DuckDB has no character that escapes, unless one is named.
    escape = next(c for c in "\x01\x02\x03\x04" if c not in pattern)
    word = "NOT LIKE" if node["function_name"].startswith("!") else "LIKE"
    return Value(f"({given[0].sql} {word} {given[1].sql} ESCAPE {values.text(escape)})", "BOOLEAN")


@carries("regexp_matches", "regexp_full_match")
def _matches(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    if len(given) != 2 or given[1].literal is None:
        raise refused(f"{node['function_name']} with options, or a pattern that is computed")
    if given[0].kind is not None:
        _texts(node, given, 0)
    pattern = given[1].literal
    if node["function_name"].lower() == "regexp_full_match":
        pattern = rf"\A(?:{pattern})\z"
    return Value(f"({given[0].sql} RLIKE {values.text(patterns.java(pattern))})", "BOOLEAN")


@carries("regexp_extract")
def _extracted(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given, 0)
    group = given[2].literal if len(given) > 2 else "0"
    if len(given) > 3 or given[1].literal is None or group is None or not group.isdigit():
        raise refused("regexp_extract with options, or a pattern that is computed")
    pattern = values.text(patterns.java(given[1].literal, groups=True))
    return Value(f"regexp_extract({given[0].sql}, {pattern}, {group})", "VARCHAR")


@carries("regexp_replace")
def _substituted(carrier: Expressions, node: Node, given: list[Value]) -> Value:
    _texts(node, given)
    into = given[2].literal
    if len(given) != 4 or given[3].literal != "g" or given[1].literal is None or into is None:
        raise refused(
            "regexp_replace", "only with the option 'g', and pattern and text written out"
        )
    if "\\" in into or "$" in into:
        raise refused("regexp_replace by a text with \\ or $")
    pattern = values.text(patterns.java(given[1].literal, groups=True))
    return Value(f"regexp_replace({given[0].sql}, {pattern}, {given[2].sql})", "VARCHAR")
