"""Releases: atomic, named sets of table versions, published by compare-and-swap on their parent.

A release is one JSON object at ``_releases/<number>.json``. Its number is its parent's plus one,
and it is put only if nothing is there: two publishers cannot both follow one parent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from headgate.core import clock, failpoints
from headgate.core import json as hjson
from headgate.core.errors import ConflictError, NotFoundError
from headgate.lake.attempts import pause
from headgate.lake.lake import Lake
from headgate.lake.snapshot import Snapshot

FOLDER = "_releases"
#: The kind of those that a stream publishes.
STREAM = "stream"


@dataclass(frozen=True)
class ReleasedTable:
    """One table in a release; ``files`` pins them against vacuum while the release is kept."""

    version: int
    group: str
    rows: int
    protocol: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """A named set of table versions. ``kind`` is publish, rollback or stream.

    Streams release every few seconds: ``moved`` says which tables theirs moved, and ledgers tell of
    no others; maintenance keeps one of them an hour (see :mod:`headgate.lake.maintenance.releases`).
    """

    id: int
    parent: int | None
    run_id: str
    kind: str
    published_at: datetime
    tables: Mapping[str, ReleasedTable] = field(default_factory=dict)
    note: str = ""
    moved: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, int]:
        """Dataset to version."""
        return {d: t.version for d, t in self.tables.items()}

    def to_json(self) -> str:
        """The form in which it is stored."""
        return hjson.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Release:
        """The way back from :meth:`to_json`."""
        document: dict[str, Any] = hjson.loads(text)
        tables = {
            d: ReleasedTable(**{**t, "files": tuple(t["files"])})
            for d, t in document.pop("tables").items()
        }
        document["published_at"] = clock.parse_iso(document["published_at"])
        document["moved"] = tuple(document.get("moved", ()))
        return cls(tables=tables, **document)


@dataclass(frozen=True)
class TableChange:
    """How one table differs between two releases; None where it is in only one of them."""

    dataset: str
    before: int | None
    after: int | None
    rows_before: int
    rows_after: int


class ReleaseStore:
    """The chain of a lake's releases."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def ids(self) -> list[int]:
        """Numbers of all releases, oldest first."""
        return [int(n[:-5]) for n in self.lake.storage.names(FOLDER)
                if n.endswith(".json") and n[:-5].isdigit()]  # fmt: skip

    def newest(self) -> Release | None:
        """The release that readers read, or None before the first."""
        found = self.ids()
        return self.get(found[-1]) if found else None

    def get(self, number: int) -> Release:
        """The release of that number.

        Raises:
            NotFoundError: there is none.
        """
        data = self.lake.storage.read(_key(number))
        if data is None:
            known = self.ids()
            raise NotFoundError(
                f"no release {number}.",
                remedy=f"Releases here: {known[0]} to {known[-1]}." if known else "None yet.",
            )
        return Release.from_json(data)

    def list(self) -> list[Release]:
        """All releases, newest first."""
        return [self.get(i) for i in reversed(self.ids())]

    def publish(
        self,
        parent: Release | None,
        tables: Mapping[str, tuple[Snapshot, str]],
        *,
        run_id: str,
        kind: str = "publish",
        note: str = "",
        yielding: Collection[str] = (),
    ) -> Release:
        """Publish ``parent`` overlaid with ``tables`` (dataset to snapshot and release group).

        If others published meanwhile and touched none of the same groups, theirs becomes the
        parent; otherwise the swap fails. ``yielding`` are groups that are left as others released
        them meanwhile.

        Raises:
            ConflictError: a release of the same groups came in between.
        """
        failpoints.reach("release.before_publish")
        for tries in range(self.lake.settings.commit_retries + 1):
            release = Release(
                id=parent.id + 1 if parent else 1,
                parent=parent.id if parent else None,
                run_id=run_id,
                kind=kind,
                published_at=clock.now(),
                tables={**(parent.tables if parent else {}), **_pin(tables)},
                note=note,
                moved=tuple(sorted(tables)) if kind == STREAM else (),
            )
            # A number may be free because maintenance removed an old release that had it.
            follows = (self.ids() or [0])[-1] == release.id - 1
            text = release.to_json().encode()
            if follows and self.lake.storage.put_if_absent(_key(release.id), text):
                failpoints.reach("release.written")
                return release
            newest = self.newest()
            mine = {group for _, group in tables.values()}
            theirs = set() if newest is None else _moved_groups(parent, newest) & mine
            if newest is None or theirs - set(yielding):
                break
            tables = {d: (s, group) for d, (s, group) in tables.items() if group not in theirs}
            if not tables:
                return newest
            parent = newest
            clock.sleep(pause(tries))
        raise ConflictError(
            "another run released the same tables first.", remedy="Run again; nothing is lost."
        )

    def diff(self, before: Release | None, after: Release) -> tuple[TableChange, ...]:
        """Tables that differ, in id order."""
        old = before.tables if before else {}
        changes = []
        for dataset in sorted({*old, *after.tables}):
            a, b = old.get(dataset), after.tables.get(dataset)
            if a is None or b is None or a.version != b.version:
                changes.append(
                    TableChange(
                        dataset,
                        a.version if a else None,
                        b.version if b else None,
                        a.rows if a else 0,
                        b.rows if b else 0,
                    )
                )
        return tuple(changes)


def _pin(tables: Mapping[str, tuple[Snapshot, str]]) -> dict[str, ReleasedTable]:
    return {
        dataset: ReleasedTable(
            snapshot.version,
            group,
            snapshot.rows,
            snapshot.protocol,
            tuple(f.path for f in snapshot.files),
        )
        for dataset, (snapshot, group) in tables.items()
    }


def _moved_groups(before: Release | None, after: Release) -> set[str]:
    old = before.versions if before else {}
    return {t.group for d, t in after.tables.items() if old.get(d) != t.version}


def _key(number: int) -> str:
    return f"{FOLDER}/{number:020d}.json"
