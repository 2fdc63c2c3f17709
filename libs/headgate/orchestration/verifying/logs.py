"""Logs: versions without gaps, entries that are what was written, checkpoints that sum them up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.contracts import types
from headgate.contracts.model import Contract
from headgate.lake import entry as entries
from headgate.lake.snapshot import app_id
from headgate.orchestration.verifying.finding import Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned, canonical, pointed
from headgate.orchestration.verifying.tablelog import Entry, State
from headgate.quality.quarantine import COLUMNS as QUARANTINE_COLUMNS

#: What is done to torn entries and broken checkpoints before a run reads anything.
SET_ASIDE = "sets the file aside, as the next run would"


def _torn(look: Look) -> Iterator[Fault]:
    for table in look.every():
        newest = table.entries.get(table.newest)
        why = _damage(newest) if newest is not None else ""
        if why and not _acknowledged(look, table):
            yield Fault(
                table.place(table.newest),
                f"the newest log entry is not whole: {why}. Nothing names it.",
                table.dataset, table.newest,
            )  # fmt: skip


def _damage(entry: Entry) -> str:
    """What is wrong with an entry's bytes; empty if they are what was written."""
    if entry.problem:
        return entry.problem
    return "it is not what was written" if entries.is_whole(entry.data) is False else ""


def _acknowledged(look: Look, table: Pinned) -> bool:
    """Whether a release or the ledger names the table's newest version."""
    if table.quarantine:
        return False
    named = {r.versions.get(table.dataset) for r in look.kept_releases.values()}
    if table.newest in named:
        return True
    rows = [] if table.dataset.startswith("system.") else look.ledger("system.ledger.batches")
    return any(
        r["dataset"] == table.dataset and r["version"] is not None and r["version"] >= table.newest
        for r in rows or ()
    )


