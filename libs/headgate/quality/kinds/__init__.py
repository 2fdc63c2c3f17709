"""The one registry of rule kinds: every module here that has a ``KINDS`` tuple adds to it."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from headgate.contracts.model import Rule
from headgate.core.errors import ContractError
from headgate.quality.kind import Kind, RowKind, TableKind


def _registry() -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        for kind in import_module(f"{__name__}.{module}").KINDS:
            assert kind.name not in found, f"two kinds of rules are named {kind.name}"
            found[kind.name] = kind
    return found


#: Every kind of rule by its name.
REGISTRY: Mapping[str, Kind] = _registry()


def row_kind(rule: Rule) -> RowKind:
    """The kind of a row rule.

    Raises:
        ContractError: there is no row kind of that name.
    """
    kind = REGISTRY.get(rule.kind)
    if isinstance(kind, RowKind):
        return kind
    raise _unknown(rule)


def table_kind(rule: Rule) -> TableKind:
    """The kind of a table rule.

    Raises:
        ContractError: there is no table kind of that name.
    """
    kind = REGISTRY.get(rule.kind)
    if isinstance(kind, TableKind):
        return kind
    raise _unknown(rule)


def _unknown(rule: Rule) -> ContractError:
    known = sorted(name for name, kind in REGISTRY.items() if kind.scope == rule.scope)
    return ContractError(
        f"rule {rule.id!r}: no kind of {rule.scope} rule is named {rule.kind!r}.",
        remedy=f"Known: {', '.join(known)}.",
        place=rule.place,
    )
