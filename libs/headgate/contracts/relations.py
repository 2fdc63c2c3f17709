"""ODCS relationships in all their forms as foreign keys, and whom they refer to.

A reference is ``name.column``, ``layer.domain.name.column``, or a path of ids such as
``schema/orders/properties/id`` with or without a contract's file before it. What a single contract
cannot tell, the set of all contracts does; where even that has several answers, the custom property
``headgate.parent`` says which dataset is meant.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any

from headgate.contracts.custom import custom
from headgate.contracts.model import Contract, Rule
from headgate.core.errors import ContractError

MISSING_PARENT = ("wait", "warn", "quarantine", "fail")
_SEVERITY = {"warn": "warn", "fail": "fail"}
_DATASET = re.compile(r"^[a-z]+\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
_PATH = re.compile(r"^(?:(?P<file>[^#]+)#)?/?schema/(?P<table>[^/]+)/properties/(?P<column>[^/]+)$")


def rule_of(
    relation: Mapping[str, Any], columns: list[str], table: Mapping[str, Any], place: str
) -> Rule:
    """A relationship as a rule. A reference to the table itself judges the table as a whole.

    The parent is a dataset's id, or what :func:`resolved` makes one of.

    Raises:
        ContractError: it names no one parent with as many columns, or cannot be judged so.
    """
    target = relation.get("to")
    targets = [_target(str(t), place) for t in (target if isinstance(target, list) else [target])]
    named, parents = custom(relation).get("parent"), {parent for parent, _ in targets}
    if (len(parents) != 1 and not named) or len(targets) != len(columns):
        raise ContractError(
            f"relationship to {target!r} does not name one parent with as many columns.",
            remedy="Write to: <name>.<column>, and the parent's dataset id in headgate.parent.",
            place=place,
        )
    missing = str(custom(relation).get("missingParent", "quarantine"))
    if missing not in MISSING_PARENT:
        raise ContractError(
            f"headgate.missingParent {missing!r} is not known.",
            remedy=f"Use one of {', '.join(MISSING_PARENT)}.",
            place=place,
        )
    parent = str(named or parents.pop())
    rule = Rule(
        id=f"{'_'.join(columns)}.foreign_key",
        kind="foreign_key",
        scope="row",
        severity=_SEVERITY.get(missing, "quarantine"),
        column=columns[0],
        arguments={
            "columns": columns,
            "parent": parent,
            "parent_columns": [column for _, column in targets],
            "missing": missing,
        },
        description=str(custom(relation).get("description", "")),
        dimension="consistency",
        place=place,
    )
    own = {str(table.get(k)) for k in ("name", "id", "physicalName") if table.get(k)}
    return _to_itself(rule, table) if not named and parent.lstrip("#") in own else rule


def own_columns(given: Any, table: Mapping[str, Any], place: str) -> list[str]:
    """The columns that a relationship of the table starts from.

    Raises:
        ContractError: one of them is no column of the table.
    """
    listed = given if isinstance(given, list) else [given]
    found = [_column(_target(str(name), place)[1], table) for name in listed]
    for name, column in zip(listed, found, strict=True):
        if column is None:
            raise ContractError(
                f"relationship from {name!r}: the table has no such column.",
                remedy="Name columns of this table, as <table>.<column>.",
                place=f"{place}/from",
            )
    return [str(column) for column in found]


def resolved(
    contract: Contract, contracts: Mapping[str, Contract], left_out: Container[str] = ()
) -> Contract:
    """The contract with each foreign key's parent as a dataset's id, looked for among ``contracts``;
    one that names a dataset that is ``left_out`` stays as it is.

    Raises:
        ContractError: no dataset, or more than one, is meant.
    """
    rules = [
        _resolved(r, contract, contracts)
        if r.kind == "foreign_key" and r.arguments["parent"] not in left_out
        else r
        for r in contract.rules
    ]
    if all(a is b for a, b in zip(rules, contract.rules, strict=True)):
        return contract
    return dataclasses.replace(contract, rules=tuple(rules))


def parent_of(rule: Rule, contract: Contract, contracts: Mapping[str, Contract]) -> Contract:
    """The contract that a foreign key of ``contract`` refers to.

    Raises:
        ContractError: no dataset, or more than one, is meant.
    """
    return contracts[str(_resolved(rule, contract, contracts).arguments["parent"])]


def _resolved(rule: Rule, contract: Contract, contracts: Mapping[str, Contract]) -> Rule:
    given, names = str(rule.arguments["parent"]), list(rule.arguments["parent_columns"])
    if given in contracts:
        parent = contracts[given]
    else:
        meant = [] if _DATASET.match(given) else list(_meant(given, contract, contracts))
        if len(meant) != 1:
            told = ", ".join(sorted(c.id for c in meant)) if meant else "no contract describes it"
            raise ContractError(
                f"relationship to {given}.{names[0]}: {told}"
                + (" are all meant by it." if meant else "."),
                remedy="Name the parent's dataset id in headgate.parent.",
                place=rule.place,
            )
        parent = meant[0]
    table = parent.document["schema"][0]
    columns = [_column(name, table) for name in names]
    for name, column in zip(names, columns, strict=True):
        if column is None:
            raise ContractError(
                f"relationship to {parent.id}.{name}: no contract describes it.",
                remedy=f"Columns of {parent.id}: {', '.join(c.name for c in parent.columns)}.",
                place=rule.place,
            )
    arguments = {**rule.arguments, "parent": parent.id, "parent_columns": columns}
    return rule if arguments == rule.arguments else dataclasses.replace(rule, arguments=arguments)


def _meant(given: str, contract: Contract, contracts: Mapping[str, Contract]) -> Iterator[Contract]:
    """The contracts that a name of a table, or a file and the id of a table, may mean."""
    file, hash_, table = given.rpartition("#")
    where = (contract.path.parent / Path(file)).resolve() if hash_ and file else None
    for other in contracts.values():
        described = other.document["schema"][0]
        names = {other.name.name, *(str(described.get(k)) for k in ("id", "name", "physicalName"))}
        if where is None:
            same = table in names and (not hash_ or other.id == contract.id)
        else:
            same = other.path.resolve() == where and table in names
        if same:
            yield other


def _target(text: str, place: str) -> tuple[str, str]:
    """Parent and column of a reference; a path of ids gives ``<file>#<table>`` as the parent."""
    path = _PATH.match(text)
    if path:
        return f"{path['file'] or ''}#{path['table']}", path["column"]
    parent, _, column = text.rpartition(".")
    if not parent or not column or "/" in text:
        raise ContractError(
            f"reference {text!r} cannot be read.",
            remedy="Write <name>.<column>, <layer>.<domain>.<name>.<column>, or "
            "schema/<id>/properties/<id>.",
            place=place,
        )
    return parent, column


