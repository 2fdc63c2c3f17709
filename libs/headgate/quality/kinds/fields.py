"""The fields of JSON objects: how many there are, and which must be."""

from __future__ import annotations

from collections.abc import Callable

from headgate.contracts.model import Rule
from headgate.quality.kind import RowKind, RowScope
from headgate.quality.literals import count, quoted, text, wrong


def _counted(sign: str) -> Callable[[Rule, RowScope], str]:
    def holds(rule: Rule, scope: RowScope) -> str:
        value = count(rule)
        return _object(rule, scope, f"len(json_keys({quoted(rule.column or '')})) {sign} {value}")

    return holds


def _required(rule: Rule, scope: RowScope) -> str:
    names = rule.arguments.get("values")
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(isinstance(n, str) for n in names)
    ):
        raise wrong(rule, names, "a list of field names")
    listed = ", ".join(text(n) for n in dict.fromkeys(names))
    keys = f"json_keys({quoted(rule.column or '')})"
    return _object(rule, scope, f"list_has_all({keys}, [{listed}])")


def _object(rule: Rule, scope: RowScope, condition: str) -> str:
    scope.type_of(rule, "json")
    column = quoted(rule.column or "")
    found = f"json_type({column}) = 'OBJECT' AND {condition}"
    return f"({column} IS NULL OR coalesce(TRY({found}), FALSE))"


_ARGUMENTS = {"value": "the number of fields"}
KINDS = (
    RowKind(
        name="min_properties",
        doc="The value is a JSON object of at least so many fields.",
        odcs="logicalType: object, logicalTypeOptions: {minProperties: 1}",
        example="{}",
        arguments=_ARGUMENTS,
        holds=_counted(">="),
    ),
    RowKind(
        name="max_properties",
        doc="The value is a JSON object of at most so many fields.",
        odcs="logicalType: object, logicalTypeOptions: {maxProperties: 1}",
        example='{"a": 1, "b": 2}',
        arguments=_ARGUMENTS,
        holds=_counted("<="),
    ),
    RowKind(
        name="required_properties",
        doc="The value is a JSON object that has these fields; they may be null.",
        odcs="logicalType: object, logicalTypeOptions: {required: [name]}",
        example='{"title": "x"}',
        arguments={"values": "names of fields"},
        holds=_required,
    ),
)
