"""What a lake need not have: what dead runs left, files of others, a base that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from headgate.core import clock
from headgate.core.cache import FILE_NAME as CACHE
from headgate.lake import catalog, kept, release
from headgate.lake.lake import LANDING, LOCKS, STAGING
from headgate.lake.lognames import CHECKPOINT, ENTRY
from headgate.lineage.forwarding import set_aside, standing
from headgate.orchestration.verifying.finding import WARNING, Check, Fault
from headgate.orchestration.verifying.look import Look

SWEEP = "removes what dead runs staged and drafted"
PUT_RIGHT = "puts right what the dead run left"
SET_ASIDE = "_set_aside"
_DRAFT = re.compile(
    r"\..+\.[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}(-wal|\.wal)?"
)
_LAYERS = ("bronze", "silver", "gold", "system")
_HASHED = re.compile(r"[0-9a-f]{64}\.json")
_RELEASE = re.compile(r"\d{20}\.json")
_YOUNG = timedelta(minutes=1)


def is_draft(name: str) -> bool:
    """Whether a file of this name is one that was to be renamed."""
    return _DRAFT.fullmatch(name) is not None


def drafts(root: Path) -> list[Path]:
    """Files that were written to be renamed, and never were; staging left out."""
    return [p for p in _files(root) if is_draft(p.name)]


def _files(root: Path) -> Iterator[Path]:
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(folder.iterdir())
        except OSError:
            continue
        for path in entries:
            if path.is_dir() and not path.is_symlink():
                if not (folder == root and path.name in (STAGING, SET_ASIDE, LANDING)):
                    waiting.append(path)
            else:
                yield path


def _staged(look: Look) -> Iterator[Fault]:
    if look.running:
        return
    root = look.project.lake.root
    for name in look.project.lake.storage.names(STAGING):
        folder = root / STAGING / name
        found = [p for p in folder.rglob("*") if p.is_file()] if folder.is_dir() else [folder]
        if found:
            size = sum(p.stat().st_size for p in found if p.exists())
            yield Fault(
                f"{STAGING}/{name}", f"a dead run left {len(found)} staged files of {size} bytes."
            )
    for path in drafts(root):
        if clock.epoch_millis() / 1000 - path.stat().st_mtime > 0:
            yield Fault(str(path.relative_to(root)), "a dead run left a draft.")


def _died(look: Look) -> Iterator[Fault]:
    if look.dead is not None:
        yield Fault(f"{LOCKS}/run.lock", f"the run {look.dead.run_id} ({look.dead.command}) died holding "
                    "the lake; nothing put right yet what it left.")  # fmt: skip


def _foreign(look: Look) -> Iterator[Fault]:
    root = look.project.lake.root
    for path in _files(root):
        name = path.relative_to(root)
        if not is_draft(path.name) and not _known(look, name) and path.exists():
            yield Fault(str(name), "the file is none of ours.")


def _known(look: Look, name: Path) -> bool:
    parts = name.parts
    if str(name) == look.project.settings.lineage_file or parts[0] in (LOCKS, Path(CACHE).parts[0]):
        return True
    if parts[0].startswith(catalog.FILE_NAME) and len(parts) == 1:
        return True
    if parts[0] == "_state" or parts[0] == Path(look.project.settings.lineage_file).parts[0]:
        return len(parts) == 2
    if parts[0] == release.FOLDER:
        return len(parts) == 2 and _RELEASE.fullmatch(parts[1]) is not None
    if parts[0] in (kept.FOLDER, kept.CODE_FOLDER):
        return len(parts) == 3 and _HASHED.fullmatch(parts[2]) is not None
    if parts[0] not in _LAYERS or len(parts) < 4:
        return False
    if len(parts) == 4:
        return parts[3].endswith(".parquet")
    entry = parts[4] if len(parts) == 5 and parts[3] == "_delta_log" else ""
    return entry == "_last_checkpoint" or bool(
        ENTRY.fullmatch(entry) or CHECKPOINT.fullmatch(entry)
    )


def _base(look: Look) -> Iterator[Fault]:
    base = look.base
    if base is None:
        return
    number = f"{base.release:020d}.json"
    if not Path(base.root, release.FOLDER, number).exists():
        yield Fault("_state/base.json", f"release {base.release} of the lake {base.lake}, which this one "
                    f"began as, is gone from {base.root}.")  # fmt: skip


def _places(look: Look) -> Iterator[Fault]:
    root = look.project.lake.root
    for path in sorted((root / standing.FOLDER).glob("forward_*.json")):
        if standing.damaged(root, path.stem.removeprefix("forward_")):
            yield Fault(
                str(path.relative_to(root)), "how far lineage was forwarded cannot be read."
            )


def notes(look: Look) -> list[str]:
    """What is worth knowing, and is no fault."""
    found = [p for p in (look.project.lake.root / SET_ASIDE).rglob("*") if p.is_file()]
    told = []
    if found:
        size = sum(p.stat().st_size for p in found)
        told.append(f"{SET_ASIDE} keeps {len(found)} files ({size} bytes) that were set aside; nothing "
                    "reads them.")  # fmt: skip
    root = look.project.lake.root
    for path in sorted((root / standing.FOLDER).glob("forward_*.rejected.jsonl")):
        name = path.name.removeprefix("forward_").partition(".")[0]
        told.append(f"{standing.FOLDER}/{path.name} keeps {set_aside.count(root, name)} events of lineage "
                    f"that {name} refused.")  # fmt: skip
    if look.running:
        told.append("A run was going on; what it has not finished was left out.")
    return told


CHECKS = (
    Check("run-died", "No run died holding the lake, or what it left was put right.",
          "`headgate run` goes on from what it committed; `headgate fsck --repair` puts right without "
          "taking anything in.", _died, severity=WARNING, repair=PUT_RIGHT),
    Check("staged-files", "Nothing is staged or drafted but by a run that goes on.",
          "The next run removes it; so does `headgate fsck --repair`.", _staged, severity=WARNING,
          repair=SWEEP),
    Check("foreign-files", "The lake holds files of ours alone.",
          "Move it out of the lake: maintenance and backups take the folder for ours.", _foreign,
          severity=WARNING),
    Check("forward-places", "How far lineage was forwarded to each destination can be read.",
          "Whoever sends next begins anew, and sends all of it again; receivers know what they have.",
          _places, severity=WARNING),
    Check("private-base", "What a private lake began as is still there.",
          "It goes on working; `headgate lake refresh` begins anew from a newer release.", _base,
          severity=WARNING),
)  # fmt: skip