def _column(name: str, table: Mapping[str, Any]) -> str | None:
    """The name of the column that has this name or id."""
    for key in ("name", "id"):
        for prop in table.get("properties") or ():
            if prop.get(key) == name:
                return str(prop["name"])
    return None


def _to_itself(rule: Rule, table: Mapping[str, Any]) -> Rule:
    """Rows may refer to rows that come later in one batch, so only the whole table can tell."""
    if rule.arguments["missing"] not in ("warn", "fail"):
        raise ContractError(
            "a reference to the table itself cannot set single rows aside.",
            remedy="Say headgate.missingParent: warn or fail.",
            place=rule.place,
        )
    columns = rule.arguments["columns"]
    parents = [_column(str(c), table) for c in rule.arguments["parent_columns"]]
    if None in parents:
        raise ContractError(
            f"relationship to {rule.arguments['parent_columns']}: the table has no such column.",
            remedy="Name columns of this table.",
            place=rule.place,
        )
    present = " AND ".join(f"child.{_quoted(c)} IS NOT NULL" for c in columns)
    same = " AND ".join(
        f"parent.{_quoted(str(p))} = child.{_quoted(c)}"
        for c, p in zip(columns, parents, strict=True)
    )
    query = (
        f"SELECT count(*) FROM {{table}} AS child WHERE {present} AND NOT EXISTS"
        f" (SELECT 1 FROM {{table}} AS parent WHERE {same})"
    )
    return dataclasses.replace(
        rule, kind="sql", scope="table",
        arguments={"query": query, "operator": "mustBe", "value": 0, "unit": "rows"},
        description=rule.description or f"Each {', '.join(columns)} is a row of the table itself.",
    )  # fmt: skip


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
