"""A project as it was at a git revision, or as it stands in another folder: what a plan compares with."""

from __future__ import annotations

import dataclasses
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.core.settings import FILE_NAME, Settings
from headgate.orchestration.project import Project

#: Where the modules of transforms lie in a repository that brings them along.
TRANSFORMS = Path("libs/headgate/transforms")


@contextmanager
def at_revision(project: Project, revision: str) -> Iterator[Project]:
    """The project at a git revision, in a folder that goes when the block ends.

    Nothing is checked out: the working tree and git's index stay as they are. The lake is the one
    of ``project``.

    Raises:
        UsageError: git is not there, the project is in no repository, the revision is not known,
            or the project was not there yet.
    """
    top = Path(_git(project.settings.root, "rev-parse", "--show-toplevel").strip())
    commit = _commit(project, revision)
    inside = project.settings.root.resolve().relative_to(top.resolve())
    with tempfile.TemporaryDirectory(prefix="headgate-plan-") as folder:
        place = Path(folder)
        root = place / inside
        _extract(top, commit, [inside / FILE_NAME], place)
        if not (root / FILE_NAME).is_file():
            raise UsageError(
                f"at {revision} there was no {inside / FILE_NAME}.",
                remedy="Name a later revision.",
            )
        settings = _settings(project, root)
        wanted = [settings.contracts_path, settings.dbt_path, root / TRANSFORMS]
        _extract(top, commit, [p.relative_to(place) for p in wanted], place)
        # A project without models or contracts is one all the same.
        settings.contracts_path.mkdir(parents=True, exist_ok=True)
        yield Project(settings)


def in_folder(project: Project, folder: Path) -> Project:
    """The copy of the project in ``folder``, with the lake of ``project``.

    Raises:
        UsageError: there is no project in it.
    """
    if not (folder / FILE_NAME).is_file():
        raise UsageError(
            f"there is no {FILE_NAME} in {folder}.",
            remedy="Name the root folder of another copy of this project.",
        )
    return Project(_settings(project, folder.resolve()))


def transforms_of(project: Project) -> Path | None:
    """The folder of the transforms that a copy of the project brings along, if it does."""
    folder = project.settings.root / TRANSFORMS
    return folder if folder.is_dir() else None


def _settings(project: Project, root: Path) -> Settings:
    """The other project's settings, as its own file has them, with this project's lake.

    What the environment overrides is meant for this project, not for the one that it is compared
    with.
    """
    found = core_settings.load(root, environ={})
    for path in (found.contracts_path, found.dbt_path):
        if not path.is_relative_to(root):
            raise UsageError(
                f"{path} lies outside of the project: what was there earlier cannot be told.",
                remedy="Keep contracts and dbt_project below the project's root.",
                place=str(root / FILE_NAME),
            )
    mine = project.settings
    return dataclasses.replace(
        found, lake=mine.lake_path, lake_name=mine.lake_name, memory_limit=mine.memory_limit,
        threads=mine.threads,
    )  # fmt: skip


def _commit(project: Project, revision: str) -> str:
    try:
        found = _git(
            project.settings.root,
            *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"),
        )
    except UsageError:
        found = ""
    if not found.strip():
        raise UsageError(
            f"--against {revision!r} is no folder and no revision that git knows here.",
            remedy="Give release, a folder, or a revision such as main or HEAD~1; one of a remote "
            "has to be fetched first (git fetch origin main).",
        )
    return found.strip()


def _extract(top: Path, commit: str, paths: list[Path], target: Path) -> None:
    """Write those of the paths that the commit has below ``target``."""
    listed = _git(top, "ls-tree", "--name-only", "-z", commit, "--", *map(str, paths))
    there = [name for name in listed.split("\0") if name]
    if not there:
        return
    data = _run(top, "archive", "--format=tar", commit, "--", *there)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(target, filter="data")


def _git(folder: Path, *arguments: str) -> str:
    return _run(folder, *arguments).decode("utf-8", "replace")


def _run(folder: Path, *arguments: str) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise UsageError(
            "git is not installed here, so no earlier revision can be read.",
            remedy="Install it, or give --against a folder with the other copy of the project.",
        )
    done = subprocess.run([git, "-C", str(folder), *arguments], capture_output=True, check=False)
    if done.returncode:
        told = " ".join(done.stderr.decode("utf-8", "replace").split()) or "no reason given"
        raise UsageError(
            f"git cannot read {folder}: {told}",
            remedy="Run this in a clone of the project's repository, or give --against a folder.",
        )
    return done.stdout
