"""How a run's report reads: a line a dataset, what was refused and why, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headgate.cli import output

if TYPE_CHECKING:
    from headgate.orchestration.run import BatchOutcome, RunReport

_COUNTS = ("read", "published", "quarantined", "deduplicated", "refused")


@dataclass(frozen=True)
class Line:
    """All batches of one dataset in one run, added up. ``read`` is the sum of the four others."""

    dataset: str
    batches: int
    read: int
    published: int
    quarantined: int
    deduplicated: int
    refused: int
    version: int | None
    verdict: str
    seconds: float


def tell(found: RunReport, *, as_json: bool) -> int:
    """Print the report, for programs or for people, and give the command's exit code."""
    if as_json:
        output.json(plain(found))
    else:
        show(found)
    return found.exit_code


def lines(report: RunReport) -> list[Line]:
    """One line a dataset, in the order in which the run came to them."""
    grouped: dict[str, list[BatchOutcome]] = {}
    for outcome in (*report.batches, *report.models):
        grouped.setdefault(outcome.dataset, []).append(outcome)
    return [_line(dataset, outcomes) for dataset, outcomes in grouped.items()]


def _line(dataset: str, outcomes: Iterable[BatchOutcome]) -> Line:
    found = list(outcomes)
    sums = {name: sum(getattr(o, name) for o in found) for name in _COUNTS}
    versions = [o.version for o in found if o.version is not None]
    said = {o.outcome for o in found}
    if "refused" in said:
        verdict = "refused" if said == {"refused"} else "refused in part"
    elif "published" in said:
        verdict = "quarantined in part" if sums["quarantined"] else "published"
    else:
        verdict = "unchanged"
    return Line(
        dataset=dataset,
        batches=len(found),
        version=max(versions, default=None),
        verdict=verdict,
        seconds=sum(o.seconds for o in found),
        **sums,
    )


def plain(report: RunReport) -> dict[str, Any]:
    """The report as JSON holds it, with its exit code."""
    return {**output.plain(report), "exit_code": report.exit_code}


def show(report: RunReport) -> None:
    """The report on stdout, for people."""
    found = lines(report)
    if found:
        output.table(
            ("dataset", "batches", *_COUNTS, "version", "verdict", "seconds"),
            [
                (
                    *(line.dataset, line.batches),
                    *(getattr(line, name) for name in _COUNTS),
                    *(line.version, line.verdict, line.seconds),
                )
                for line in found
            ],
        )
    for outcome in (*report.batches, *report.models):
        for problem in outcome.problems:
            output.out(f"{outcome.dataset} ({outcome.source or 'model'}): {problem}")
        if outcome.outcome == "refused" and outcome.refused:
            kept = "stay in the file" if outcome.source else "were dropped with the build"
            output.out(f"  Its {outcome.refused:,} rows {kept}; the table is as it was before.")
    for told in (*report.problems, *report.notes):
        output.out(told)
    output.out(_summary(report))
    following = next_steps(report)
    if following:
        output.out("Next:")
        for command, why in following:
            output.out(f"  {command}\n      {why}")


def _summary(report: RunReport) -> str:
    took = f"in {report.seconds:.1f} s"
    if report.release_id is not None:
        told = f"Release {report.release_id} published {took}"
        told += f": {len(report.released)} datasets changed." if report.released else "."
    elif report.exit_code:
        told = f"Nothing was released ({took}); readers see what they saw before."
    else:
        told = f"Nothing changed ({took})."
    if report.held:
        told += f" Held back until they are whole: {', '.join(report.held)}."
    return told


def next_steps(report: RunReport) -> list[tuple[str, str]]:
    """Commands that make sense now, each with what it does."""
    steps: list[tuple[str, str]] = []
    found = lines(report)
    for line in found:
        if line.quarantined:
            steps.append(
                (
                    f"headgate quarantine list {line.dataset}",
                    f"the {line.quarantined:,} rows that were set aside, and why",
                )
            )
        if line.verdict.startswith("refused"):
            steps.append(
                (
                    f"headgate show verdicts {line.dataset}",
                    "the rules that refused it, and how far the data was off",
                )
            )
    gold = [line.dataset for line in found if line.dataset.startswith("gold.")]
    if report.release_id is not None and gold:
        query = f'headgate sql "select * from {gold[-1]} limit 5"'
        steps.append((query, "read what was released"))
    return steps
