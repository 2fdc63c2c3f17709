"""`headgate dbt`: plain dbt, with what it needs of the contracts written first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

from headgate.cli import output

EXAMPLE = "Example: headgate dbt test --select fct_messages"
#: dbt's own options are its own: nothing of them is looked at here.
SETTINGS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": ["--help"],
}


def dbt(context: typer.Context) -> int:
    """Run dbt in the dbt project, after writing the properties that follow from the contracts.

    Whatever follows is dbt's own command line. Without it the properties are only written, which
    is all that a plain `dbt` in the project's folder or an editor needs.
    """
    from headgate.core.errors import UsageError
    from headgate.orchestration.dbt import properties
    from headgate.orchestration.project import Project

    project = Project.open()
    changed = properties.write(project)
    if not context.args:
        state = "written anew" if changed else "as the contracts have them"
        output.out(f"{output.near(properties.folder(project))}: {state}.")
        return 0
    program = Path(sys.executable).with_name("dbt")
    if not program.exists():
        raise UsageError(f"no dbt beside {sys.executable}.", remedy="Set up again: make core")
    place = project.settings.dbt_path
    # Of the whole environment only project and lake are ours: dbt is started as a user would.
    settings = project.settings
    ours = [f"HEADGATE_ROOT={settings.root}", f"HEADGATE_LAKE={settings.lake_path}",
            f"HEADGATE_LAKE_NAME={settings.lake_name}"]  # fmt: skip
    done = subprocess.run(["/usr/bin/env", *ours, str(program), *context.args], cwd=place)
    return done.returncode
