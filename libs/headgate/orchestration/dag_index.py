"""The light index of contracts: all that a DAG file needs, read from a cache that is checked by stat.

It imports no engine, no dbt and no Airflow, and reads a contract only if that changed. One contract
that is wrong stops no other: it is told of in :attr:`Index.broken`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.core import clock, owners
from headgate.core import settings as core_settings
from headgate.core.settings import Settings
from headgate.orchestration.indexing import keeping, looking
from headgate.orchestration.indexing.entries import FIELDS, Broken, Entry, Group, Index, Linked
from headgate.orchestration.indexing.keeping import Kept
from headgate.orchestration.indexing.looking import Seen

__all__ = ["Broken", "Entry", "Group", "Index", "load", "load_group", "load_one"]
_TUPLES = ("inputs", "parents", "tags")


def load(root: Path) -> Index:
    """All of the project at ``root``.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    opened = _Opened.at(root)
    started = clock.monotonic()
    seen = looking.look(opened.settings)
    found = opened.recalled(seen)
    if found is not None:
        return found
    # Only who makes it pays for what reads contracts.
    from headgate.orchestration.indexing.making import Making

    known = (opened.kept, opened.owners)
    return opened.index(Making(opened.settings, *known, seen, started).made())


def load_one(root: Path, dataset: str) -> Entry | None:
    """The entry of one dataset, for which only its own files are looked at; None if it makes no DAG.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    opened = _Opened.at(root)
    found = opened.entries([dataset])
    return found[dataset] if found else load(root).entries.get(dataset)


def load_group(root: Path, name: str) -> tuple[Group, Mapping[str, Entry]] | None:
    """A release group and the entries of its datasets, for which only their files are looked at; None
    if there is no such group.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    opened = _Opened.at(root)
    row = opened.kept.get("group", name) if opened.kept else None
    if row is not None:
        group = _group(row)
        entries = opened.entries([*group.curated, *group.sources])
        if entries is not None:
            return group, entries
    index = load(root)
    if name not in index.groups:
        return None
    group = index.groups[name]
    return group, {d: index.entries[d] for d in (*group.curated, *group.sources)}


@dataclass(frozen=True)
class _Opened:
    """A project with what was kept about it by the code that runs now, if anything."""

    settings: Settings
    kept: Kept | None
    owners: list[str] | None
    wrong: tuple[Broken, ...]

    @classmethod
    def at(cls, root: Path) -> _Opened:
        settings = core_settings.load(root)
        named, wrong = owners.read(settings.root)
        known = sorted(named) if named and not wrong else None
        kept = keeping.read(settings.lake_path / keeping.FILE_NAME)
        if kept is not None and kept.get("head", "") != looking.head(settings):
            kept = None
        told = tuple(Broken(w.place, w.message, w.remedy, ()) for w in wrong)
        return cls(settings, kept, known, told)

    def entries(self, datasets: Iterable[str]) -> dict[str, Entry] | None:
        """The entries as they were kept; None if one of them is not, or its files are others now."""
        found: dict[str, Entry] = {}
        kept = self._of_these_owners()
        for dataset in datasets:
            row = kept.get("entry", dataset) if kept else None
            if row is None or not all(
                looking.same(self.settings.root / path, *known)
                for path, known in row["files"].items()
            ):
                return None
            found[dataset] = _entry(row["entry"])
        return found

    def recalled(self, seen: Seen) -> Index | None:
        """All as it was kept; None if anything has changed since, or part of it is damaged."""
        kept = self._of_these_owners()
        if kept is None or not kept.whole or kept.get("seen", "") != looking.plain(seen):
            return None
        entries = {d: _entry(row["entry"]) for d, row in kept.every("entry")}
        groups = {name: _group(row) for name, row in kept.every("group")}
        broken = tuple(
            Broken(place, message, remedy, tuple(datasets), tuple(held))
            for _, (place, message, remedy, datasets, held) in kept.every("broken")
        )
        if kept.get("count", "") != [len(entries), len(groups), len(broken)]:
            return None
        return self.index(Linked(entries, groups, broken, {}))

    def _of_these_owners(self) -> Kept | None:
        """What was kept, if as many owners were known then: who is unknown decides what is wrong."""
        return self.kept if self.kept and self.kept.get("owners", "") == [self.owners] else None

    def index(self, linked: Linked) -> Index:
        settings = self.settings
        broken = (*self.wrong, *linked.broken)
        if not settings.contracts_path.is_dir():
            told = f"no folder of contracts at {settings.contracts_path}."
            broken = (
                Broken(f"{core_settings.FILE_NAME}:1", told, "See the setting contracts.", ()),
            )
        return Index(settings.root, settings.lake_name, linked.entries, linked.groups, broken)


def _entry(values: list[Any]) -> Entry:
    found: dict[str, Any] = dict(zip(FIELDS, values, strict=True))
    return Entry(**{**found, **{name: tuple(found[name]) for name in _TUPLES}})


def _group(row: list[Any]) -> Group:
    return Group(row[0], row[1], *(tuple(part) for part in row[2:]))
