"""The platform as it was known at one moment: asked by every page, never changed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from headgate.contracts.model import ContractSet
from headgate.core.settings import Settings
from headgate.orchestration.project import Project
from headgate.portal.knowing.changes import Edition, Jump
from headgate.portal.knowing.promised import Wrong
from headgate.portal.knowing.searching import Found, Page, Sets, search
from headgate.portal.knowing.summary import Batch, Health, Released, Summary, counted
from headgate.portal.knowing.texts import Texts

__all__ = ["Found", "Known", "Page"]


@dataclass(frozen=True)
class Known:
    """What is known of the platform as of ``at``.

    ``batches`` are the newest, newest first, whole back to ``batches_from``; ``days`` says how many
    batches of a day had which outcome, for a month. ``releases`` are newest first. ``editions`` are
    the contracts that changed and the datasets that began within a day before, ``jumps`` the tables
    whose rows did. ``wrong`` are contracts that cannot be worked with, and tables that cannot be
    read. ``trouble`` says why nothing newer is known, if looking for it failed.
    """

    at: datetime
    settings: Settings
    contracts: ContractSet
    datasets: Mapping[str, Summary]
    texts: Texts
    releases: tuple[Released, ...] = ()
    batches: tuple[Batch, ...] = ()
    batches_from: datetime | None = None
    days: tuple[tuple[date, str, int], ...] = ()
    editions: tuple[Edition, ...] = ()
    jumps: tuple[Jump, ...] = ()
    wrong: tuple[Wrong, ...] = ()
    trouble: str = field(default="", compare=False)

    @property
    def project(self) -> Project:
        """The project with its contracts as they are now, and with a lake of the asker's own: tables
        that were opened are kept in it, which is not for several threads at the same time."""
        found = Project(self.settings, sound=True)
        vars(found)["contracts"] = self.contracts
        return found

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
        """Of how many datasets each is true; all are named, and a dataset counts under each of its
        states."""
        found = counted(state for s in self.datasets.values() for state in s.states)
        return {h: found.get(h, 0) for h in Health}

    @cached_property
    def refused(self) -> tuple[Summary, ...]:
        """The datasets whose newest batch was refused, the newest refusal first."""
        found = [s for s in self.datasets.values() if Health.REFUSED in s.states]
        return tuple(sorted(found, key=lambda s: (s.batch or "", s.id), reverse=True))

    @cached_property
    def late(self) -> tuple[Summary, ...]:
        """The datasets that are later than their contracts allow, the latest first."""
        found = [s for s in self.datasets.values() if s.late_since is not None]
        return tuple(sorted(found, key=lambda s: (s.late_since, s.id)))

    @cached_property
    def quarantined(self) -> tuple[Summary, ...]:
        """The datasets with rows that wait for somebody, those with most rows first."""
        found = [s for s in self.datasets.values() if s.open_quarantine]
        return tuple(sorted(found, key=lambda s: (-s.open_quarantine, s.id)))

    @cached_property
    def in_order(self) -> tuple[Summary, ...]:
        """The datasets by their positions in ``texts``."""
        return tuple(self.datasets[d] for d in self.texts.ids)

    @cached_property
    def sets(self) -> Sets:
        """The datasets by the values that one filters by."""
        return Sets(self.in_order)

    def batches_since(self, moment: datetime) -> tuple[Batch, ...]:
        """The batches that were judged since then, newest first; none from before ``batches_from``."""
        end = bisect_right(self.batches, -moment.timestamp(), key=lambda b: -b.at.timestamp())
        return self.batches[:end]

    def search(
        self,
        text: str = "",
        *,
        after: str | None = None,
        limit: int = 50,
        sort: str = "",
        **filters: str | None,
    ) -> Page:
        """The datasets in which every word of ``text`` occurs and that are as the filters say.

        Words are looked for in ids, columns, tags, owners and descriptions; one that a name begins
        with counts. No text is an error: what cannot be found is not. Filters are ``layer``,
        ``domain``, ``owner``, ``classification``, ``tag``, ``personal`` (``yes`` or ``no``) and
        ``health`` (any of a dataset's ``states``); an unknown value finds nothing.

        Args:
            text: what to look for; all datasets if it holds no word.
            after: the id that the page before ended with.
            limit: datasets of a page at the most.
            sort: ``name``, ``owner``, ``health`` (worst first), ``rows``, ``published`` or
                ``quarantine``, the other way round with ``-`` before it; else the best match first.
            **filters: see above; those that are empty do not count.
        """
        return search(self, text, after=after, limit=limit, sort=sort, filters=filters)
