"""What an analyst's own ``dbt`` command works in: the lake as it stands, and a run of its own.

``dbt build`` and ``dbt run`` commit versions through the gate that no release shows yet; the next
``headgate run`` builds, tests and releases them. Other commands only read.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from pathlib import Path

from headgate.core import ids
from headgate.core import settings as core_settings
from headgate.core.errors import UsageError
from headgate.lake import ledger
from headgate.lake.engines.duckdb import connect
from headgate.lake.session import Session
from headgate.lineage.emitter import Emitter
from headgate.orchestration import curating
from headgate.orchestration.context import RunContext
from headgate.orchestration.dbt import properties
from headgate.orchestration.project import Project

#: dbt commands that build models.
_WRITING = {"build", "run", "retry"}


def begin() -> RunContext:
    """The context of the dbt command that runs in this process; it ends with the process.

    Raises:
        UsageError: no project is found, the command would build from part of the data, or from
            properties that the contracts no longer say.
        LakeBusyError: it would write, and another run holds the lake.
    """
    from dbt.flags import get_flags

    flags = get_flags()
    # dbt may have been started elsewhere, with --project-dir.
    place = Path(str(getattr(flags, "PROJECT_DIR", None) or Path.cwd()))
    project = Project.open(core_settings.find_root(place))
    renewed = properties.write(project)
    command = str(getattr(flags, "WHICH", ""))
    if command not in _WRITING:
        return RunContext(
            project,
            Session(project.lake, connect(project.settings), ids.new_id()),
            Emitter(project.lake.root / project.settings.lineage_file, project.settings.lake_name),
        )
    if getattr(flags, "EMPTY", False) or getattr(flags, "SAMPLE", None):
        raise UsageError(
            "models built from part of the data would be committed to the lake.",
            remedy="Leave --empty and --sample out; `dbt show` previews rows without committing.",
        )
    if renewed:
        raise UsageError(
            "contracts changed since dbt's properties were written from them; they are written anew.",
            remedy="Run the same command again.",
        )
    from headgate.orchestration.run import opened

    stack = ExitStack()
    context = stack.enter_context(opened(project, f"dbt {command}"))
    atexit.register(_end, stack, context)
    return context


def built(context: RunContext, dataset: str) -> None:
    """Remember that a version was committed outside a run: no release until it is tested."""
    curating.note_built(context, dataset)


def _end(stack: ExitStack, context: RunContext) -> None:
    with stack:
        ledger.record(
            context.session.con, context.project.lake, context.project.contracts,
            context.accounts, context.run_id,
        )  # fmt: skip
