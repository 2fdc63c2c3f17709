"""`headgate portal evidence`: all that can be shown of a release as one archive, and its check."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import typer

from headgate.cli import output
from headgate.core.errors import RefusedError, UsageError

EXAMPLE = "Example: headgate portal evidence 12 --out evidence-12.zip"


def evidence(
    release: int | None = typer.Argument(None, metavar="[RELEASE]", min=1, help="Its number."),
    out: Path | None = typer.Option(
        None, "--out", metavar="FILE", help="Where to write it; the folder has to exist."
    ),
    check: Path | None = typer.Option(
        None, "--check", metavar="FILE", help="Check a pack that was made before."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:
    """Write the evidence of a release: contracts, verdicts, accounts, lineage, sign-offs, checksums.

    It holds no row of any table. That it was made is an entry in the portal's log.
    """
    if (release is None) == (check is None) or (release is None) != (out is None):
        raise UsageError(
            "it is not said which release and which file.",
            remedy="Give RELEASE and --out FILE, or --check FILE alone.",
        )
    if check is not None:
        return _check(check, as_json)
    assert release is not None and out is not None
    name, size, head = _write(release, out)
    if as_json:
        output.json({"release": release, "file": str(out), "bytes": size, "log_head": head})
    else:
        output.out(f"{name} is written to {out} ({size:,} bytes).")
        output.out(f"Check it: headgate portal evidence --check {out}")
    return 0


def _check(file: Path, as_json: bool) -> int:
    from headgate.portal.evidence import packing

    try:
        with file.open("rb") as opened:
            count, wrong = packing.check(opened)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    if as_json:
        output.json({"file": str(file), "files": count, "whole": not wrong, "wrong": wrong})
        return 1 if wrong else 0
    if wrong:
        raise RefusedError(
            f"{file} is not as it was made: {'; '.join(wrong[:10])}.",
            remedy="Ask for it anew: headgate portal evidence RELEASE --out FILE",
        )
    output.out(f"{file} is whole: each of its {count} files is as it was packed.")
    return 0


def _write(release: int, out: Path) -> tuple[str, int, str]:
    """Name, bytes and log head of the pack, once it lies at ``out``."""
    from headgate.orchestration.project import Project
    from headgate.portal import opening
    from headgate.portal.access.entering import sitting
    from headgate.portal.evidence.taking import take

    with opening.opened(Project.open()) as parts:
        pack = take(parts, release, by=sitting(()))
        return pack.name, _put(pack.stream(), out), str(pack.head)


def _put(pieces: Iterable[bytes], out: Path) -> int:
    """Write beside the file and rename, so that none is there by halves."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}.") from None
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            size = sum(file.write(piece) for piece in pieces)
        beside.chmod(0o644)
        beside.replace(out)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return size
