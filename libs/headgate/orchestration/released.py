"""What readers read: each dataset at the version that a release shows."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from headgate.contracts.names import QUARANTINE_SUFFIX, DatasetName
from headgate.core.errors import NotFoundError, UsageError
from headgate.lake.release import Release
from headgate.lake.snapshot import Snapshot
from headgate.orchestration.project import Project


def release_at(project: Project, number: int | None) -> Release | None:
    """The release of that number, or the newest; None before the first.

    Raises:
        NotFoundError: there is no such release.
    """
    return project.releases.newest() if number is None else project.releases.get(number)


def snapshot(project: Project, release: Release | None, dataset: str) -> Snapshot | None:
    """The dataset's table as the release shows it, or None if it is not in it.

    Our own ledgers and the quarantines (``<dataset>__quarantine``) belong to no release: they are
    seen as they are now.
    """
    if dataset.endswith(QUARANTINE_SUFFIX):
        plain = dataset.removesuffix(QUARANTINE_SUFFIX)
        return project.lake.snapshot(plain, quarantine=True)
    if DatasetName.parse(dataset).layer == "system":
        return project.lake.snapshot(dataset)
    versions = release.versions if release else {}
    return project.lake.snapshot(dataset, versions[dataset]) if dataset in versions else None


def required(project: Project, number: int | None, dataset: str) -> Snapshot:
    """The dataset's table in the release of that number, or in the newest.

    Raises:
        UsageError: that is no dataset.
        NotFoundError: there is no such release, or the dataset is not in it.
    """
    release = release_at(project, number)
    found = snapshot(project, release, dataset)
    if found is not None:
        return found
    where = f"release {release.id}" if release else "the lake: nothing was released yet"
    if dataset.endswith(QUARANTINE_SUFFIX) or dataset.startswith("system."):
        raise NotFoundError(f"{dataset} was never written.", remedy="It comes with the first row.")
    known = {*(release.tables if release else ()), *project.contracts}
    if dataset in known:
        raise NotFoundError(f"{dataset} is not in {where}.", remedy="Build it first: headgate run")
    raise UsageError(f"there is no dataset {dataset!r}.", remedy=nearest(dataset, known))


def nearest(name: str, known: Collection[str]) -> str:
    """A sentence that names what somebody who wrote ``name`` may have meant."""
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
    if not close:
        parts = {n.rpartition(".")[2]: n for n in known}
        last = name.rpartition(".")[2]
        close = [parts[p] for p in difflib.get_close_matches(last, sorted(parts), n=3)]
    return f"Do you mean {' or '.join(close)}?" if close else "headgate show datasets lists them."
