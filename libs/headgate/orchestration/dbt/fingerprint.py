"""The hash of everything that a model's rows follow from, apart from its inputs."""

from __future__ import annotations

from headgate.core import ids
from headgate.orchestration.dbt import refs
from headgate.orchestration.project import Project


def fingerprint(project: Project) -> dict[str, str]:
    """Model name to SHA-256 of its SQL, that of the private models in it, all macros, the dbt
    project file and its contract; for contracted models. dbt is not imported.

    Raises:
        ModelError: as :func:`refs.inputs`.
    """
    if not project.contracts.models:
        return {}
    folder, known = project.settings.dbt_path, refs.models(project)
    refs.inputs(project, known)
    files = sorted([*(folder / "macros").rglob("*.sql"), folder / "dbt_project.yml"])
    shared = ids.digest(
        *(part for f in files for part in (str(f.relative_to(folder)), f.read_bytes()))
    )
    found = {}
    for contract in project.contracts.models:
        assert contract.model is not None
        codes = refs.with_private(project, contract.model, known)
        texts = [part for code in codes for part in (code.name, code.sql)]
        found[contract.model] = ids.digest(shared, contract.hash, *texts)
    return found
