"""`headgate fsck`: the lake verified end to end, and what can safely be mended, mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.orchestration.verifying.finding import Finding, Findings
    from headgate.orchestration.verifying.repairing import Repaired

EXAMPLE = "Example: headgate fsck --deep"
#: So many findings of one check are drawn; --json has them all.
_DRAWN = 10


def fsck(
    datasets: list[str] = typer.Argument(
        None, metavar="[DATASET]...", help="Verify these only. Default: the whole lake."
    ),
    deep: bool = typer.Option(
        False, "--deep/--quick", help="Read every row and every byte too; --quick reads logs, "
        "ledgers, releases and the files' footers."
    ),
    repair: bool = typer.Option(
        False, "--repair", help="Mend what can safely be mended, and say what was done."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print it as JSON."),
) -> int:  # fmt: skip
    """Verify the lake: logs, files, accounts, ledgers, releases, quarantine, lineage; say what is wrong.

    Changes nothing without --repair, and takes no lock, so runs may go on. Exits 1 if a promise is
    broken; what is merely untidy is a warning and exits 0.
    """
    from headgate.cli import progress
    from headgate.orchestration.project import Project
    from headgate.orchestration.verifying.repairing import repair as mend
    from headgate.orchestration.verifying.verify import verify

    project = Project.open()
    with progress.watch(quiet=as_json) as watcher:
        found = verify(project, deep=deep, datasets=datasets or (), progress=watcher)
        mended = mend(project, found, progress=watcher) if repair else None
    after = mended.after if mended else found
    if as_json:
        more = {"done": mended.done, "stopped": mended.stopped} if mended else {}
        told = {**output.plain(after), **more, "exit_code": after.exit_code}
        output.json(told)
    else:
        if mended:
            _tell_mended(mended)
        _tell(after)
    return after.exit_code


def _tell_mended(mended: Repaired) -> None:
    for sentence in mended.done:
        output.out(f"Mended: {sentence}")
    if mended.stopped:
        output.out(f"Went no further: {mended.stopped}")
    if not mended.done and not mended.stopped:
        output.out("There was nothing that can safely be mended.")


def _tell(found: Findings) -> None:
    depth = "every row and byte" if found.deep else "logs, footers, ledgers and releases"
    output.out(
        f"Verified {found.tables:,} tables, {found.versions:,} versions, {found.files:,} files and "
        f"{found.releases:,} releases ({depth})."
    )
    for note in found.notes:
        output.out(note)
    if found.clean:
        output.out("Nothing is wrong.")
        return
    by_check: dict[str, list[Finding]] = {}
    for one in found.findings:
        by_check.setdefault(one.check, []).append(one)
    rows = [one for group in by_check.values() for one in group[:_DRAWN]]
    output.table(
        ("check", "severity", "place", "what is wrong"),
        [(one.check, one.severity, one.place, one.message) for one in rows],
    )
    for check, group in by_check.items():
        more = f" ({len(group)} findings)" if len(group) > _DRAWN else ""
        for remedy in dict.fromkeys(one.remedy for one in group):
            output.out(f"{check}{more}: {remedy}")
    output.out(f"{len(found.errors)} errors, {len(found.warnings)} warnings.")
    if any(one.repair for one in found.findings):
        output.out("Some of it can safely be mended: headgate fsck --repair")
