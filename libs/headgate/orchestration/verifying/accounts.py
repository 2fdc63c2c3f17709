"""Accounts: what each commit says of its batch balances, and is what its table and its inputs show."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.lake.meta import CommitMeta
from headgate.orchestration.verifying.finding import Check, Fault
from headgate.orchestration.verifying.look import Look
from headgate.orchestration.verifying.pinned import Pinned

#: Kinds of commits that went through the gate, and say how many rows they inserted and deleted.
GATED = ("ingest", "model", "replay", "audit", "rebuild")
#: Batches of streams: there are many, and lineage tells of several at a time.
STREAM = "stream"


def _balance(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, meta in table.metas():
            for told in _unbalanced(meta, quarantine=table.quarantine):
                yield Fault(table.place(version), f"the account of batch {meta.batch_id} {told}.",
                            table.dataset, version)  # fmt: skip


def _unbalanced(meta: CommitMeta, *, quarantine: bool) -> Iterator[str]:
    terms = (meta.read, meta.published, meta.quarantined, meta.deduplicated, meta.refused)
    if min(terms) < 0:
        yield "has a term below nought"
    if not meta.balanced:
        yield (
            f"does not balance: read {meta.read} ≠ {meta.published} published + {meta.quarantined}"
            f" quarantined + {meta.deduplicated} deduplicated + {meta.refused} refused"
        )
    if meta.kind in (*GATED, STREAM) and not quarantine:
        told = int(meta.detail.get("inserted", 0)) + int(meta.detail.get("updated", 0))
        if told != meta.published:
            yield f"says {meta.published} published, and {told} inserted or updated"
        if meta.outcome != "published" or meta.refused:
            yield "was refused, and yet it is in the log"


def _growth(look: Look) -> Iterator[Fault]:
    for table in look.every():
        for version, meta in table.metas():
            before = table.rows_at.get(version - 1, 0 if version == 0 else None)
            now = table.rows_at.get(version)
            told = None if before is None or now is None else _grown(table, meta, before, now)
            if told:
                yield Fault(table.place(version), f"batch {meta.batch_id} {told}.", table.dataset, version)  # fmt: skip


def _grown(table: Pinned, meta: CommitMeta, before: int, now: int) -> str:
    """What does not fit between a table's rows before and after a commit, and its account."""
    if table.quarantine:
        ok = before <= now <= before + meta.published
        return (
            "" if ok else f"set {meta.published} rows aside; the table went from {before} to {now}"
        )
    if meta.kind == "ledger":
        expected = before + meta.published
    elif meta.kind in (*GATED, STREAM):
        expected = before + int(meta.detail.get("inserted", 0)) - int(meta.detail.get("deleted", 0))
    elif meta.kind == "restore":
        restored = table.rows_at.get(int(meta.detail.get("version", -1)))
        expected = now if restored is None else restored
    elif meta.kind in ("compaction", "compact"):
        expected = before
    else:
        expected = now
    return "" if expected == now else f"makes {expected} rows of {before}; the table has {now}"


def _inputs(look: Look) -> Iterator[Fault]:
    for table in look.data():
        for version, meta in table.metas():
            for name, read in sorted(meta.inputs.items()):
                source = look.tables.get(name)
                newest = source.newest if source else -1
                # Versions below nought are of the lake that a private one was made from.
                if read > newest:
                    yield Fault(table.place(version),
                                f"it was made from version {read} of {name}, which has only {newest}.",
                                table.dataset, version)  # fmt: skip


_DEFECT = "Nothing can be mended without knowing how it came about: keep a copy of the lake and report it."  # fmt: skip

CHECKS = (
    Check("account-balance", "In every batch, read = published + quarantined + deduplicated + refused.",
          _DEFECT, _balance),
    Check("account-rows", "Every commit changes the number of its table's rows by what its account "
          "says.", _DEFECT, _growth),
    Check("account-inputs", "Every version that a batch was made from exists, or did.", _DEFECT, _inputs),
)  # fmt: skip
