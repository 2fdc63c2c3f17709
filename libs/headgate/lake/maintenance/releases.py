"""Which releases are kept: the newest, those of the last days, and those that a lake began as."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise

from headgate.core import clock
from headgate.core.settings import Settings
from headgate.lake.release import Release, ReleaseStore


def expired(store: ReleaseStore, settings: Settings, keep: Collection[int] = ()) -> list[Release]:
    """The releases that may go, oldest first; ``keep`` are numbers of some that somebody needs.

    A release is kept while it is the newest, for ``release_keep_days`` after the next one came,
    and while it is among the newest ``release_keep_count``.
    """
    chain = [store.get(number) for number in store.ids()]
    before = clock.now() - timedelta(days=settings.release_keep_days)
    newest = {r.id for r in chain[-max(settings.release_keep_count, 1) :]}
    return [
        release
        for release, following in pairwise(chain)
        if following.published_at <= before and release.id not in {*newest, *keep}
    ]
