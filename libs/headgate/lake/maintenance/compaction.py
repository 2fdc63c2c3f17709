"""Compaction: small files of a table are put together into larger ones, and no row changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.core import clock, failpoints, ids
from headgate.core.errors import LakeError
from headgate.core.settings import Settings
from headgate.lake import attempts
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import Connection, identifiers, one
from headgate.lake.lake import Lake
from headgate.lake.meta import COMPACTION, CommitMeta
from headgate.lake.snapshot import DataFile, Snapshot, relation
from headgate.lake.stage import StagedFile, stage

#: Most live files that a table is to have: binding more takes readers half a second and longer.
MOST_FILES = 1_000
#: With fewer small files than this a table is left alone.
FEWEST = 4
#: A file counts as small below this share of the size that is aimed at.
_SMALL = 0.5
#: Files below this share are put together whatever their sizes.
_TINY = 1 / 64


@dataclass(frozen=True)
class Compacted:
    """What a compaction did: so many files of so many bytes became others, of the same rows.

    ``meta`` is its account, ``snapshot`` the table after it.
    """

    meta: CommitMeta
    snapshot: Snapshot
    files: int
    bytes: int
    new_files: int
    new_bytes: int


def worth(base: Snapshot, settings: Settings) -> tuple[DataFile, ...]:
    """The files of the table that are worth putting together; none, if it is well as it is.

    A file is written anew only along with as many bytes in smaller ones, so that in all its life
    each row is written anew as often as its table doubles, and no more; unless the table comes
    close to having too many files.
    """
    if base.meta is None:
        return ()  # somebody else's
    size = settings.target_file_bytes
    small = sorted((f for f in base.files if f.size < size * _SMALL), key=lambda f: f.size)
    crowded = len(base.files) > MOST_FILES / 2
    count, total = 0, 0
    for number, file in enumerate(small, 1):
        if crowded or file.size <= max(total, size * _TINY):
            count = number
        total += file.size
    return tuple(small[:count]) if count >= FEWEST else ()


def compact(
    con: Connection,
    lake: Lake,
    dataset: str,
    *,
    run_id: str,
    key: Sequence[str] = (),
    order: Sequence[str] = (),
    quarantine: bool = False,
) -> Compacted | None:
    """Put a table's small files together in one commit; None if that is not worth it.

    Rows that lie close by the first ``key`` column come into one file; with ``order`` the rows of
    each file lie by these columns, so that readers find those of one value in few row groups. Rows
    and their hashes are compared before the commit. A writer that comes between is no obstacle while
    it leaves the files alone: the same files then take the others' place in the table as it is by
    then.

    Raises:
        LakeError: the new files do not hold the same rows, or the lake cannot be written.
        ConflictError: others kept committing first; the table is as it was.
    """
    table = lake.key(dataset, quarantine=quarantine)
    work = _Work(con, lake, dataset, run_id, tuple(key), tuple(order), quarantine)
    return attempts.again(lake, table, work.once)


@dataclass
class _Work:
    con: Connection
    lake: Lake
    dataset: str
    run_id: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    quarantine: bool
    chosen: tuple[DataFile, ...] = ()
    columns: Mapping[str, str] | None = None
    staged: tuple[StagedFile, ...] = ()
    content: str = ""

    def once(self) -> Compacted | None:
        """One try, on the table as it is now."""
        base = self.lake.snapshot(self.dataset, quarantine=self.quarantine)
        if base is None or base.meta is None or base.partitions:
            return None
        live = {f.path for f in base.files}
        if not (self.staged and base.columns == self.columns
                and all(f.path in live for f in self.chosen)):  # fmt: skip
            self.chosen = worth(base, self.lake.settings)
            if not self.chosen:
                return None
            self._rewrite(base)
        meta = self._meta(base, base.meta)
        failpoints.reach("maintain.before_compaction")
        snapshot = commit(
            self.lake, self.dataset, base=base, columns=base.columns, add=self.staged,
            remove=self.chosen, meta=meta, quarantine=self.quarantine,
        )  # fmt: skip
        return Compacted(
            meta, snapshot, len(self.chosen), sum(f.size for f in self.chosen),
            len(self.staged), sum(f.size for f in self.staged),
        )  # fmt: skip

    def _rewrite(self, base: Snapshot) -> None:
        """Stage the rows of the chosen files anew, and see that they are the same."""
        self.columns = dict(base.columns)
        staged: list[StagedFile] = []
        folder = self.lake.staging(self.run_id)
        laid = f" ORDER BY {identifiers(self.order)}" if self.order else ""
        for files in groups(self.chosen, self.key, self.lake.settings.target_file_bytes):
            rows = f"SELECT {identifiers(base.columns)} FROM {relation(files, base.columns)}{laid}"
            staged += stage(self.con, rows, base.columns, folder, self.lake.settings)
        before = fingerprint(self.con, self.chosen, base.columns)
        after = fingerprint(self.con, [f.as_data_file() for f in staged], base.columns)
        told = sum(f.rows for f in self.chosen), sum(f.rows for f in staged)
        if before != after or told[0] != told[1]:
            raise LakeError(
                f"put together, the files of {self.dataset} would hold other rows ({told[1]} of"
                f" {told[0]}); nothing was changed.",
                remedy="headgate fsck looks whether its files are what the log says.",
            )
        self.staged, self.content = tuple(staged), before

    def _meta(self, base: Snapshot, was: CommitMeta) -> CommitMeta:
        detail: dict[str, Any] = {
            "same_as": base.content_version, "was": was.to_mapping(), "content": self.content,
            "rows": sum(f.rows for f in self.staged), "files": len(self.chosen),
            "into": len(self.staged),
        }  # fmt: skip
        return CommitMeta(
            batch_id=ids.new_id(), run_id=self.run_id, dataset=self.dataset, kind=COMPACTION,
            mode="compact", source="maintain", content_hash="",
            contract_version=was.contract_version, contract_hash=was.contract_hash,
            committed_at=clock.now(), code_hash=was.code_hash, detail=detail,
        )  # fmt: skip


def groups(files: Sequence[DataFile], key: Sequence[str], size: int) -> list[tuple[DataFile, ...]]:
    """The files in groups of about ``size`` bytes, those of close keys together."""
    first = key[0] if key else ""
    known = sorted(
        (f for f in files if f.minimum.get(first) is not None), key=lambda f: f.minimum[first]
    )
    found, group, total = list[tuple[DataFile, ...]](), list[DataFile](), 0
    for file in [*known, *(f for f in files if f.minimum.get(first) is None)]:
        if group and total + file.size > size:
            found.append(tuple(group))
            group, total = [], 0
        group.append(file)
        total += file.size
    return [*found, tuple(group)] if group else found


def fingerprint(con: Connection, files: Sequence[DataFile], columns: Mapping[str, str]) -> str:
    """Rows, whatever their order, as a count and two sums of 64 bits of hashes; each column counts."""
    names = identifiers(columns)
    count, one_sum, other = one(
        con,
        f"SELECT count(*), sum(hash({names})::HUGEINT), sum(hash({names}, 'again')::HUGEINT)"
        f" FROM {relation(files, columns)}",
    )
    return ids.digest(str(count), str(one_sum), str(other))
