"""Quarantine: states that are known, ids that follow from contents, counts that are the accounts'."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.core import ids
from headgate.core import json as hjson
from headgate.lake import ledger
from headgate.lake.meta import CommitMeta
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned
from headgate.quality.quarantine import STATES, row_id

_COLUMNS = ("row_id", "dataset", "source", "content_hash", "position", "raw", "reasons", "codes",
            "state", "state_by", "state_why", "state_at", "_batch_id")  # fmt: skip
_BATCH = re.compile(r"batch ([0-9a-f-]{36})")


@dataclass(frozen=True)
class Row:
    """One quarantined row as it is stored."""

    row_id: str
    dataset: str
    source: str
    content_hash: str
    position: int
    raw: str
    reasons: str
    codes: Sequence[str]
    state: str
    state_by: str | None
    state_why: str | None
    state_at: Any
    batch: str


def _tables(look: Look) -> Iterator[tuple[Pinned, list[Row]]]:
    """The rows of every quarantine whose files can be trusted."""
    import duckdb

    for table in look.every():
        state = table.head
        if not table.quarantine or state is None or not look.sound(table, state):
            continue
        if not set(_COLUMNS) <= state.columns.keys():
            continue
        look.progress.step(table.dataset, "looking at its quarantine")
        names = ", ".join(_COLUMNS)
        try:
            found = look.con.execute(f"SELECT {names} FROM {table.snapshot(state).relation()}").fetchall()  # fmt: skip
        except (duckdb.Error, UnicodeDecodeError):
            continue  # told with the files
        yield table, [Row(*r) for r in found]


def _states(look: Look) -> Iterator[Fault]:
    for table, rows in _tables(look):
        for row in rows:
            for column, told in _odd(row, table.dataset):
                yield Fault(
                    table.key, f"the row {row.row_id} {told}.", table.dataset, table.last, column
                )


def _odd(row: Row, dataset: str) -> Iterator[tuple[str, str]]:
    if row.state not in STATES:
        yield "state", f"is {row.state!r}, which is no state"
    elif row.state != "open" and not (row.state_by and row.state_why and row.state_at):
        yield "state_by", f"is {row.state}, and nobody says who decided it, why and when"
    if row.dataset != dataset:
        yield "dataset", f"says that it is of {row.dataset}"
    try:
        reasons = hjson.loads(row.reasons)
        codes = list(dict.fromkeys(str(r["code"]) for r in reasons))
    except (ValueError, KeyError, TypeError):
        codes = []
    if not codes or codes != list(row.codes):
        yield "reasons", "has no reason, or others than its codes"


def _ids(look: Look) -> Iterator[Fault]:
    for table, rows in _tables(look):
        seen: Counter[str] = Counter(r.row_id for r in rows)
        for found, count in sorted(seen.items()):
            if count > 1:
                yield Fault(table.key, f"the row {found} is there {count} times.", table.dataset,
                            table.last, "row_id")  # fmt: skip
        contract = look.contract(table)
        key = contract.key if contract else ()
        for row in rows:
            if row.row_id not in _possible(row, key):
                yield Fault(table.key, f"the row {row.row_id} is not of the place and content that it says.",
                            table.dataset, table.last, "row_id")  # fmt: skip


def _possible(row: Row, key: Sequence[str]) -> set[str]:
    """The ids that a row of this place and content may have."""
    if row.content_hash:
        return {row_id(row.dataset, row.content_hash, row.position)}
    stored = ids.digest(row.source, str(row.position), row.raw)
    found = {row_id(row.dataset, "", stored)}
    if row.source.startswith(("model:", "transform:")):
        # A model's row is known by its key; how its values are written out is the engine's.
        try:
            values = [hjson.loads(row.raw).get(k) for k in key]
        except (ValueError, AttributeError):
            return found
        if all(isinstance(v, str | int) and not isinstance(v, bool) for v in values):
            found.add(row_id(row.dataset, "", hjson.dumps([str(v) for v in values])))
        else:
            found.add(row.row_id)
    return found


def _known(look: Look) -> tuple[dict[str, CommitMeta | dict[str, Any]], bool]:
    """Every batch that a log or the ledger knows, by id; and whether the ledger can be trusted."""
    rows = look.ledger(ledger.BATCHES)
    found: dict[str, CommitMeta | dict[str, Any]] = {str(r["batch_id"]): r for r in rows or ()}
    return {**found, **look.batches}, rows is not None


def _accounts(look: Look) -> Iterator[Fault]:
    rows_known = look.ledger(ledger.BATCHES)
    if rows_known is None or look.base is not None:
        return
    for table, rows in _tables(look):
        taken: dict[str, list[int]] = {}
        logged = look.tables.get(table.dataset)
        entries = [m for _, m in logged.metas()] if logged else []
        told = [(m.kind, m.outcome, m.content_hash, m.quarantined) for m in entries]
        logged_ids = {m.batch_id for m in entries}
        told += [
            (str(r["kind"]), str(r["outcome"]), str(r["content_hash"]), int(r["quarantined"]))
            for r in rows_known
            if r["dataset"] == table.dataset and r["batch_id"] not in logged_ids
        ]
        for kind, outcome, content, count in told:
            if kind == "ingest" and outcome == "published":
                taken.setdefault(content, []).append(count)
        found: Counter[str] = Counter(r.content_hash for r in rows if r.content_hash)
        for content, counts in sorted(taken.items()):
            if not max(counts) <= found[content] <= sum(counts):
                yield Fault(table.key, f"the account of the file with the content {content[:12]}… says "
                            f"{max(counts)} rows set aside, {found[content]} are there.",
                            table.dataset, table.last)  # fmt: skip
        going_on = bool(look.running) or look.dead is not None
        for content in sorted(found.keys() - taken.keys()):
            if not going_on:
                # Its run died between the quarantine and the commit, and the file did not come again.
                yield Fault(table.key, f"{found[content]} rows are of the content {content[:12]}…, which "
                            "no batch took.", table.dataset, table.last, severity=WARNING,
                            remedy="Deliver that file again: the rest of it was not taken.")  # fmt: skip
    yield from _absent(look)


def _absent(look: Look) -> Iterator[Fault]:
    """Datasets whose commits set rows aside and that have no quarantine."""
    for table in look.data():
        if table.dataset in look.quarantines:
            continue
        aside = sum(m.quarantined for _, m in table.metas())
        if aside:
            yield Fault(f"{table.key}__quarantine", f"{aside} rows were set aside, and there is no "
                        "quarantine.", table.dataset)  # fmt: skip


def _closed(look: Look) -> Iterator[Fault]:
    known, trusted = _known(look)
    if not trusted:
        return
    for table, rows in _tables(look):
        counts: Counter[str] = Counter()
        for row in rows:
            if row.state not in ("replayed", "superseded"):
                continue
            named = _BATCH.search(row.state_why or "")
            batch = named[1] if named else ""
            if row.state == "replayed":
                counts[batch] += 1
            if batch not in known and not look.running and look.dead is None:
                yield Fault(table.key, f"the row {row.row_id} is {row.state} by the batch {batch or '?'}, "
                            "which was never committed.", table.dataset, table.last, "state_why")  # fmt: skip
        for batch, count in sorted(counts.items()):
            meta = known.get(batch)
            told = None if meta is None else _taken_in(meta)
            if told is not None and count > told:
                yield Fault(table.key, f"{count} rows are replayed by the batch {batch}, which took in "
                            f"{told}.", table.dataset, table.last, "state")  # fmt: skip


def _taken_in(meta: CommitMeta | dict[str, Any]) -> int:
    if isinstance(meta, CommitMeta):
        return meta.published + meta.deduplicated
    return int(meta["published"]) + int(meta["deduplicated"])


_COPY = "Restore the quarantine's folder from a copy, or deliver the file again under another content: "\
    "its refused rows are then set aside anew."  # fmt: skip

CHECKS = (
    Check("quarantine-states", "Every quarantined row has a known state, who decided it, and its "
          "reasons.", _COPY, _states),
    Check("quarantine-ids", "Every quarantined row is there once, under the id of its place and content.",
          _COPY, _ids),
    Check("quarantine-accounts", "As many rows of a file are quarantined as its account says.", _COPY,
          _accounts),
    Check("quarantine-closed", "What is replayed or superseded names a batch that was committed and "
          "took it in.", _COPY, _closed),
)  # fmt: skip
