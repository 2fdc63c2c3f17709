"""The light index of contracts: all that a DAG file needs, read from a cache that is checked by stat.

It imports no engine, no dbt and no Airflow, and reads a contract only if that changed. One contract
that is wrong stops no other: it is told of in :attr:`Index.broken`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.contracts import files
from headgate.core import clock, ids, owners
from headgate.core import settings as core_settings
from headgate.core.errors import ContractError
from headgate.core.settings import Settings
from headgate.orchestration.indexing import keeping, linking, looking, models, outline
from headgate.orchestration.indexing.entries import Broken, Entry, Group, Index
from headgate.orchestration.indexing.keeping import Draft, Kept
from headgate.orchestration.indexing.linking import Linked
from headgate.orchestration.indexing.looking import Seen, Times

__all__ = ["Broken", "Entry", "Group", "Index", "load", "load_group", "load_one"]
_TUPLES = ("inputs", "parents", "tags")
_ENTRY = tuple(f.name for f in dataclasses.fields(Entry))


def load(root: Path) -> Index:
    """All of the project at ``root``.

    Raises:
        UsageError: there is no project, or a setting is wrong.
    """
    opened = _Opened.at(root)
    started = clock.monotonic()
    seen = looking.look(opened.settings)
    if opened.kept is not None and opened.kept.whole:
        same = opened.kept.get("seen", "")
        if same == [_lists(seen.contracts), _lists(seen.models)]:
            found = opened.recalled(opened.kept)
            if found is not None:
                return found
    return opened.index(_Making(opened, seen, started).made())


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
    owners: tuple[str, ...] | None
    wrong: tuple[Broken, ...]

    @classmethod
    def at(cls, root: Path) -> _Opened:
        settings = core_settings.load(root)
        named, wrong = owners.read(settings.root)
        known = tuple(sorted(named)) if named and not wrong else None
        kept = keeping.read(settings.lake_path / keeping.FILE_NAME)
        if kept is not None and kept.get("head", "") != _head(known):
            kept = None
        told = tuple(Broken(w.place, w.message, w.remedy, ()) for w in wrong)
        return cls(settings, kept, known, told)

    def entries(self, datasets: Iterable[str]) -> dict[str, Entry] | None:
        """The entries as they were kept; None if one of them is not, or its files are others now."""
        found: dict[str, Entry] = {}
        for dataset in datasets:
            row = self.kept.get("entry", dataset) if self.kept else None
            if row is None or not all(
                _same(self.settings.root / path, *known) for path, known in row["files"].items()
            ):
                return None
            found[dataset] = _entry(row["entry"])
        return found

    def recalled(self, kept: Kept) -> Index | None:
        """All as it was kept; None if part of it is damaged."""
        entries = {d: _entry(row["entry"]) for d, row in kept.every("entry")}
        groups = {name: _group(row) for name, row in kept.every("group")}
        broken = tuple(Broken(p, m, r, tuple(d)) for _, (p, m, r, d) in kept.every("broken"))
        if kept.get("count", "") != [len(entries), len(groups), len(broken)]:
            return None
        return self.index(Linked(entries, groups, broken, {}))

    def index(self, linked: Linked) -> Index:
        settings = self.settings
        broken = (*self.wrong, *linked.broken)
        if not settings.contracts_path.is_dir():
            told = f"no folder of contracts at {settings.contracts_path}."
            broken = (
                Broken(f"{core_settings.FILE_NAME}:1", told, "See the setting contracts.", ()),
            )
        return Index(settings.root, settings.lake_name, linked.entries, linked.groups, broken)


@dataclass
class _Making:
    """The index made anew from what changed, and from what was kept of the rest."""

    opened: _Opened
    seen: Seen
    started: float

    def made(self) -> Linked:
        settings = self.opened.settings
        draft = Draft(settings.lake_path / keeping.FILE_NAME)
        looked = (draft.disk_time or 0) - int((clock.monotonic() - self.started) * 1e9)
        outlines = dict(self._read("outline", self.seen.contracts, self._outline))
        mentions = dict(self._read("mention", self.seen.models, self._mention))
        found = {path: row[1] for path, row in outlines.items()}
        owned: dict[str, str] = {}
        for one in found.values():
            if one.get("model"):
                owned.setdefault(one["model"], one["id"])
        known = models.Models({p: row[1] for p, row in mentions.items()}, owned)
        linked = linking.link(settings.root, found, known, self.opened.owners)
        self._keep(draft, looked, linked, outlines, mentions)
        return linked

    def _read(self, kind: str, paths: Mapping[str, Times], read: Any) -> Iterator[tuple[str, Any]]:
        """What each file says, with the digest of its text: as it was kept where that still holds."""
        for path, seen in paths.items():
            row = self.opened.kept.get(kind, path) if self.opened.kept else None
            full = self.opened.settings.root / path
            if row is not None and _same(full, row[2], row[0], seen):
                yield path, row[:2]
            else:
                yield path, [_digest(full), read(full, path)]

    def _outline(self, full: Path, path: str) -> outline.Outline:
        try:
            files.stay_inside(full, self.opened.settings.contracts_path)
        except ContractError as error:
            return {"error": [f"{path}:1", error.message, error.remedy], "id": None}
        return outline.of_file(full, path)

    def _mention(self, full: Path, path: str) -> models.Mention:
        try:
            return models.mention(full.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return {"refs": [], "sources": []}  # whoever builds it says it better

    def _keep(
        self, draft: Draft, looked: int, linked: Linked, outlines: Mapping[str, Any],
        mentions: Mapping[str, Any],
    ) -> None:  # fmt: skip
        if draft.disk_time is None:
            return
        both = {**self.seen.contracts, **self.seen.models}
        sure = {p: list(t) if looking.settled(t, looked) else [0] for p, t in both.items()}
        digests = {p: row[0] for rows in (outlines, mentions) for p, row in rows.items()}

        def lines() -> Iterator[tuple[str, str, Any]]:
            yield "head", "", _head(self.opened.owners)
            yield "count", "", [len(linked.entries), len(linked.groups), len(linked.broken)]
            yield "seen", "", [{p: sure[p] for p in self.seen.contracts},
                               {p: sure[p] for p in self.seen.models}]  # fmt: skip
            for number, broken in enumerate(linked.broken):
                yield "broken", str(number), dataclasses.astuple(broken)
            for name, group in linked.groups.items():
                yield "group", name, dataclasses.astuple(group)
            for dataset, entry in linked.entries.items():
                of = {p: [sure[p], digests[p]] for p in (entry.path, *linked.made_of[dataset])}
                values = [getattr(entry, name) for name in _ENTRY]
                yield "entry", dataset, {"entry": values, "files": of}
            for path, row in outlines.items():
                yield "outline", path, [*row, sure[path]]
            for path, row in mentions.items():
                yield "mention", path, [*row, sure[path]]

        draft.keep(lines())


def _head(known: tuple[str, ...] | None) -> list[Any]:
    return [looking.code(), list(known) if known is not None else None]


def _same(path: Path, times: list[int], digest: str, seen: Times | None = None) -> bool:
    """Whether a file is as it was, by its times or, if they do not show it, by its text."""
    now = looking.times(path) if seen is None else seen
    return list(now) == times or (bool(digest) and _digest(path) == digest)


def _digest(path: Path) -> str:
    try:
        return ids.digest(path.read_bytes())
    except OSError:
        return ""


def _lists(times: Mapping[str, Times]) -> dict[str, list[int]]:
    return {path: list(found) for path, found in times.items()}


def _entry(values: list[Any]) -> Entry:
    found: dict[str, Any] = dict(zip(_ENTRY, values, strict=True))
    return Entry(**{**found, **{name: tuple(found[name]) for name in _TUPLES}})


def _group(row: list[Any]) -> Group:
    return Group(row[0], row[1], *(tuple(part) for part in row[2:]))
