"""The door: everything that can be told of the datasets whose rows Spark works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.project import Project
from headgate.orchestration.spark.foretelling import contracts, models


def told(project: Project, engine: str = "") -> Iterator[tuple[str, str, bool]]:
    """Where, what, and whether it is a remark: what Spark will refuse of rules, merges, streams,
    models and tests. An ``engine`` goes before what contracts and the setting say.

    What is wrong on any engine is left to those who tell that. Remarks are of what nobody knows before
    it is built, and of what is not done there beside runs.
    """
    given = on_spark(project, engine)
    if not given:
        return
    for place, problem in contracts.findings(project, given):
        yield place, problem, False
    for place, problem in contracts.remarks(given):
        yield place, problem, True
    with suppress(HeadgateError):  # models that cannot be read
        sources = Sources(project)
        for place, problem in models.findings(sources, given):
            yield place, problem, False
        for place, problem in models.untold(sources, given):
            yield place, problem, True


def on_spark(project: Project, engine: str = "") -> list[Contract]:
    """The contracts whose rows Spark works on; ledgers are always written by the embedded engine."""
    own = [c for c in project.contracts.values() if c.name.layer != "system"]
    return [c for c in own if (engine or c.engine or project.settings.engine) == "spark"]
