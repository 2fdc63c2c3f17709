"""Rolling back: readers see an earlier release again, and the tables go on from there."""

from __future__ import annotations

from headgate.lake.release import Release
from headgate.orchestration import releasing, restoring
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened


def rollback(project: Project, release_id: int) -> Release:
    """Put every table back as the release ``release_id`` has it, and release that.

    Nothing is erased: each table gets a new version with the old files, so a rollback can itself
    be rolled back. Files taken since stay taken: they come in again when their content changes.
    One that is interrupted is finished by whatever runs next.

    Raises:
        NotFoundError: no such release, or readers see it already.
        LakeError: a file of the release is gone.
    """
    with opened(project, f"release rollback {release_id}") as context:
        published = restoring.restore(context, release_id)
        releasing.settle(context)
    return published
