"""The keys of the datasets that foreign keys refer to, at the versions that a run reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headgate.contracts.model import Contract, Rule
from headgate.contracts.types import duckdb_type
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import ContractError
from headgate.lake.engines.duckdb import Connection, identifier
from headgate.lake.session import Session


@dataclass(frozen=True)
class ParentKeys:
    """The keys that a foreign key rule refers to: ``query`` gives them (k0, k1, …), ``table`` is
    what they are held as, ``version`` says of which version of the parent they are (-1: none)."""

    rule_id: str
    severity: str
    table: str
    version: int
    query: str


def wanted(session: Session, contract: Contract) -> tuple[ParentKeys, ...]:
    """The parents' keys by which the contract's rows are judged, at the run's candidate.

    Raises:
        ContractError: a foreign key points at its own dataset.
    """
    return tuple(
        _keys_of(session, contract, rule)
        for rule in contract.row_rules
        if rule.kind == "foreign_key"
    )


def hold(con: Connection, keys: Iterable[ParentKeys], held: dict[str, int]) -> None:
    """Hold the keys in tables of ``con``; ``held`` are those it has, by version, and is kept so."""
    for parent in keys:
        if held.get(parent.table) != parent.version:
            con.execute(f"CREATE OR REPLACE TEMP TABLE {parent.table} AS {parent.query}")
            held[parent.table] = parent.version


def parent_keys(session: Session, con: Connection, contract: Contract) -> dict[str, str]:
    """For each foreign key rule, a table of ``con`` with the parent's distinct keys (k0, k1, …).

    The parent is read at the run's candidate, once for each version of it. A parent that was never
    written has no keys.

    Raises:
        ContractError: a foreign key points at its own dataset.
    """
    keys = wanted(session, contract)
    # Temporary tables are a connection's own; only the run's own connection stays.
    hold(con, keys, session.held(con))
    return {p.rule_id: p.table for p in keys}


def _keys_of(session: Session, contract: Contract, rule: Rule) -> ParentKeys:
    parent = str(rule.arguments["parent"])
    if parent == contract.id:
        raise ContractError(
            "a foreign key to its own dataset cannot be judged row by row.",
            remedy="Write it as a sql rule over {table}.",
            place=rule.place,
        )
    columns = [str(c) for c in rule.arguments["parent_columns"]]
    name = f"_parent_{ids.digest(hjson.dumps([parent, columns]))[:16]}"
    snapshot = session.snapshot(parent)
    if snapshot is None:
        # Of the types of what refers to it: Spark compares with no column that has none.
        ours = [duckdb_type(contract.table_columns[str(c)]) for c in rule.arguments["columns"]]
        nothing = ", ".join(f"NULL::{kind} AS k{i}" for i, kind in enumerate(ours))
        query, version = f"SELECT {nothing} WHERE FALSE", -1
    else:
        keys = ", ".join(f"{identifier(c)} AS k{i}" for i, c in enumerate(columns))
        query = f"SELECT DISTINCT {keys} FROM {snapshot.relation(columns)}"
        version = snapshot.version
    return ParentKeys(rule.id, rule.severity, name, version, query)
