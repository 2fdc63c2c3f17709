"""The index made anew, from what changed and from what was kept of the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headgate.contracts import files
from headgate.core import clock
from headgate.core.errors import ContractError
from headgate.core.settings import Settings
from headgate.orchestration.indexing import keeping, linking, looking, models, outline
from headgate.orchestration.indexing.entries import FIELDS, Linked
from headgate.orchestration.indexing.keeping import Draft, Kept
from headgate.orchestration.indexing.looking import Seen, Times


@dataclass
class Making:
    """One making: ``seen`` is how the files looked at ``started``, by the clock that never goes back."""

    settings: Settings
    kept: Kept | None
    owners: list[str] | None
    seen: Seen
    started: float
    _known: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"outline": {}, "mention": {}}
    )
    _sure: dict[str, list[int]] = field(default_factory=dict)

    def made(self) -> Linked:
        """All of it; what was read is kept for the next, also if this one does not come to its end:
        whoever parses has little time, and must not begin again each time."""
        draft = Draft(self.settings.lake_path / keeping.FILE_NAME)
        looked = (draft.disk_time or 0) - int((clock.monotonic() - self.started) * 1e9)
        both = {**self.seen.contracts, **self.seen.models}
        self._sure = {p: list(t) if looking.settled(t, looked) else [0] for p, t in both.items()}
        try:
            self._read("outline", self.seen.contracts, self._outline)
            self._read("mention", self.seen.models, self._mention)
            linked = self._linked()
        except BaseException:  # such as the end of a parser's patience
            draft.keep([*self._heads(), *self._rows()])
            raise
        draft.keep([*self._heads(), *self._links(linked), *self._rows()])
        return linked

    def _linked(self) -> Linked:
        found = {path: row[1] for path, row in self._known["outline"].items()}
        owned: dict[str, str] = {}
        for one in found.values():
            if one["model"] and one["id"]:
                owned.setdefault(one["model"], one["id"])
        mentioned = {path: row[1] for path, row in self._known["mention"].items()}
        known = models.Models(mentioned, owned)
        return linking.link(self.settings.root, found, known, self.owners)

    def _read(
        self, kind: str, paths: Mapping[str, Times], read: Callable[[Path, str], Any]
    ) -> None:
        """What each file says, with the digest of its text: as it was kept where that still holds."""
        for path, seen in paths.items():
            row = self.kept.get(kind, path) if self.kept else None
            full = self.settings.root / path
            if row is not None and looking.same(full, row[2], row[0], seen):
                self._known[kind][path] = row[:2]
            else:
                self._known[kind][path] = [looking.digest(full), read(full, path)]

    def _outline(self, full: Path, path: str) -> outline.Outline:
        try:
            files.stay_inside(full, self.settings.contracts_path)
        except ContractError as error:
            return {"error": [f"{path}:1", error.message, error.remedy], "id": None, "model": None}
        return outline.of_file(full, path)

    def _mention(self, full: Path, path: str) -> models.Mention:
        try:
            return models.mention(full.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return {"refs": [], "sources": []}  # whoever builds it says it better

    def _heads(self) -> Iterator[tuple[str, str, Any]]:
        yield "head", "", looking.head(self.settings)
        yield "owners", "", [self.owners]

    def _rows(self) -> Iterator[tuple[str, str, Any]]:
        """What each file says; of those that were not come to, what was kept."""
        for kind, paths in (("outline", self.seen.contracts), ("mention", self.seen.models)):
            for path in paths:
                row = self._known[kind].get(path)
                if row is not None:
                    yield kind, path, [*row, self._sure[path]]
                elif self.kept and (row := self.kept.get(kind, path)):
                    yield kind, path, row

    def _links(self, linked: Linked) -> Iterator[tuple[str, str, Any]]:
        """What was put together, and what it follows from."""
        yield "count", "", [len(linked.entries), len(linked.groups), len(linked.broken)]
        yield "seen", "", [{p: self._sure[p] for p in self.seen.contracts},
                           {p: self._sure[p] for p in self.seen.models}]  # fmt: skip
        for number, broken in enumerate(linked.broken):
            yield "broken", str(number), dataclasses.astuple(broken)
        for name, group in linked.groups.items():
            yield "group", name, dataclasses.astuple(group)
        digests = {p: row[0] for rows in self._known.values() for p, row in rows.items()}
        for dataset, entry in linked.entries.items():
            of = {p: [self._sure[p], digests[p]] for p in (entry.path, *linked.made_of[dataset])}
            values = [getattr(entry, name) for name in FIELDS]
            yield "entry", dataset, {"entry": values, "files": of}
