"""How many elements an array has, and whether one is there twice."""

from __future__ import annotations

from collections.abc import Callable

from headgate.contracts import types
from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import count, quoted


def _array(rule: Rule, scope: RowScope) -> str:
    """The column as an SQL list; of a JSON text the elements as texts, NULL if it is no array."""
    kind, column = scope.type_of(rule), quoted(rule.column or "")
    if types.element(kind):
        return column
    if kind == "json":
        array = f"json_type({column}) = 'ARRAY'"
        return f"CASE WHEN {array} THEN json_extract_string({column}, '$[*]') END"
    raise ContractError(
        f"rule {rule.id!r}: {rule.kind} does not fit column {rule.column!r} of type {kind}.",
        remedy="It fits array<…> and json.",
        place=rule.place,
    )


def _counted(sign: str) -> Callable[[Rule, RowScope], str]:
    def holds(rule: Rule, scope: RowScope) -> str:
        array, value = _array(rule, scope), count(rule)
        return _or_absent(rule, f"len({array}) {sign} {value}")

    return holds


def _unique(rule: Rule, scope: RowScope) -> str:
    array = _array(rule, scope)
    if array.startswith("CASE"):
        # Elements as JSON has them: 1 and "1" differ.
        array = array.replace("json_extract_string", "json_extract")
    # Distinct leaves NULL out; two of them are the same.
    absent = f"least(len(list_filter({array}, lambda item: item IS NULL)), 1)"
    return _or_absent(rule, f"len(list_distinct({array})) + {absent} = len({array})")


def _or_absent(rule: Rule, condition: str) -> str:
    column = quoted(rule.column or "")
    return f"({column} IS NULL OR coalesce(TRY({condition}), FALSE))"


_ARGUMENTS = {"value": "the number of elements"}
KINDS = (
    RowKind(
        name="min_items",
        doc="The array has at least so many elements; NULL elements count.",
        odcs="logicalType: array, logicalTypeOptions: {minItems: 1}",
        example="[]",
        arguments=_ARGUMENTS,
        holds=_counted(">="),
    ),
    RowKind(
        name="max_items",
        doc="The array has at most so many elements; NULL elements count.",
        odcs="logicalType: array, logicalTypeOptions: {maxItems: 2}",
        example="[1, 2, 3]",
        arguments=_ARGUMENTS,
        holds=_counted("<="),
    ),
    RowKind(
        name="unique_items",
        doc="No element of the array is there twice.",
        odcs="logicalType: array, logicalTypeOptions: {uniqueItems: true}",
        example="[1, 2, 1]",
        holds=_unique,
    ),
)
