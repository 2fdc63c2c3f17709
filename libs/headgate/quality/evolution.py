"""A contract that changed under a table: what its stored rows were judged by, and what follows.

A source's stored rows are judged once, as they come in; so under a contract that demands more of
them than theirs did they are judged anew, and nothing is committed until none of them breaks it. A
model is built anew by itself when its contract changes, and judged as it is built; only another
shape of its table is refused.
"""

from __future__ import annotations

import dataclasses

from headgate.contracts.diff import BREAKING, COMPATIBLE, NEEDS_BACKFILL, Change, compare, gravest
from headgate.contracts.load import from_document
from headgate.contracts.model import Contract
from headgate.contracts.types import duckdb_type
from headgate.core.errors import ContractError, LakeError
from headgate.lake import kept
from headgate.lake.engines import ownership
from headgate.lake.engines.duckdb import one
from headgate.lake.lake import Lake
from headgate.lake.session import Session
from headgate.lake.snapshot import Snapshot, relation
from headgate.quality.parents import parent_keys
from headgate.quality.predicates import compile_row_rules, conjunction, keeping_out


def changes(lake: Lake, snapshot: Snapshot | None, contract: Contract) -> tuple[Change, ...]:
    """What changed since the contract under which the table was last committed.

    None if the table was never written.
    """
    meta = snapshot.meta if snapshot else None
    if meta is None or meta.contract_hash == contract.hash:
        return ()
    before = earlier(lake, contract, meta.contract_hash)
    if isinstance(before, Change):
        severity = NEEDS_BACKFILL if _same_shape(snapshot, contract) else BREAKING
        return (dataclasses.replace(before, severity=severity),)
    # The contract of the project has its parents resolved, which the old one's are not.
    return compare(before, from_document(contract.path, contract.document))


def earlier(lake: Lake, contract: Contract, contract_hash: str) -> Contract | Change:
    """The dataset's contract of that hash, or why it cannot be told what changed since."""
    document = kept.recall(lake, contract.id, contract_hash)
    if document is None:
        why = "The contract under which the table was committed is not kept in this lake."
        return Change("unknown", "", why, NEEDS_BACKFILL)
    try:
        return from_document(contract.path, document)
    except ContractError as error:
        why = f"The contract under which the table was committed is refused by now: {error.message}"
        return Change("unknown", "", why, NEEDS_BACKFILL)


def blocking(found: tuple[Change, ...], contract: Contract) -> tuple[Change, ...]:
    """Those of the changes that nothing may be committed under before somebody has acted."""
    let_through = (COMPATIBLE, NEEDS_BACKFILL) if contract.curated else (COMPATIBLE,)
    return tuple(c for c in found if c.severity not in let_through)


def remedy(found: tuple[Change, ...], contract: Contract) -> str:
    """The command that makes the table fit the contract; empty if none is needed."""
    blocked = blocking(found, contract)
    if not blocked:
        return ""
    if gravest(blocked) == BREAKING:
        return f"`headgate rebuild {contract.id}` makes the table anew from its rows."
    return (
        f"`headgate audit {contract.id}` shows the stored rows that break it; with --apply they "
        "are set aside. If none does, the next run goes on by itself."
    )


def error(found: tuple[Change, ...], contract: Contract, rows: int | None = None) -> ContractError:
    """What is told of changes that block; ``rows`` are those that break them, if they were judged."""
    blocked = blocking(found, contract)
    more = f" ({len(blocked) - 1} more: `headgate diff {contract.id}`)" if len(blocked) > 1 else ""
    pointer = f"#{blocked[0].place}" if blocked[0].place else ""
    broken = f" {rows:,} stored rows break the contract." if rows else ""
    return ContractError(
        f"{contract.id}: its contract changed since the table was committed, and the change is "
        f"{gravest(blocked)}: {blocked[0].what}{more}{broken}",
        remedy=remedy(found, contract),
        place=f"{contract.path}{pointer}",
    )


def refusal(
    session: Session, snapshot: Snapshot | None, contract: Contract
) -> ContractError | None:
    """Why nothing may be committed, if so.

    Where the table keeps its shape its rows are judged by the contract of today: if all of them
    hold it, nothing stands against it.
    """
    other = ownership.refusal(snapshot, contract, session.engine_name(contract))
    if other is not None:
        return other
    found = changes(session.lake, snapshot, contract)
    blocked = blocking(found, contract)
    if not blocked or snapshot is None:
        return None
    rows = None
    if gravest(blocked) == NEEDS_BACKFILL:
        version = (contract.id, snapshot.version, contract.hash)
        if version not in session.judged:
            session.judged[version] = _breaking_rows(session, snapshot, contract)
        rows = session.judged[version]
        if rows == 0:
            return None
    return error(found, contract, rows)


def demand(session: Session, snapshot: Snapshot | None, contract: Contract) -> None:
    """Let a commit go on only if the table's rows satisfy the contract, or are being judged.

    Raises:
        ContractError: they may not; the remedy is named.
        LakeError: the table is somebody else's, whose rows nobody judged.
    """
    if snapshot is not None and snapshot.meta is None:
        raise LakeError(
            f"the table of {contract.id} was not made by Headgate, which only reads such tables.",
            place=session.lake.storage.uri(session.lake.key(contract.id)),
            remedy="Move it away and take its rows in as a source.",
        )
    if contract.id not in session.rebuilding:
        refused = refusal(session, snapshot, contract)
        if refused:
            raise refused


def _breaking_rows(session: Session, snapshot: Snapshot, contract: Contract) -> int:
    """How many stored rows break a rule that would have kept them out."""
    con = session.engine(contract)
    rules = compile_row_rules(contract, parents=parent_keys(session, con, contract))
    holds = conjunction(keeping_out(rules))
    rows = relation(snapshot.files, {**snapshot.columns, **contract.table_columns})
    return int(one(con, f"SELECT count(*) FROM {rows} WHERE NOT ({holds})")[0])


def _same_shape(snapshot: Snapshot | None, contract: Contract) -> bool:
    """Whether the table has no column of another type, and none that the contract lacks."""
    mine = {c: duckdb_type(t) for c, t in contract.table_columns.items()}
    return snapshot is None or all(
        mine.get(c) == duckdb_type(t) for c, t in snapshot.columns.items()
    )
