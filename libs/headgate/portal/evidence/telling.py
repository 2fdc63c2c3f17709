"""What the files of an evidence pack say, line by line, and what their reader is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headgate.core import json as hjson

if TYPE_CHECKING:
    from headgate.lake.release import Release
    from headgate.portal.evidence.gathering import Shown, Waived
    from headgate.portal.records.chain import Entry, Head
    from headgate.portal.records.exceptions import Granted
    from headgate.portal.records.signoffs import SignOff

Rows = Iterator[tuple[Any, ...]]
TABLES = ("dataset", "version", "rows", "release_group", "batch_id", "run_id", "committed_at",
          "rules", "rules_held")  # fmt: skip
CONTRACTS = ("dataset", "contract_version", "contract_hash", "file", "as_committed", "owner")
WAIVERS = ("dataset", "rows", "reasons", "by", "why", "at")
EXCEPTIONS = ("entry", "dataset", "rule", "reason", "by", "from", "until", "ended_at", "ended_by",
              "ended_why", "in_force_when_released")  # fmt: skip
EDGES = ("dataset", "column", "from_dataset", "from_column", "ways", "job")
_README = """\
Evidence of release {number}
============================

Published {at} UTC by run {run}; kind: {kind}; {tables} tables{parent}.
It is made of that release, of what the platform's ledgers and logs hold of it, and of the portal's
log up to entry {head}. It holds no row of any table: values of personal and classified columns are
left out, and where something was left out it says so.

What is in it
-------------
release.json          the release: which version of which table readers see
tables.csv            each table, the batch that made it as it is shown, and how many rules held
contracts/            each contract as it was when that batch was judged, as canonical JSON
contracts.csv         their versions and hashes. Where as_committed is "yes", the hash is the SHA-256
                      of the file's length (8 bytes, the most significant first) and its bytes;
                      otherwise examples of protected columns were left out of the file
verdicts/             what the gate said of each table as it is shown: a validation result of Great
                      Expectations, without examples of rows
accounts.csv          every batch since the release before, refused ones too, and the one that made
                      each table (made_it). read = published + quarantined + deduplicated + refused
waivers.csv           refused rows that somebody let stay out for good: how many, who, why, when
lineage/              datasets.jsonl: what each table is made from; columns.csv: the same column by
                      column, as of this release (unknown.txt: why lineage does not know it)
sign_offs.jsonl       who stands for the quality report of a domain or owner of these tables whose
                      days cover the release, with the figures that were signed
exceptions.csv        rules of these tables that somebody allowed to be broken, until when and why
log.jsonl             the entries of the portal's log about all that, each with its number and hash
log-head.txt          number and hash of the log's last entry when this was made

How to check it
---------------
1. Nothing in this pack was changed:   sha256sum -c SHA256SUMS
   or, where Headgate is installed:    headgate portal evidence --check FILE
2. The log was not altered since:      headgate portal audit verify --head {full}
   The hash of every entry covers the one before it, so that the head stands for the whole log.
"""


def readme(release: Release, head: Head) -> str:
    """What the reader of a pack is told first."""
    return _README.format(
        number=release.id, at=f"{release.published_at:%Y-%m-%d %H:%M:%S}", run=release.run_id,
        kind=release.kind, tables=len(release.tables), head=head.number, full=head,
        parent=f"; it follows release {release.parent}" if release.parent is not None else "",
    )  # fmt: skip


def release(found: Release) -> str:
    """The release, without the names of its files."""
    told = dataclasses.asdict(found)
    for table in told["tables"].values():
        table["files"] = len(table["files"])
    return hjson.dumps(told, indent=1)


def tables(shown: Iterable[Shown]) -> Rows:
    """A line of each table."""
    for one in shown:
        meta = one.meta
        held = sum(bool(v["passed"]) for v in meta.verdicts) if meta else None
        yield (
            one.dataset, one.version, one.rows, one.group,
            *((meta.batch_id, meta.run_id, meta.committed_at, len(meta.verdicts), held)
              if meta else ("the log of then is gone", None, None, None, None)),
        )  # fmt: skip


def contracts(shown: Iterable[Shown], hidden: set[str]) -> Rows:
    """A line of each contract."""
    for one in shown:
        meta = one.meta
        there = one.written is not None
        yield (
            one.dataset, meta.contract_version if meta else None, meta.contract_hash if meta else None,
            f"contracts/{one.dataset}.json" if there else "not kept",
            there and one.dataset not in hidden, one.contract.owner if one.contract else None,
        )  # fmt: skip


def waivers(found: Iterable[Waived]) -> Rows:
    """A line of each decision about refused rows."""
    for one in found:
        yield one.dataset, one.rows, one.codes, one.by, one.why, one.at


def exceptions(granted: Iterable[Granted], at: datetime) -> Rows:
    """A line of each exception, and whether it held when the release was published."""
    for e in granted:
        yield (
            e.number, e.dataset, e.rule, e.reason, e.by, e.at, e.until, e.ended_at, e.ended_by,
            e.ended_why, e.is_in_force(at),
        )  # fmt: skip


def sign_off(found: SignOff) -> str:
    """A sign-off with its figures."""
    return hjson.dumps(dataclasses.asdict(found))


def entry(found: Entry) -> str:
    """An entry of the log; the figures of a sign-off stand in its own file."""
    told = dataclasses.asdict(found)
    told["detail"] = {k: v for k, v in found.detail.items() if k != "figures"}
    return hjson.dumps(told)


def subjects(shown: Sequence[Shown]) -> set[str]:
    """The domains and owners of the tables, as the log calls them."""
    found = {f"domain:{one.dataset.split('.')[1]}" for one in shown}
    return found | {f"owner:{one.contract.owner}" for one in shown if one.contract}


def concerns(found: Entry, covering: set[int]) -> bool:
    """Whether an entry about sign-offs is about one that covers the release; others always do."""
    if found.action == "signed_off":
        return found.number in covering
    if found.action == "sign_off_withdrawn":
        return int(found.detail["sign_off"]) in covering
    return True
