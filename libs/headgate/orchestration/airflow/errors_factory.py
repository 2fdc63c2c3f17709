"""What Airflow's list of import errors says of contracts that make no DAG, from a file that holds none."""

from __future__ import annotations

from pathlib import Path

from headgate.core import settings as core_settings
from headgate.core.errors import ContractError
from headgate.orchestration import dag_index


def contract_errors(file: str) -> None:
    """See that every contract of the project that ``file`` (a DAG file's ``__file__``) belongs to makes
    its DAG.

    The other DAG files leave out what is wrong and live on; Airflow schedules nothing of a file that
    it cannot import, so only this one fails.

    Raises:
        ContractError: some do not; it tells of each with file and line, what is wrong, and what to do.
        UsageError: there is no project, or a setting is wrong.
    """
    broken = dag_index.load(core_settings.find_root(Path(file).parent)).broken
    if broken:
        told = "\n".join(f"- {one}{_left_out(one)}" for one in broken)
        things = "thing is" if len(broken) == 1 else "things are"
        raise ContractError(f"{len(broken)} {things} wrong with contracts:\n{told}")


def _left_out(broken: dag_index.Broken) -> str:
    if not broken.datasets:
        return ""
    return f" Until then nothing is scheduled for {', '.join(broken.datasets)}."
