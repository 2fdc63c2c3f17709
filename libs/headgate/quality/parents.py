"""The keys of the datasets that foreign keys refer to, at the versions that a run reads."""

from __future__ import annotations

from headgate.contracts.model import Contract
from headgate.core import ids
from headgate.core import json as hjson
from headgate.core.errors import ContractError
from headgate.lake.engines.duckdb import Connection, identifier
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot


def parent_keys(session: Session, con: Connection, contract: Contract) -> dict[str, str]:
    """For each foreign key rule, a table of ``con`` with the parent's distinct keys (k0, k1, …).

    The parent is read at the run's candidate, once for each version of it. A parent that was never
    written has no keys.

    Raises:
        ContractError: a foreign key points at its own dataset.
    """
    found = {}
    for rule in contract.row_rules:
        if rule.kind != "foreign_key":
            continue
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
        version = -1 if snapshot is None else snapshot.version
        # Temporary tables are a connection's own; only the run's own connection stays.
        if con is not session.con or session.parents.get(name) != version:
            _read(con, name, snapshot, columns)
        if con is session.con:
            session.parents[name] = version
        found[rule.id] = name
    return found


def _read(con: Connection, name: str, snapshot: Snapshot | None, columns: list[str]) -> None:
    if snapshot is None:
        nothing = ", ".join(f"NULL AS k{i}" for i in range(len(columns)))
        con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {nothing} WHERE FALSE")
        return
    keys = ", ".join(f"{identifier(c)} AS k{i}" for i, c in enumerate(columns))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT DISTINCT {keys}"
        f" FROM {snapshot.relation(columns)}"
    )
