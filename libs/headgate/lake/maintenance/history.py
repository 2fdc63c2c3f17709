"""Logs kept short: checkpoints, and which entries no version that is kept needs to be opened."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from headgate.contracts.names import QUARANTINE_SUFFIX
from headgate.core import clock
from headgate.core.errors import LakeError
from headgate.lake import checkpoint, lognames, unnamed
from headgate.lake.changes import settled
from headgate.lake.lake import Lake, log_key
from headgate.lake.release import ReleaseStore

#: So many entries since the last checkpoint, or before the first that is kept, are worth the work.
WORTH = 20


@dataclass(frozen=True)
class Log:
    """A table's log as it lies there: ``entries`` and ``checkpoints`` are versions, rising."""

    key: str
    entries: tuple[int, ...]
    checkpoints: tuple[int, ...]

    @property
    def folder(self) -> str:
        """Where it lies."""
        return f"{self.key}/_delta_log"

    @property
    def since_checkpoint(self) -> int:
        """How many entries have to be read after the newest checkpoint."""
        last = self.checkpoints[-1] if self.checkpoints else -1
        return sum(1 for v in self.entries if v > last)


@dataclass(frozen=True)
class Cut:
    """Where a log is to begin: at ``version``. ``names`` go, in this order, which take ``bytes``."""

    version: int
    names: tuple[str, ...]
    bytes: int


def read(lake: Lake, key: str) -> Log:
    """The table's log."""
    names = lake.storage.names(f"{key}/_delta_log")
    return Log(
        key,
        tuple(lognames.entries(names)),
        tuple(int(m[1]) for n in names if (m := lognames.CHECKPOINT.fullmatch(n))),
    )


def cut(lake: Lake, log: Log, pinned: Collection[int]) -> Cut | None:
    """Where the log may begin, or None if it is to stay as it is.

    Kept are the newest version, ``pinned`` ones, those younger than ``history_keep_days`` (by when
    the next one came), and all in between. Where no checkpoint is at the first of them, the caller
    writes it there.
    """
    if not log.entries:
        return None
    first = min([_oldest_young(lake, log), *(p for p in pinned if p in log.entries)])
    below = [c for c in log.checkpoints if c <= first]
    begins = below[-1] if below else log.entries[0]
    if sum(1 for v in log.entries if v < first) >= WORTH:
        begins = first
    gone = [v for v in log.entries if v < begins]
    older = [c for c in log.checkpoints if c < begins]
    if not gone and not older:
        return None
    names = [f"{v:020d}.json" for v in gone]
    names += [f"{c:020d}.checkpoint.parquet" for c in older]
    sizes = {o.name: o.size for o in lake.storage.objects(log.folder)}
    return Cut(begins, tuple(names), sum(sizes.get(n, 0) for n in names))


def clean(lake: Lake, log: Log, found: Cut, run_id: str) -> None:
    """Let the log begin at the cut: a checkpoint there is made and seen to be right, then what
    comes before it goes, oldest first, so that what is left has no gap.

    Raises:
        LakeError: the checkpoint does not say what the entries say; nothing is removed.
    """
    sum_up(lake, log, found.version, run_id)
    name = f"{found.version:020d}.checkpoint.parquet"
    lake.storage.seal(log.folder, [name, checkpoint.POINTER])
    found_live, _ = unnamed.summed_up(lake.storage.uri(f"{log.folder}/{name}"))
    told = live(lake, log, found.version)
    if found_live != told:
        raise LakeError(
            "the checkpoint does not name the files that the entries before it name.",
            place=lake.storage.uri(f"{log.folder}/{name}"),
            remedy="Nothing was removed; headgate fsck says what to do.",
        )
    lake.storage.remove(log.folder, list(found.names))


def sum_up(lake: Lake, log: Log, version: int, run_id: str) -> None:
    """Write a checkpoint of the version, if there is none.

    Raises:
        LakeError: the log cannot be read.
    """
    from deltalake.exceptions import DeltaError

    try:
        checkpoint.write(lake, log.key, version, run_id)
    except DeltaError as error:
        raise LakeError(
            f"the log cannot be read up to version {version}: {error}",
            place=lake.storage.uri(log.folder),
            remedy="Nothing was removed; headgate fsck says what to do.",
        ) from None


def _oldest_young(lake: Lake, log: Log) -> int:
    """The first version that was still the newest at the beginning of the days that are kept."""
    since = clock.now() - timedelta(days=lake.settings.history_keep_days)
    before = clock.epoch_millis(since)
    for version, following in pairwise(log.entries):
        if _written(lake, log, following) > before:
            return version
    return log.entries[-1]


def _written(lake: Lake, log: Log, version: int) -> int:
    """When an entry was written, in milliseconds, by its own word; unread ones count as new."""
    data = lake.storage.read(log_key(log.key, version)) or b""
    try:
        found = next(a["commitInfo"] for a in unnamed.actions(data) if "commitInfo" in a)
        return int(found["timestamp"])
    except (ValueError, KeyError, TypeError, StopIteration):
        return clock.epoch_millis()


def live(lake: Lake, log: Log, version: int) -> set[str]:
    """The files of a version by the entries up to it, from the checkpoint before it on.

    Raises:
        LakeError: entries are missing.
    """
    earlier = [c for c in log.checkpoints if c < version]
    found, after = set[str](), -1
    if earlier and 0 not in log.entries:
        after = earlier[-1]
        found, _ = unnamed.summed_up(
            lake.storage.uri(f"{log.folder}/{after:020d}.checkpoint.parquet")
        )
    wanted = [v for v in log.entries if after < v <= version]
    if wanted != list(range(after + 1, version + 1)):
        if version in log.checkpoints:
            name = f"{version:020d}.checkpoint.parquet"
            return unnamed.summed_up(lake.storage.uri(f"{log.folder}/{name}"))[0]
        raise LakeError("entries are missing.", place=lake.storage.uri(log.folder))
    for number in wanted:
        for action in unnamed.actions(lake.storage.read(log_key(log.key, number)) or b""):
            _follow(found, action)
    return found


def _follow(live: set[str], action: Mapping[str, object]) -> None:
    for what in ("remove", "add"):
        found = action.get(what)
        if isinstance(found, Mapping):
            (live.discard if what == "remove" else live.add)(str(found["path"]))


def pinned(lake: Lake, *, without: Collection[int] = ()) -> dict[str, set[int]]:
    """By a table's key, the versions that have to stay readable whatever their age: those of kept
    releases (but those ``without``), and those that another table was last made from."""
    found: dict[str, set[int]] = {}
    for release in ReleaseStore(lake).list():
        for dataset, version in release.versions.items() if release.id not in without else ():
            found.setdefault(lake.key(dataset), set()).add(version)
    for key in unnamed.tables(lake):
        head = lake.snapshot(key.replace("/", ".")) if _is_dataset(key) else None
        for dataset, version in head.meta.inputs.items() if head and head.meta else ():
            if version >= 0:
                last = settled(lake, dataset, version)
                found.setdefault(lake.key(dataset), set()).add(last)
    return found


def _is_dataset(key: str) -> bool:
    return not key.endswith(QUARANTINE_SUFFIX)
