"""The lineage store of a project's lake: where it is, and opened with all that the lake's files tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headgate.core import settings as core_settings
from headgate.core.errors import LakeError, UsageError
from headgate.core.settings import Settings
from headgate.orchestration import base_lake
from headgate.orchestration.forwarding_lineage import event_files

if TYPE_CHECKING:
    from headgate.lineage.store.anew import Anew
    from headgate.lineage.store.fetching import PlainStore
    from headgate.lineage.store.layered import Below
    from headgate.lineage.store.opening import Store
    from headgate.orchestration.project import Project

__all__ = ["event_files", "open_for", "reader_for", "reader_of", "rebuild", "where"]

#: Told how many bytes of events were taken, and of how many.
Progress = Callable[[int, int], None]
_FILE = "_state/lineage.db"
#: Where a private lake keeps the store of its base, if it may not write in that lake.
_BASE_FILE = "_state/lineage.base.db"


def where(settings: Settings) -> str | Path:
    """Where the lake's store is: a path, or an SQLAlchemy URL, which is secret.

    A private lake has a file of its own: what somebody tries out is nobody else's lineage.
    """
    if settings.lineage_store and not settings.is_private:
        if "://" in settings.lineage_store:
            return settings.lineage_store
        return settings.root / Path(settings.lineage_store).expanduser()
    return settings.lake_path / _FILE


def open_for(project: Project, *, progress: Progress | None = None) -> Store:
    """The store of the project's lake, with all that its event files tell; to be asked or written.

    Of a private lake it lies upon the store of its base: graphs are of both.

    Raises:
        LakeError: the store is broken, busy or out of reach.
        UsageError: the setting ``lineage_store`` is wrong.
    """
    settings = project.settings
    store = _opened(where(settings), settings, progress)
    _settle(store, settings, progress)
    return store


def reader_for(project: Project, *, progress: Progress | None = None) -> Store | PlainStore:
    """The same, only to be read: where a file has taken all there is, it is opened without SQLAlchemy."""
    return reader_of(project.settings, progress=progress)


def reader_of(settings: Settings, *, progress: Progress | None = None) -> Store | PlainStore:
    """The same by settings alone, for who needs no contract either.

    Raises:
        LakeError: the store is broken, busy or out of reach.
        UsageError: the setting ``lineage_store`` is wrong.
    """
    store = _read(where(settings), settings, progress)
    _settle(store, settings, progress)
    return store


def rebuild(project: Project, *, progress: Progress | None = None) -> Anew:
    """Build the store of the project's lake anew, from the lake's files and what others posted.

    Raises:
        UsageError: the store is a database, and not a file of its own.
        LakeError: the store cannot be written.
    """
    from headgate.lineage.store import anew

    settings = project.settings
    place = where(settings)
    if not isinstance(place, Path):
        raise UsageError(
            "only a store that is a file can be built anew in its place.",
            remedy="Make an empty database and set lineage_store to it: it fills from the lake's"
            " files. What others posted is in the old one alone.",
        )
    files = event_files(settings)
    total, done = sum(path.stat().st_size for path in files if path.exists()), 0

    def more(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress(done, total)

    return anew.build(place, files, lake=settings.lake_name, progress=more)


def _opened(place: str | Path, settings: Settings, progress: Progress | None) -> Store:
    from headgate.lineage.store.catching_up import behind, catch_up
    from headgate.lineage.store.opening import open_store

    store = open_store(place)
    files = event_files(settings)
    try:
        total = behind(store, files) if progress else 0
        done = 0

        def more(size: int) -> None:
            nonlocal done
            done += size
            if progress:
                progress(done, total)

        catch_up(store, files, lake=settings.lake_name, progress=more)
    except BaseException:
        store.close()
        raise
    return store


def _read(place: str | Path, settings: Settings, progress: Progress | None) -> Store | PlainStore:
    from headgate.lineage.store.fetching import up_to_date

    if isinstance(place, Path):
        found = up_to_date(place, event_files(settings))
        if found is not None:
            return found
    return _opened(place, settings, progress)


def _settle(store: Store | PlainStore, settings: Settings, progress: Progress | None) -> None:
    from headgate.lineage.store import loading

    loading.settle(store, home=settings.lake_name, below=_below(settings, progress))


def _below(own: Settings, progress: Progress | None) -> Below | None:
    base = base_lake.base_at(own.lake_path)
    if base is None or not Path(base.root).exists():
        return None
    from headgate.lineage.store.instants import micros
    from headgate.lineage.store.layered import Below

    settings = core_settings.load(own.root, lake=base.lake)
    place = where(settings)
    try:
        store = _read(place, settings, progress)
    except (LakeError, OSError):
        if not isinstance(place, Path):
            raise
        # Somebody else's lake may be there to be read alone.
        store = _read(own.lake_path / _BASE_FILE, settings, progress)
    return Below(store, settings.lake_name, micros(base.since), _below(settings, progress))
