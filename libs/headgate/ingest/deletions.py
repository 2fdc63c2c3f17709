"""What a delivery deletes: tombstones told from rows, and the keys that a snapshot still has."""

from __future__ import annotations

from collections.abc import Sequence

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.lake.engines.duckdb import Connection, identifier, identifiers, one
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage
from headgate.quality.predicates import tombstone

#: The temporary table of keys that were delivered and set aside.
PRESENT = "_present"


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


def present(contract: Contract, files: Sequence[StagedFile]) -> str:
    """A relation of the keys that :func:`stage_present` staged."""
    columns = {k: contract.table_columns[k] for k in contract.key}
    return relation([f.as_data_file() for f in files], columns)


def stage_present(con: Connection, contract: Contract, session: Session) -> list[StagedFile]:
    """The keys of rows that were delivered and set aside, as files; none if nothing is absent."""
    if not contract.delivery.snapshot:
        return []
    columns = {k: contract.table_columns[k] for k in contract.key}
    query = f"SELECT {identifiers(contract.key)} FROM {PRESENT}"
    return stage(con, query, columns, session.staging, session.settings)
