"""Which releases are kept: the newest, those of the last days, and those that a lake began as."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise

from headgate.core import clock
from headgate.core.settings import Settings
from headgate.lake.release import STREAM, Release, ReleaseStore

#: For so long every release of a stream is kept.
_STREAM_KEEP = timedelta(hours=1)


def expired(store: ReleaseStore, settings: Settings, keep: Collection[int] = ()) -> list[Release]:
    """The releases that may go, oldest first; ``keep`` are numbers of some that somebody needs.

    A release is kept while it is the newest, for ``release_keep_days`` after the next one came,
    and while it is among the newest ``release_keep_count``. Of the releases of streams that are
    older than an hour, one is kept for each hour.
    """
    chain = [store.get(number) for number in store.ids()]
    before = clock.now() - timedelta(days=settings.release_keep_days)
    newest = {r.id for r in chain[-max(settings.release_keep_count, 1) :]}
    passing = _passing(chain)
    return [
        release
        for release, following in pairwise(chain)
        if (following.published_at <= before or release.id in passing)
        and release.id not in {*newest, *keep}
    ]


def _passing(chain: list[Release]) -> set[int]:
    """Releases of streams that another one of the same hour followed, more than an hour ago."""
    before = clock.now() - _STREAM_KEEP
    return {
        release.id
        for release, following in pairwise(chain)
        if release.kind == following.kind == STREAM
        and following.published_at <= before
        and _hour(release) == _hour(following)
    }


def _hour(release: Release) -> str:
    return clock.iso(release.published_at)[:13]
