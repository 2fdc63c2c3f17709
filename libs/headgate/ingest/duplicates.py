"""Repeated keys within a batch: what is the same counts once, what is newer wins, the rest conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headgate.contracts.model import Contract
from headgate.lake.engines.duckdb import Connection, equal, identifier, identifiers, one
from headgate.lake.session import Session
from headgate.lake.snapshot import relation
from headgate.lake.stage import StagedFile, stage


@dataclass(frozen=True)
class Duplicates:
    """What is left to commit, how many rows repeated another, and which conflict.

    ``conflicts`` maps a conflicting row's position to the positions of all rows of its key.
    """

    staged: list[StagedFile]
    repeated: int = 0
    conflicts: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def resolve(
    con: Connection, contract: Contract, staged: Sequence[StagedFile], session: Session
) -> Duplicates:
    """Leave one row a key among the staged rows.

    Of rows with one key and one content the first stays. With an order column the newest stays;
    several newest that differ conflict, as do different contents without an order column: all
    rows of that key then go to quarantine, because nothing says which is right. Where the
    contract says that the last stays, it is the last of the newest, and nothing conflicts.
    """
    files = [f.as_data_file() for f in staged]
    columns, key = contract.table_columns, identifiers(contract.key)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _repeated AS SELECT {key}"
        f" FROM {relation(files, {k: columns[k] for k in contract.key})}"
        f" GROUP BY ALL HAVING count(*) > 1"
    )
    if not _count(con, "_repeated"):
        return Duplicates(list(staged))
    if contract.last_stays:
        return _last(con, contract, staged, session)
    on = equal(contract.key, "t", "r")
    content = contract.content
    newest = (
        f"max({identifier(contract.order_column)}) OVER (PARTITION BY {key})"
        if contract.order_column
        else "NULL"
    )
    # A row is beaten if an order column says so; among those that stand, one content may remain.
    beaten = (
        f"coalesce({identifier(contract.order_column)} < _newest, {identifier(contract.order_column)}"
        " IS NULL AND _newest IS NOT NULL)"
        if contract.order_column
        else "FALSE"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _rivals AS SELECT *, {beaten} AS _beaten FROM (SELECT *,"
        f" {newest} AS _newest FROM (SELECT t.* FROM"
        f" {relation(files, columns, with_file=True)} t SEMI JOIN _repeated r ON {on}))"
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _standing AS SELECT {key}, _position, _file,"
        f" min(_position) OVER (PARTITION BY {key}) AS _first,"
        f" count(*) OVER (PARTITION BY {key}, {identifiers(content)}) <>"
        f" count(*) OVER (PARTITION BY {key}) AS _conflict FROM _rivals WHERE NOT _beaten"
    )
    conflicts = con.execute(
        f"SELECT _position, list(_position) OVER (PARTITION BY {key}) FROM _standing WHERE _conflict"
    ).fetchall()
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _dropped AS SELECT _position, _file FROM _rivals WHERE _beaten"
        " UNION ALL SELECT _position, _file FROM _standing WHERE _conflict OR _position <> _first"
    )
    dropped = _count(con, "_dropped")
    touched = {r[0] for r in con.execute("SELECT DISTINCT _file FROM _dropped").fetchall()}
    kept = [f for f in staged if str(f.path) not in touched]
    again = [f.as_data_file() for f in staged if str(f.path) in touched]
    kept += stage(
        con,
        f"SELECT {identifiers(columns)} FROM {relation(again, columns)} t"
        " ANTI JOIN _dropped d ON t._position = d._position",
        columns,
        session.staging,
        session.settings,
    )
    for name in ("_repeated", "_rivals", "_standing", "_dropped"):
        con.execute(f"DROP TABLE {name}")
    return Duplicates(
        kept, dropped - len(conflicts), {p: tuple(sorted(all_)) for p, all_ in conflicts}
    )


def _last(
    con: Connection, contract: Contract, staged: Sequence[StagedFile], session: Session
) -> Duplicates:
    """The last of each key's newest rows; most rows go, so all files are written anew."""
    files, columns = [f.as_data_file() for f in staged], contract.table_columns
    order = (
        f"{identifier(contract.order_column)} DESC NULLS LAST, " if contract.order_column else ""
    )
    asked = dict.fromkeys([*contract.key, contract.order_column or "_position", "_position"])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _staying AS SELECT _position"
        f" FROM {relation(files, {c: columns[c] for c in asked})} QUALIFY row_number()"
        f" OVER (PARTITION BY {identifiers(contract.key)} ORDER BY {order}_position DESC) = 1"
    )
    kept = stage(
        con,
        f"SELECT {identifiers(columns)} FROM {relation(files, columns)} t"
        " SEMI JOIN _staying s ON t._position = s._position",
        columns,
        session.staging,
        session.settings,
    )
    con.execute("DROP TABLE _staying")
    con.execute("DROP TABLE _repeated")
    return Duplicates(kept, sum(f.rows for f in staged) - sum(f.rows for f in kept))


def _count(con: Connection, table: str) -> int:
    return int(one(con, f"SELECT count(*) FROM {table}")[0])
