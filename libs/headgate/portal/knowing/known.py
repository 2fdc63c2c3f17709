"""The platform as it was known at one moment: asked by every page, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from headgate.portal.knowing.summary import Batch, Health, Released, Summary, counted

if TYPE_CHECKING:
    from headgate.contracts.model import ContractSet
    from headgate.orchestration.project import Project


@dataclass(frozen=True)
class Page:
    """Some of what was found: ``after`` is the key of the next page, None on the last."""

    found: tuple[Summary, ...]
    total: int
    after: str | None = None


@dataclass(frozen=True)
class Known:
    """What is known of the platform as of ``at``.

    ``project`` holds the contracts as they are now (the one that the portal was opened with holds
    those of then). ``batches`` are the newest, newest first, whole back to ``batches_from``;
    ``releases`` newest first.
    """

    at: datetime
    project: Project
    datasets: Mapping[str, Summary]
    releases: tuple[Released, ...]
    batches: tuple[Batch, ...]
    batches_from: datetime | None

    @property
    def contracts(self) -> ContractSet:
        """All contracts, our ledgers' too."""
        return self.project.contracts

    @cached_property
    def owners(self) -> Mapping[str, int]:
        """How many datasets each owner has."""
        return counted(s.owner for s in self.datasets.values())

    @cached_property
    def domains(self) -> Mapping[str, int]:
        """How many datasets each domain has."""
        return counted(s.domain for s in self.datasets.values())

    @cached_property
    def healths(self) -> Mapping[Health, int]:
        """How many datasets are how; all of them are named."""
        found = counted(s.health for s in self.datasets.values())
        return {h: found.get(h, 0) for h in Health}

    def batches_since(self, moment: datetime) -> tuple[Batch, ...]:
        """The batches that were judged since then, newest first; none from before ``batches_from``."""
        return tuple(b for b in self.batches if b.at >= moment)

    def search(
        self, text: str = "", *, after: str | None = None, limit: int = 50, **filters: str | None
    ) -> Page:
        """The datasets in which ``text`` occurs and that are as the filters say."""
        wanted = {k: v for k, v in filters.items() if v}
        found = [
            s
            for s in self.datasets.values()
            if text.lower() in s.id and all(_is(s, k, v) for k, v in wanted.items())
        ]
        start = next((i for i, s in enumerate(found) if after and s.id > after), len(found))
        start = start if after else 0
        shown = tuple(found[start : start + limit])
        more = start + limit < len(found)
        return Page(shown, len(found), shown[-1].id if shown and more else None)


def _is(summary: Summary, name: str, value: str) -> bool:
    if name == "classification":
        return value in summary.classes
    if name == "tag":
        return value in summary.tags
    if name == "personal":
        return bool(summary.personal)
    return bool(getattr(summary, name) == value)
