"""The generated properties files in the dbt project, kept as the contracts have them."""

from __future__ import annotations

import os
from pathlib import Path

from headgate.contracts import dbt
from headgate.core import ids
from headgate.orchestration.project import Project


def folder(project: Project) -> Path:
    """Where the generated files are: in the dbt project, ignored by git."""
    return project.settings.dbt_path / "models" / dbt.FOLDER


def write(project: Project) -> bool:
    """Make the files what the contracts say now; tells whether any of them changed.

    Files that are right are not touched, so that dbt need not parse them again.
    """
    target, wanted = folder(project), dbt.properties(project.contracts)
    present = {p.name: p for p in target.glob("*")} if target.is_dir() else {}
    changed = False
    for name, text in wanted.items():
        if name in present and present[name].read_text("utf-8") == text:
            continue
        target.mkdir(parents=True, exist_ok=True)
        # Another run may read the file meanwhile: it sees the old text or the new one.
        draft = target / f".{name}.{ids.new_id()}"
        draft.write_text(text, "utf-8")
        os.replace(draft, target / name)
        changed = True
    for name in present.keys() - wanted.keys():
        if not name.startswith("."):
            present[name].unlink(missing_ok=True)
            changed = True
    return changed
