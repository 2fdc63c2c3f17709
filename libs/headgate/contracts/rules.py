"""ODCS rules in all their forms, flattened: the one list that gate, GX, dbt and docs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.contracts import checks, options, relations
from headgate.contracts.custom import custom
from headgate.contracts.model import Promise, Rule
from headgate.core.errors import ContractError

__all__ = ["custom", "promises_of", "rules_of"]
#: What an element inside a column cannot promise, for nothing judges it there.
_NOT_INSIDE = ("quality", "relationships", "enum", "unique", "primaryKey", "logicalTypeOptions")


def rules_of(table: Mapping[str, Any], place: str) -> tuple[Rule, ...]:
    """Every rule of one ODCS schema object.

    Raises:
        ContractError: a rule has no meaning here, or two have one id.
    """
    found = [*_columns(table, place), *_table(table, place)]
    seen: dict[str, Rule] = {}
    for rule in found:
        if rule.id in seen:
            raise ContractError(
                f"two rules have the id {rule.id!r}.",
                remedy=f"Give one of them a name (the other is at {seen[rule.id].place}).",
                place=rule.place,
            )
        seen[rule.id] = rule
    return tuple(found)


def promises_of(table: Mapping[str, Any], place: str) -> tuple[Promise, ...]:
    """What one ODCS schema object promises in words alone (quality of type text)."""
    found = list(checks.promises(table.get("quality") or (), None, f"{place}/quality"))
    for index, prop in enumerate(table.get("properties") or ()):
        at = f"{place}/properties/{index}/quality"
        found += checks.promises(prop.get("quality") or (), str(prop["name"]), at)
    return tuple(found)


def _columns(table: Mapping[str, Any], place: str) -> Iterator[Rule]:
    for index, prop in enumerate(table.get("properties") or ()):
        where, name = f"{place}/properties/{index}", str(prop["name"])
        _nothing_inside(prop, where)
        severity = checks.severity(custom(prop).get("severity", "quarantine"), "row", where)
        if prop.get("required") or prop.get("primaryKey"):
            yield Rule(f"{name}.required", "required", "row", severity, name, {}, "",
                       "completeness", where)  # fmt: skip
        for option, kind, arguments in options.of(prop, where):
            yield Rule(f"{name}.{option}", kind, "row", severity, name, arguments, "",
                       "conformity", where)  # fmt: skip
        if prop.get("unique"):
            yield Rule(f"{name}.unique", "unique", "table", "fail", name, {"columns": [name]},
                       "", "uniqueness", where)  # fmt: skip
        for position, relation in enumerate(prop.get("relationships") or ()):
            at = f"{where}/relationships/{position}"
            yield relations.rule_of(relation, [name], table, at)
        for position, quality in enumerate(prop.get("quality") or ()):
            yield from checks.rules(quality, name, f"{where}/quality/{position}")


def _table(table: Mapping[str, Any], place: str) -> Iterator[Rule]:
    for position, relation in enumerate(table.get("relationships") or ()):
        at = f"{place}/relationships/{position}"
        columns = relations.own_columns(relation.get("from"), table, at)
        yield relations.rule_of(relation, columns, table, at)
    for position, quality in enumerate(table.get("quality") or ()):
        yield from checks.rules(quality, None, f"{place}/quality/{position}")


def _nothing_inside(prop: Mapping[str, Any], place: str) -> None:
    """Refuse promises about parts of a column: one that nobody keeps is worse than none."""
    parts = [(f"{place}/properties/{i}", p) for i, p in enumerate(prop.get("properties") or ())]
    parts += [(f"{place}/{k}", prop[k]) for k in ("items", "map") if isinstance(prop.get(k), dict)]
    for where, part in parts:
        for key in _NOT_INSIDE:
            if part.get(key):
                raise ContractError(
                    f"{key} of an element inside column {prop.get('name')!r} is not judged.",
                    remedy="Make it a column of its own (its physicalName may be a path), or "
                    "leave it out.",
                    place=f"{where}/{key}",
                )
        _nothing_inside({"name": prop.get("name"), **part}, where)
