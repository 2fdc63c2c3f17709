"""A portal's parts opened together, and closed again: lineage, records, what is known, limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from headgate.lineage.server.following import Follower
from headgate.orchestration import lineage_store
from headgate.orchestration.forwarding_lineage import event_files
from headgate.orchestration.project import Project
from headgate.portal.access.entering import Access
from headgate.portal.acting.replays import Replays
from headgate.portal.knowing.promised import Progress as Looking
from headgate.portal.knowing.watching import Watcher
from headgate.portal.limits import Limits
from headgate.portal.records.opening import open_records, where
from headgate.portal.reports.counting import Counts
from headgate.portal.served import Served
from headgate.portal.told.asking import Asking


@contextmanager
def opened(
    project: Project,
    *,
    records_at: str | Path | None = None,
    follow: bool = False,
    taking: lineage_store.Progress | None = None,
    looking: Looking | None = None,
) -> Iterator[Served]:
    """The parts of a portal over a project, as long as the block lasts.

    Args:
        project: its contracts and lake; wrong contracts are left out if it is ``sound``.
        records_at: a path or URL instead of the setting ``portal_store``.
        follow: what runs append to the lake's event files is taken as it comes.
        taking: told how many bytes of lineage events were taken, and of how many.
        looking: told what is looked at, and how many there are of it.

    Raises:
        LakeError: a store is broken, busy or out of reach.
        UsageError: a setting is wrong.
    """
    with ExitStack() as ends:
        lineage = ends.enter_context(closing(lineage_store.open_for(project, progress=taking)))
        records = ends.enter_context(
            closing(open_records(where(project.settings) if records_at is None else records_at))
        )
        if follow:
            follower = Follower(
                lineage, event_files(project.settings), lake=project.settings.lake_name
            )
            follower.start()
            ends.callback(follower.stop)
        knowing = Watcher(project, progress=looking)
        ends.callback(knowing.stop)
        access = Access(records, project.settings, owners=lambda: knowing.now().owners)
        settings = project.settings
        yield Served(
            project, lineage, knowing, records, access, Asking(settings), Counts(settings),
            Replays(settings), Limits(),
        )  # fmt: skip
