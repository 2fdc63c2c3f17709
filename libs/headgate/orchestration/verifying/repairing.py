"""Mending what can safely be mended: nothing that holds data is deleted, nothing that is named is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from headgate.core import ids
from headgate.core.errors import HeadgateError, LakeBusyError
from headgate.lake import catalog, kept, ledger, recovery
from headgate.lake.engines.duckdb import Connection, connect
from headgate.lake.storage import sync_folder
from headgate.lineage import log
from headgate.lineage.emitter import Emitter
from headgate.orchestration import releasing
from headgate.orchestration.context import Progress, RunContext, Silent
from headgate.orchestration.project import Project
from headgate.orchestration.run import opened
from headgate.orchestration.verifying import documents, events, ledgers, logs, remains, shown
from headgate.orchestration.verifying.finding import Finding, Findings
from headgate.orchestration.verifying.look import Look, look
from headgate.orchestration.verifying.verify import verify

COMMAND = "fsck --repair"
#: What is mended in a run, which begins with putting right what a dead one left.
_IN_A_RUN = frozenset({ledgers.ENTER, shown.REWRITE, remains.PUT_RIGHT})


@dataclass(frozen=True)
class Repaired:
    """What was mended (a sentence each), what was found after that, and why it went no further."""

    done: tuple[str, ...]
    after: Findings
    stopped: str = ""


def repair(project: Project, found: Findings, *, progress: Progress | None = None) -> Repaired:
    """Mend those of the findings that can safely be mended, under the run lock, and verify again.

    Raises:
        LakeBusyError: a run holds the lake.
    """
    import duckdb

    asked = {f.repair for f in found.findings if f.repair}
    if not asked:
        return Repaired((), found)
    done: list[str] = []
    stopped = ""
    try:
        done += _under_lock(project, found, asked)
        if asked & _IN_A_RUN:
            with opened(project, COMMAND, progress) as context:
                done += context.notes
                _in_a_run(context, found, asked)
    except LakeBusyError:
        raise
    except (HeadgateError, duckdb.Error) as error:
        stopped = (str(error).splitlines() or [type(error).__name__])[0]
    after = verify(project, deep=found.deep, progress=progress)
    left = {(f.check, f.place, f.message) for f in after.findings}
    done += [
        f"{f.place}: {f.repair}: done."
        for f in found.findings
        if f.repair and f.repair != logs.SET_ASIDE and (f.check, f.place, f.message) not in left
    ]
    return Repaired(tuple(dict.fromkeys(done)), after, stopped)


def _under_lock(project: Project, found: Findings, asked: set[str]) -> list[str]:
    """What needs no run: it comes first, for what is torn may keep a run from beginning."""
    lake, done = project.lake, list[str]()
    with lake.run_lock(ids.new_id(), COMMAND), connect(project.settings) as con:
        if logs.SET_ASIDE in asked:
            done += _set_aside(project, con, found)
        if remains.SWEEP in asked:
            lake.sweep_staging()
            for draft in remains.drafts(lake.root):
                draft.unlink(missing_ok=True)
        if documents.PUT_BACK in asked:
            _put_back(project, [f for f in found.findings if f.repair == documents.PUT_BACK])
        if events.CLOSE in asked:
            _close(project, look(project, con, Silent(), deep=False, selected=()))
    return done


def _in_a_run(context: RunContext, found: Findings, asked: set[str]) -> None:
    """What a run does of itself when it begins, and more of the same."""
    project = context.project
    if ledgers.ENTER in asked:
        with connect(project.settings) as con:
            seen = look(project, con, Silent(), deep=False, selected=())
            _enter(context, seen, _distrusted(found))
    newest = project.releases.newest() if shown.REWRITE in asked else None
    if newest is not None:
        # Without the note nothing of the old file is taken over.
        (project.lake.root / catalog.NOTE).unlink(missing_ok=True)
        releasing.write_catalog(context, newest)


def _set_aside(project: Project, con: Connection, found: Findings) -> list[str]:
    """Torn entries and wrong summaries out of the way, before anything is read through them."""
    lake = project.lake
    told = recovery.recover(lake, con, project.contracts, thorough=True)
    for one in found.findings:
        path = lake.root / one.place
        if one.check == "log-checkpoint" and one.repair and path.exists():
            told.append(move_aside(project, path))
    # What named a summary that went is in the way now as well.
    return told + recovery.recover(lake, con, project.contracts, thorough=True)


def move_aside(project: Project, path: Path) -> str:
    """Rename a file into the folder of what was set aside, durably."""
    root = project.lake.root
    target = root / remains.SET_ASIDE / f"{path.relative_to(root)}.{ids.new_id()}"
    project.lake.storage.make(str(target.parent.relative_to(root)))
    os.rename(path, target)
    sync_folder(target.parent)
    sync_folder(path.parent)
    return f"{path.relative_to(root)} was set aside as {target.relative_to(root)}."


def _put_back(project: Project, found: list[Finding]) -> None:
    for one in found:
        contract = project.contracts[str(one.dataset)]
        path = project.lake.root / one.place
        if path.exists():
            move_aside(project, path)
        kept.keep(project.lake, contract)


def _distrusted(found: Findings) -> set[str | None]:
    """Datasets whose logs are not beyond doubt: nothing is entered from them."""
    return {f.dataset for f in found.errors if f.check.startswith(("log-", "account-"))}


def _enter(context: RunContext, seen: Look, distrusted: set[str | None]) -> None:
    """Rows that the ledgers lack, from log entries and release files."""
    project, con = context.project, context.session.con
    lake, contracts = project.lake, project.contracts
    batches = seen.ledger(ledger.BATCHES)
    verdicts = seen.ledger(ledger.VERDICTS)
    released = seen.ledger(ledger.RELEASES)
    every = [(v, m) for v, m in ledgers.commits(seen) if m.dataset not in distrusted]
    if batches is not None:
        known = {str(r["batch_id"]) for r in batches}
        missing = [(m, v) for v, m in every if m.batch_id not in known]
        ledger.record(con, lake, contracts, missing, context.run_id)
    if verdicts is not None:
        judged = {(str(r["batch_id"]), str(r["rule_id"])) for r in verdicts}
        rows = [r for _, m in every for r in ledger.verdict_rows(m)]
        rows = [r for r in rows if (r["batch_id"], r["rule_id"]) not in judged]
        if rows:
            ledger.append(con, lake, contracts, ledger.VERDICTS, rows, context.run_id)
    if released is not None:
        entered = {(int(r["release_id"]), str(r["dataset"])) for r in released}
        more = [r for one in seen.kept_releases.values() for r in ledger.release_rows(one)]
        more = [r for r in more if (r["release_id"], r["dataset"]) not in entered]
        if more:
            ledger.append(con, lake, contracts, ledger.RELEASES, more, context.run_id)


def _close(project: Project, seen: Look) -> None:
    """End in lineage every step that a dead process left running; nobody else holds the lake."""
    settings = project.settings
    with Emitter(project.lake.root / settings.lineage_file, settings.lake_name) as emitter:
        emitter.abort(log.left_by(event) for _, event in events.told(seen).open.values())
