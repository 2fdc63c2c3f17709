"""Private lakes: a lake of one's own that begins as a release of another, without copying its rows.

Every table of the release gets a Delta table of its own in the private lake, whose first version
names the same data files by hard links. Data files are never changed, only added and unlinked, so
neither lake can touch what the other reads: what is built here is seen here alone, and what the
other lake cleans up stays readable here. All else (runs, gate, releases, readers) is as in any lake.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headgate.contracts.model import Contract
from headgate.core import clock, ids
from headgate.core import json as hjson
from headgate.core import settings as core_settings
from headgate.core.errors import LakeError, NotFoundError, UsageError
from headgate.lake import kept, ledger
from headgate.lake.commit import commit
from headgate.lake.engines.duckdb import connect
from headgate.lake.lake import Lake
from headgate.lake.meta import CommitMeta
from headgate.lake.release import Release
from headgate.lake.snapshot import DataFile, Snapshot
from headgate.lake.storage import sync_folder
from headgate.lineage.emitter import Emitter
from headgate.lineage.steps import State
from headgate.orchestration import base_lake, told_changes
from headgate.orchestration.base_lake import FILE, Base
from headgate.orchestration.project import Project

#: An input at a version that is not in the lake: what was made from it is stale here.
_ELSEWHERE = -1


@dataclass(frozen=True)
class PrivateLake:
    """One private lake. ``own`` are the datasets built or changed in it, ``bytes`` what their files
    take beyond those that the base has; ``behind`` counts the base's releases since."""

    name: str
    base: Base | None
    own: tuple[str, ...]
    bytes: int
    behind: int


def base_of(project: Project) -> Base | None:
    """What the project's lake began as, or None if it began empty."""
    data = project.lake.storage.read(FILE)
    return None if data is None else base_lake.told(data)


def begin(project: Project, named: str) -> Base:
    """Make the project's lake out of ``named`` (a lake as in ``--lake``, perhaps with ``@release``).

    Where the lake was made from it before, nothing happens, whatever was released there since.

    Raises:
        UsageError: the lake is the project's own, has rows of its own already, or began as
            another lake or release.
        NotFoundError: the other lake has no (such) release.
    """
    lake_name, _, number = named.partition("@")
    other = _other(project, lake_name)
    known = base_of(project)
    if known is not None:
        asked = int(number) if number.isdigit() else None
        if known.root == str(other.lake.root) and asked in (None, known.release):
            return known
        raise UsageError(
            f"the lake {project.settings.lake_name} began as release {known.release} of {known.lake}.",
            remedy="Choose another name, or drop it: "
            f"headgate lake drop {project.settings.lake_name}",
        )
    if _has_tables(project.lake):
        raise UsageError(
            f"the lake {project.lake.root} has tables of its own.",
            remedy="--base is for a new lake: choose another name.",
        )
    release = _release(other, lake_name, number)
    with _draft(project) as draft:
        found = _make(draft, other, lake_name, release)
        _replace(project.lake.root, draft.lake.root)
    return found


def refresh(project: Project) -> Base:
    """Begin anew from the base's newest release; what was built here goes, and is built again by
    the next run where the code still differs.

    Raises:
        NotFoundError: the lake has no base, or that lake is gone.
        LakeBusyError: a run holds the lake.
    """
    known = base_of(project)
    if known is None:
        raise NotFoundError(
            f"{project.settings.lake_name} did not begin as another lake.",
            remedy="headgate --lake NAME --base main run makes one that does.",
        )
    other = Project(dataclasses.replace(project.settings, lake=Path(known.root)))
    release = _release(other, known.lake, "")
    with _draft(project) as draft:
        found = _make(draft, other, known.lake, release)
        with project.lake.run_lock(ids.new_id(), "lake refresh"):
            _replace(project.lake.root, draft.lake.root)
    return found


def drop(project: Project, name: str) -> None:
    """Remove a private lake; the files that its base has stay there.

    Raises:
        NotFoundError: there is none of that name.
        LakeBusyError: a run holds it.
    """
    found = Project(project.settings.with_lake(name))
    if not found.settings.is_private or not found.lake.root.is_dir():
        raise NotFoundError(
            f"no private lake {name!r}.", remedy="headgate lake list shows them all."
        )
    with found.lake.run_lock(ids.new_id(), "lake drop"):
        gone = found.lake.root.with_name(f".{name}.{ids.new_id()}")
        os.rename(found.lake.root, gone)
    shutil.rmtree(gone)


def listed(project: Project) -> list[PrivateLake]:
    """All private lakes of the project, by name."""
    folder = project.settings.private_lakes_path
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    return [_look(Project(project.settings.with_lake(n))) for n in names if not n.startswith(".")]


def _look(private: Project) -> PrivateLake:
    base, own, size = base_of(private), [], 0
    for dataset, contract in private.contracts.items():
        snapshot = private.lake.snapshot(dataset)
        if snapshot is None or contract.name.layer == "system":
            continue
        if snapshot.version > 0 or base is None:
            own.append(dataset)
            size += sum(_own_bytes(f) for f in snapshot.files)
    behind = 0
    if base is not None:
        other = Project(dataclasses.replace(private.settings, lake=Path(base.root)))
        behind = sum(1 for number in other.releases.ids() if number > base.release)
    return PrivateLake(private.settings.lake_name, base, tuple(own), size, behind)


def _own_bytes(file: DataFile) -> int:
    found = os.stat(file.uri)
    return found.st_size if found.st_nlink == 1 else 0


def _other(project: Project, name: str) -> Project:
    other = Project(core_settings.load(project.settings.root, lake=name))
    if other.lake.root == project.lake.root:
        raise UsageError(
            f"{name} cannot be its own base.",
            remedy="Say --lake NAME for a lake of your own: headgate --lake mine --base main run",
        )
    return other


