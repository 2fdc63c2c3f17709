"""What a delivery deletes: tombstones told from rows, and the keys that a snapshot still has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from headgate.contracts import types
from headgate.contracts.model import Contract, Rule
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, one
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality import conditions
from headgate.quality.predicates import CompiledRule

#: The temporary table of keys that were delivered and set aside.
PRESENT = "_present"


def tombstone(contract: Contract) -> str | None:
    """SQL that is TRUE for a row that says its key is deleted, else FALSE; None: no row says so.

    Raises:
        ContractError: the contract's condition cannot be judged.
    """
    given = contract.delivery.tombstone
    if given is None:
        return None
    place = f"{contract.path}#/customProperties/headgate.delivery"
    rule = Rule("tombstone", "predicate", "row", "fail", place=place)
    sql = conditions.checked(given, rule, {c.name: c.type for c in contract.columns})
    return f"COALESCE(TRY(({sql}) IS TRUE), FALSE)"


def without_tombstones(contract: Contract, rules: Iterable[CompiledRule]) -> list[CompiledRule]:
    """The rules, of which a tombstone needs to hold only those of its key."""
    rules, dead = list(rules), tombstone(contract)
    if dead is None:
        return rules
    return [
        r
        if r.rule.column in contract.key
        else dataclasses.replace(r, holds=f"({dead} OR ({r.holds}))")
        for r in rules
    ]


def part(
    con: Connection, contract: Contract, staged: Sequence[StagedFile], session: Session
) -> tuple[list[StagedFile], list[StagedFile]]:
    """The staged rows without the tombstones, and the tombstones."""
    dead = tombstone(contract)
    if dead is None or not staged:
        return list(staged), []
    rows = relation([f.as_data_file() for f in staged], contract.table_columns)
    if not one(con, f"SELECT count(*) FROM {rows} WHERE {dead}")[0]:
        return list(staged), []

    def those(where: str) -> list[StagedFile]:
        query = f"SELECT {identifiers(contract.table_columns)} FROM {rows} WHERE {where}"
        return stage(con, query, contract.table_columns, session.staging, session.settings)

    return those(f"NOT {dead}"), those(dead)


def forget_present(con: Connection, contract: Contract) -> None:
    """Begin a delivery: no key was set aside yet."""
    columns = ", ".join(
        f"{identifier(k)} {types.duckdb_type(contract.table_columns[k])}" for k in contract.key
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {PRESENT} ({columns})")


def still_present(con: Connection, contract: Contract, query: str) -> None:
    """Remember the keys of rows that were delivered and set aside; ``query`` has the key's columns."""
    con.execute(f"INSERT INTO {PRESENT} SELECT {identifiers(contract.key)} FROM ({query})")