def _unreadable(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, found in sorted(table.entries.items()):
            torn = version == table.newest and not _acknowledged(look, table)
            if found.problem and not torn:
                yield Fault(table.place(version), f"the log entry cannot be read: {found.problem}.",
                            table.dataset, version)  # fmt: skip


def _changed(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, found in sorted(table.entries.items()):
            torn = version == table.newest and not _acknowledged(look, table)
            if not found.problem and not torn and _damage(found):
                yield Fault(table.place(version), "the log entry is not what was written.",
                            table.dataset, version)  # fmt: skip


def _gaps(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version in table.missing:
            yield Fault(table.place(version), f"version {version} is missing from the log.",
                        table.dataset, version)  # fmt: skip


def _checkpoints(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, found in sorted(table.checkpoints.items()):
            place = f"{table.key}/_delta_log/{version:020d}.checkpoint.parquet"
            if isinstance(found, str):
                yield Fault(place, f"the checkpoint cannot be read: {found}.", table.dataset, version,
                            repair=None if _spare(table, version) else "")  # fmt: skip
            elif version in table.summed and version != table.begins:
                for wrong in _differences(found, table.summed[version]):
                    yield Fault(place, f"the checkpoint differs from the entries: {wrong}.",
                                table.dataset, version)  # fmt: skip
        try:
            told = pointed(table)
        except ValueError as error:
            told, wrong = None, f"{error}"
        else:
            gone = told is not None and told not in table.checkpoints
            wrong = f"it names version {told}, which has no checkpoint" if gone else ""
        if wrong:
            yield Fault(f"{table.key}/_delta_log/_last_checkpoint",
                        f"the pointer to the newest checkpoint is wrong: {wrong}.", table.dataset, told)  # fmt: skip


def _spare(table: Pinned, version: int) -> bool:
    """Whether the entries suffice without the checkpoint."""
    return table.whole and table.begins != version


def _differences(found: State, made: State) -> Iterator[str]:
    gone, more = sorted(made.files.keys() - found.files), sorted(found.files.keys() - made.files)
    if gone:
        yield f"it lacks {', '.join(gone[:3])}"
    if more:
        yield f"it has {', '.join(more[:3])} besides"
    for path in sorted(found.files.keys() & made.files):
        mine, theirs = found.files[path], made.files[path]
        if mine.size != theirs.size or canonical(mine.stats) != canonical(theirs.stats):
            yield f"it has another size or other statistics of {path}"
        elif mine.more != theirs.more:
            yield f"it says something else of {path}"
    if canonical(_known(found.metadata)) != canonical(_known(made.metadata)):
        yield "it has another schema, or says something else of the table"
    if canonical(_known(found.protocol)) != canonical(_known(made.protocol)):
        yield "it has another protocol"
    if found.transactions != made.transactions:
        yield "it has other transaction numbers"


def _known(told: Any) -> Any:
    """What is said, without what is not."""
    if not isinstance(told, Mapping):
        return told
    return {k: _known(v) for k, v in told.items() if v is not None and v not in ([], {})}


def _transactions(look: Look) -> Iterator[Fault]:
    for table in look.every():
        number, seen, app = 0, dict[str, int](), app_id(table.dataset)
        begun = table.checkpoints.get(table.begins)
        if table.begins and isinstance(begun, State):
            number = begun.transactions.get(app, 0)
        for version in range(table.begins + bool(table.begins), table.last + 1):
            entry = table.entries[version]
            if entry.meta is None:
                continue
            told = [int(t["version"]) for t in entry.of("txn") if t["appId"] == app]
            wrong = []
            if told != [number + 1]:
                wrong.append(
                    f"its transaction is {told or 'not told'} where {number + 1} comes next"
                )
            if entry.meta.dataset != table.dataset:
                wrong.append(f"it says that it is of {entry.meta.dataset}")
            if not table.quarantine and entry.meta.batch_id in seen:
                wrong.append(f"its batch {entry.meta.batch_id} is that of version {seen[entry.meta.batch_id]}")  # fmt: skip
            number = told[-1] if told else number
            seen.setdefault(entry.meta.batch_id, version)
            for told_wrong in wrong:
                yield Fault(table.place(version), f"the commit is out of order: {told_wrong}.",
                            table.dataset, version)  # fmt: skip


def _misfits(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, wrong in sorted(table.misfits.items()):
            for told in wrong:
                yield Fault(table.place(version), f"the commit does not fit the table: {told}.",
                            table.dataset, version)  # fmt: skip
        for version in range(table.begins + bool(table.begins), table.last + 1):
            entry = table.entries[version]
            moved = [*entry.of("add"), *entry.of("remove")]
            if entry.meta is None and any(a.get("dataChange", True) for a in moved):
                yield Fault(table.place(version), "rows were committed past the gate, by another writer.",
                            table.dataset, version)  # fmt: skip


def _shapes(look: Look) -> Iterator[Fault]:
    for table in look.every():
        state = table.head
        if state is None:
            continue
        protocol = state.protocol
        plain = (protocol.get("minReaderVersion"), protocol.get("minWriterVersion")) == (1, 2)
        if (
            not plain
            or state.metadata.get("partitionColumns")
            or state.metadata.get("configuration")
        ):
            yield Fault(table.place(table.last),
                        f"the table asks more of its readers than ours do: {_demands(state)}.",
                        table.dataset, table.last)  # fmt: skip
        for column, told in _misshapen(look, table, state):
            yield Fault(table.place(table.last), told, table.dataset, table.last, column)


def _demands(state: State) -> str:
    features = [
        f for k in ("readerFeatures", "writerFeatures") for f in state.protocol.get(k) or ()
    ]
    version = f"protocol {state.protocol.get('minReaderVersion')}.{state.protocol.get('minWriterVersion')}"
    return ", ".join([version, *features, *(state.metadata.get("configuration") or ())])


def _misshapen(look: Look, table: Pinned, state: State) -> Iterator[tuple[str, str]]:
    contract = look.contract(table)
    wanted = QUARANTINE_COLUMNS if table.quarantine else _columns(contract)
    for column, kind in wanted.items():
        have = state.columns.get(column)
        if have is None:
            yield column, f"the table lacks the column {column}, which its contract has."
        elif types.duckdb_type(have) != types.duckdb_type(kind):
            yield column, f"the column {column} is {have}, its contract says {kind}."


def _columns(contract: Contract | None) -> dict[str, str]:
    return dict(contract.table_columns) if contract else {}


_ASK = "Restore the lake's folder from a copy, or ask who changed it. Delete nothing."

CHECKS = (
    Check(
        "log-torn", "The newest log entry of every table is whole.",
        "The next run sets it aside; `headgate fsck --repair` does so now. Nothing that was "
        "acknowledged is in it.",
        _torn, repair=SET_ASIDE,
    ),
    Check("log-entry", "Every log entry can be read.", _ASK, _unreadable),
    Check("log-changed", "Every log entry is, byte for byte, what was written.", _ASK, _changed),
    Check(
        "log-gap", "Log versions follow one another, from the oldest kept or a checkpoint on.",
        _ASK, _gaps,
    ),
    Check(
        "log-checkpoint", "Every checkpoint holds what replaying the entries gives.",
        "Where the entries are all there, `headgate fsck --repair` sets the checkpoint aside: readers "
        "then read the entries. Else restore it from a copy.",
        _checkpoints, repair=SET_ASIDE,
    ),
    Check(
        "log-transaction",
        "Commits of a table are numbered without gaps, each of its own batch and of this dataset.",
        _ASK, _transactions,
    ),
    Check(
        "log-commit", "A commit removes only what the table had, adds only what it had not, and "
        "rows come in through the gate alone.",
        "Find out who wrote it. `headgate release rollback` shows readers an earlier release.", _misfits,
    ),
    Check(
        "table-shape", "A table's protocol is one that every engine reads, and its columns are those "
        "of the contract that it was committed under.",
        "`headgate rebuild DATASET` makes the table anew from its rows.", _shapes,
    ),
)  # fmt: skip
