"""`headgate check`: everything about contracts and models that can be judged without any data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from headgate.cli import checks, lineage_view, output
from headgate.contracts.model import ENGINES
from headgate.core.errors import UsageError

if TYPE_CHECKING:
    from headgate.orchestration.project import Project

EXAMPLE = "Example: headgate check"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: where, what, and what to do.

    ``to_say``: nothing is wrong, but a draft still waits for a person's words, lineage will not know
    the columns of a model, or Spark does not do all of it, or nobody knows yet whether it does.
    """

    check: str
    place: str
    problem: str
    to_say: bool = False


def check(
    as_json: bool = typer.Option(False, "--json", help="Print the findings as JSON."),
    engine: str | None = typer.Option(
        None,
        metavar="|".join(ENGINES),
        help="Ask as if every dataset were on this engine: what would not go there?",
    ),
) -> int:
    """Check contracts, their examples, the dbt project and the generated reference.

    Reads no data and writes nothing. Exits 1 when something is wrong, and says what. What a drafted
    contract leaves to a person to say is told too, and is not wrong. Of datasets on Spark it tells
    which rules and models cannot be carried there; Spark need not be installed for that.
    """
    from headgate.orchestration.project import Project

    if engine not in (None, *ENGINES):
        raise UsageError(
            f"--engine {engine!r} is not known.", remedy=f"Use one of {', '.join(ENGINES)}."
        )
    project = Project.open()
    findings = list(judge(project, engine or ""))
    if as_json:
        output.json(findings)
    else:
        for finding in findings:
            output.out(f"{output.near(finding.place)}: {finding.problem}")
        count = sum(not f.to_say for f in findings)
        wrong = f"{count} findings" if count else "all is well"
        output.out(f"headgate check: {len(project.contracts)} contracts, {wrong}.")
    return 1 if any(not f.to_say for f in findings) else 0


def judge(project: Project, engine: str = "") -> Iterator[Finding]:
    """Every finding, check by check, in a fixed order; an ``engine`` goes before what contracts say.

    Raises:
        ContractError: a contract cannot even be loaded.
    """
    for name, of in checks.CHECKS.items():
        for place, problem in of(project):
            yield Finding(name, place, problem)
    for place, problem, remark in checks.spark(project, engine):
        yield Finding("spark", place, problem, remark)
    for contract in project.contracts.values():
        left = list(checks.unsaid(contract.document))
        if left:
            yield Finding("drafts", str(contract.path), f"still to say: {', '.join(left)}.", True)
    for place, problem in lineage_view.untraced(project):
        yield Finding("lineage", place, problem, True)
    for place, problem in checks.flows(project, remarks=True):
        yield Finding("flows", place, problem, True)
