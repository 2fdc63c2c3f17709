"""The door: everything that can be told of the datasets whose rows Spark works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from headgate.contracts.model import Contract
from headgate.core.errors import HeadgateError
from headgate.orchestration.dbt.compile import Sources
from headgate.orchestration.project import Project
from headgate.orchestration.spark.foretelling import contracts, models


def told(project: Project, given: Sequence[Contract]) -> Iterator[tuple[str, str, bool]]:
    """Where, what, and whether it is a remark: what Spark will refuse of rules, merges, streams,
    models and tests of the contracts ``given``.

    What is wrong on any engine is left to those who tell that. Remarks are of what nobody knows before
    it is built, and of what is not done there beside runs.
    """
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
