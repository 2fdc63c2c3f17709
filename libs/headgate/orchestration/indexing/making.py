"""The index made anew, from what changed and from what was kept of the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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

    def made(self) -> Linked:
        """All of it; what was read is kept for the next."""
        draft = Draft(self.settings.lake_path / keeping.FILE_NAME)
        looked = (draft.disk_time or 0) - int((clock.monotonic() - self.started) * 1e9)
        outlines = dict(self._read("outline", self.seen.contracts, self._outline))
        mentions = dict(self._read("mention", self.seen.models, self._mention))
        found = {path: row[1] for path, row in outlines.items()}
        owned: dict[str, str] = {}
        for one in found.values():
            if one["model"] and one["id"]:
                owned.setdefault(one["model"], one["id"])
        known = models.Models({p: row[1] for p, row in mentions.items()}, owned)
        linked = linking.link(self.settings.root, found, known, self.owners)
        self._keep(draft, looked, linked, outlines, mentions)
        return linked

    def _read(self, kind: str, paths: Mapping[str, Times], read: Any) -> Iterator[tuple[str, Any]]:
        """What each file says, with the digest of its text: as it was kept where that still holds."""
        for path, seen in paths.items():
            row = self.kept.get(kind, path) if self.kept else None
            full = self.settings.root / path
            if row is not None and looking.same(full, row[2], row[0], seen):
                yield path, row[:2]
            else:
                yield path, [looking.digest(full), read(full, path)]

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
            yield "head", "", looking.head(self.settings)
            yield "owners", "", [self.owners]
            yield "count", "", [len(linked.entries), len(linked.groups), len(linked.broken)]
            yield "seen", "", [{p: sure[p] for p in self.seen.contracts},
                               {p: sure[p] for p in self.seen.models}]  # fmt: skip
            for number, broken in enumerate(linked.broken):
                yield "broken", str(number), dataclasses.astuple(broken)
            for name, group in linked.groups.items():
                yield "group", name, dataclasses.astuple(group)
            for dataset, entry in linked.entries.items():
                of = {p: [sure[p], digests[p]] for p in (entry.path, *linked.made_of[dataset])}
                values = [getattr(entry, name) for name in FIELDS]
                yield "entry", dataset, {"entry": values, "files": of}
            for path, row in outlines.items():
                yield "outline", path, [*row, sure[path]]
            for path, row in mentions.items():
                yield "mention", path, [*row, sure[path]]

        draft.keep(lines())