def _release(other: Project, name: str, number: str) -> Release:
    if number:
        if not number.isdigit():
            raise UsageError(f"{name}@{number}: a release is a number.", remedy=f"--base {name}@12")
        return other.releases.get(int(number))
    found = other.releases.newest()
    if found is None:
        raise NotFoundError(
            f"the lake {name} has released nothing yet.", remedy="Run it first: headgate run"
        )
    return found


def _has_tables(lake: Lake) -> bool:
    return any(not n.startswith((".", "_")) for n in lake.storage.names(""))


@contextmanager
def _draft(project: Project) -> Iterator[Project]:
    """A lake beside the one that it is to become, so that nobody meets half of it."""
    root = project.lake.root
    place = root.with_name(f".{root.name}.{ids.new_id()}")
    draft = Project(dataclasses.replace(project.settings, lake=place))
    draft.__dict__["contracts"] = project.contracts
    draft.lake.make()
    try:
        yield draft
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _replace(root: Path, made: Path) -> None:
    gone = root.with_name(f".{root.name}.{ids.new_id()}")
    if root.exists():
        os.rename(root, gone)
    os.rename(made, root)
    sync_folder(root.parent)
    shutil.rmtree(gone, ignore_errors=True)


def _make(draft: Project, other: Project, name: str, release: Release) -> Base:
    """Fill the empty lake of ``draft`` with what ``other`` released."""
    run_id, moved, found = ids.new_id(), {}, dict[str, Snapshot]()
    for dataset, table in sorted(release.tables.items()):
        snapshot = other.lake.snapshot(dataset, table.version)
        if snapshot is None or snapshot.meta is None:
            raise LakeError(f"{dataset} has no version {table.version} that {name} committed.")
        found[dataset] = snapshot
    held = {d: s.content_version for d, s in found.items()}
    for dataset, snapshot in found.items():
        contract = draft.contracts.get(dataset)
        key = contract.key if contract else ()
        moved[dataset] = (
            _adopt(draft.lake, other.lake, snapshot, release, held, name, run_id, key),
            release.tables[dataset].group,
        )
    _remember(draft, other, release, run_id)
    published = draft.releases.publish(
        None, moved, run_id=run_id, note=f"release {release.id} of the lake {name}"
    )
    with Emitter(
        draft.lake.root / draft.settings.lineage_file, draft.settings.lake_name
    ) as lineage:
        step = told_changes.release_step(run_id, moved)
        told = told_changes.released(published)
        lineage.emit(dataclasses.replace(step, **told), State.COMPLETE)
    base = Base(name, str(other.lake.root), release.id, published.published_at)
    document = {**dataclasses.asdict(base), "since": clock.iso(base.since)}
    draft.lake.storage.put(FILE, hjson.dumps(document).encode())
    return base


def _adopt(
    lake: Lake, other: Lake, old: Snapshot, release: Release, held: Mapping[str, int], name: str,
    run_id: str, key: tuple[str, ...],
) -> Snapshot:  # fmt: skip
    """A table of ``lake`` whose first version has the files of ``old``; ``held`` are the versions
    whose rows the release has."""
    before = old.meta
    assert before is not None
    table_key = lake.key(old.dataset)
    folder = lake.root / table_key
    folder.mkdir(parents=True, exist_ok=True)
    for file in old.files:
        _link(Path(file.uri), folder / file.path)
    lake.storage.seal(table_key, [])
    document = kept.recall(other, old.dataset, before.contract_hash)
    if document is not None:
        kept.keep_document(lake, old.dataset, before.contract_hash, document)
    code = kept.recall_code(other, old.dataset, before.code_hash)
    if code is not None:
        kept.keep_code(lake, old.dataset, before.code_hash, *code)
    inputs = {d: 0 if held.get(d) == v else _ELSEWHERE for d, v in before.inputs.items()}
    meta = CommitMeta(
        batch_id=ids.new_id(), run_id=run_id, dataset=old.dataset, kind="restore", mode="replace",
        source=f"lake:{name} release:{release.id}", content_hash="",
        contract_version=before.contract_version, contract_hash=before.contract_hash,
        committed_at=clock.now(), code_hash=before.code_hash, inputs=inputs,
        detail={"version": old.version}, engine=before.engine,
    )  # fmt: skip
    return commit(
        lake, old.dataset, base=None, columns=old.columns, add=old.files, remove=(), meta=meta,
        key=key,
    )  # fmt: skip


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise LakeError(
            f"{source} is gone, though a release names it.", remedy="Take a newer release."
        ) from None
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP):
            raise
        raise LakeError(
            f"{target.parent} cannot share files with {source.parent}: they lie on different disks, "
            "or this one knows no hard links.",
            remedy="Put private lakes on the disk of their base: setting private_lakes.",
        ) from None


def _remember(draft: Project, other: Project, release: Release, run_id: str) -> None:
    """Enter which files the adopted versions were made from, so that none is taken again."""
    contracts: Mapping[str, Contract] = draft.contracts
    if ledger.BATCHES not in contracts:
        return
    with connect(draft.settings, [other.lake.root]) as con:
        taken = ledger.rows(
            other.lake, con, ledger.BATCHES, "kind = 'ingest' AND outcome = 'published'",
            limit=10_000_000,
        )  # fmt: skip
        rows = [
            # The version is the other lake's; here it is part of the first.
            {**row, "version": 0}
            for row in taken
            if row["version"] is not None
            and row["version"] <= release.versions.get(row["dataset"], _ELSEWHERE)
        ]
        if rows:
            ledger.append(con, draft.lake, contracts, ledger.BATCHES, rows, run_id)
